"""Folders and tar shards of photos, read into one array of equal pictures, and split into train and validation.

A source is a folder, searched recursively, or a .tar file (WebDataset's layout: one photo a member), which may also lie
in such a folder. Every photo becomes a square of `side` pixels: scaled so that its short side fits, with its aspect
kept, and cut from the centre. All squares lie in one uint8 array, in memory or mapped from a cache on disk, so that an
epoch costs no decoding.
"""

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import psutil
from filelock import FileLock, Timeout
from PIL import Image, ImageOps
from skimage import color
from tqdm import tqdm

from lumachrome import limits
from lumachrome.errors import UserError, atomic

SMALLEST = 64  # photos with a shorter side are left out: enlarged further, they teach blur
GRAYEST = 5.0  # and those whose a and b both range over less than this (as arXiv:1705.02999 does)
TONED = 1.5  # or stray by less (rms) from a curve over L: nine of ten sepia prints, one in thousands of other photos
NOT_PHOTOS = {'.pdf', '.eps', '.ps', '.wmf', '.emf', '.h5', '.hdf', '.grib', '.bufr', '.mpg', '.mpeg', '.fits'}
EXTENSIONS = set(Image.registered_extensions()) - NOT_PHOTOS


class PhotosError(UserError):
    """What is wrong with a set of photos, in one sentence."""


@dataclass
class Photos:
    """A set of photos.

    Attributes
    ----------
    pictures : uint8 array [m, side, side, 3]
        sRGB; also those of other sets that were parted from the same array.
    rows : list of int
        Where in `pictures` each photo of this set lies.
    names : list of str
        Where each came from.
    digests : list of str
        A hash of each photo's file.
    left_out : dict of str to list of str
        Names of the photos that were left out, by reason.
    """

    pictures: np.ndarray
    rows: list[int]
    names: list[str]
    digests: list[str]
    left_out: dict[str, list[str]]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, i: int) -> np.ndarray:
        """The picture of photo `i`: uint8 [side, side, 3]."""
        return self.pictures[self.rows[i]]

    def subset(self, indices: Iterable[int]) -> 'Photos':
        """The photos at `indices`; their pictures are shared, not copied."""

        indices = list(indices)

        def pick(values):
            return [values[i] for i in indices]

        return Photos(self.pictures, pick(self.rows), pick(self.names), pick(self.digests), self.left_out)

    def sample(self, most: int) -> 'Photos':
        """At most `most` of the photos, by digest: of all sources alike, and the same ones wherever they lie."""
        return self.subset(sorted(range(len(self)), key=self.digests.__getitem__)[:most])

    def stacked(self) -> np.ndarray:
        """All pictures in memory: uint8 [n, side, side, 3]."""
        return np.stack([self[i] for i in range(len(self))])


@dataclass(frozen=True)
class _Member:
    """A photo's bytes: a whole file, or a stretch of a shard."""

    name: str
    path: str
    offset: int = 0
    size: int = -1

    def read(self) -> bytes:
        with open(self.path, 'rb') as file:
            file.seek(self.offset)
            return file.read(self.size)


def find(sources: Iterable[str | Path]) -> list[_Member]:
    """The photos in `sources` (folders and .tar files), as members in a fixed order.

    Raises
    ------
    PhotosError
        If a source is missing, is neither a folder nor a tar file, or holds no file that could be a photo.
    """
    members = []
    for source in map(Path, sources):
        if source.is_dir():
            found = [
                m
                for p in sorted(_files(source))
                for m in (_in_shard(p) if p.suffix == '.tar' else [_Member(str(p), str(p))])
            ]
        elif source.exists():
            found = _in_shard(source)
        else:
            raise PhotosError(f'{source} does not exist: name a folder of photos or a .tar file of them.')
        found = [member for member in found if os.path.splitext(member.name)[1].lower() in EXTENSIONS]
        if not found:
            raise PhotosError(f'{source} holds no photos: none of its files has an extension that Pillow reads.')
        members += found
    return members


def _files(folder, within=()):
    """The files below a folder, through links too; what is hidden is not meant."""
    here = folder.resolve()
    if here in within:  # a link back to where we are
        return
    for path in folder.iterdir():
        if path.name.startswith('.'):
            continue
        if path.is_dir():
            yield from _files(path, (*within, here))
        elif path.is_file():
            yield path


def _in_shard(path):
    try:
        with tarfile.open(path, 'r:') as shard:
            return [
                _Member(f'{path}/{info.name}', str(path), info.offset_data, info.size)
                for info in shard
                if info.isfile()
            ]
    except tarfile.TarError as error:
        raise PhotosError(
            f'{path} is not an uncompressed tar file ({error}): name a folder of photos or a .tar file.'
        ) from error


def square(image: Image.Image, side: int) -> np.ndarray:
    """A Pillow image as a centred square: uint8 [side, side, 3], its aspect kept."""
    image = ImageOps.exif_transpose(image).convert('RGB')
    return np.asarray(ImageOps.fit(image, (side, side), Image.Resampling.BILINEAR))


def _decode(member, side):
    """(picture, digest) of a photo, or (None, why it is left out)."""
    try:
        data = member.read()
        with Image.open(io.BytesIO(data)) as image:
            if min(image.size) < SMALLEST:
                return None, f'smaller than {SMALLEST} pixels'
            image.draft('RGB', (2 * side, 2 * side))  # lets a JPEG decoder skip detail that would be scaled away
            picture = square(image, side)
    except MemoryError:
        raise
    except Exception:  # Pillow's plug-ins raise what they like
        return None, 'cannot be decoded'
    if not _has_color(picture):
        return None, 'without colour of its own'
    return picture, hashlib.sha256(data).hexdigest()


def _has_color(picture):
    """Whether the colours of a picture are more than one tone that follows its lightness."""

    def Lab_of(cells):
        cells = min(cells, len(picture))
        width = len(picture) // cells
        means = picture[: cells * width, : cells * width].reshape(cells, width, cells, width, 3).mean((1, 3))
        return color.rgb2lab(means / 255).reshape(-1, 3)

    if (np.ptp(Lab_of(8)[:, 1:], axis=0) < GRAYEST).all():
        return False
    Lab = Lab_of(24)
    curves = np.vander(Lab[:, 0] / 100, 5)
    toned = curves @ np.linalg.lstsq(curves, Lab[:, 1:], rcond=None)[0]
    return np.sqrt(((Lab[:, 1:] - toned) ** 2).sum(-1).mean()) >= TONED


def read(
    sources: Sequence[str | Path], side: int, cache: str | Path | None = None, only: Collection[str] | None = None
) -> Photos:
    """Decode the photos of `sources`.

    Parameters
    ----------
    sources : list of path
        Folders and .tar files.
    side : int
        Side of the squares that they become, in pixels.
    cache : path, optional
        A folder in which the decoded array is kept; the next call with the same sources maps it instead of decoding.
    only : collection of str, optional
        Of all photos in the sources, read only those of these `Photos.names`.

    Returns
    -------
    Photos

    Raises
    ------
    PhotosError
        If `find` does, if the array would not fit, or if no photo is left.
    """
    members = find(sources)
    if only is not None:
        only = set(only)
        members = [member for member in members if member.name in only]
    shape = (len(members), side, side, 3)
    if not cache:
        _check_room(
            shape,
            limits.left_by_container(psutil.virtual_memory().available),
            'memory is free; --cache keeps them on disk',
        )
        pictures = np.empty(shape, np.uint8)
        return Photos(pictures, *_decoded(members, pictures))

    kept = Path(cache) / f'photos-{_fingerprint(members, side)}'
    kept.parent.mkdir(parents=True, exist_ok=True)
    with _alone(kept.with_suffix('.lock')):
        if found := _from_cache(kept):
            return found
        _check_room(shape, shutil.disk_usage(kept.parent).free, f'disk is free under {kept.parent}')
        with atomic(kept.with_suffix('.npy')) as unfinished:
            pictures = np.lib.format.open_memmap(unfinished, 'w+', np.uint8, shape)
            rows, names, digests, left_out = _decoded(members, pictures)
            pictures.flush()
        with atomic(kept.with_suffix('.json')) as unfinished:
            unfinished.write_text(json.dumps({'names': names, 'digests': digests, 'left_out': left_out}))
    return Photos(pictures, rows, names, digests, left_out)


@contextmanager
def _alone(path):
    """Hold a lock file; another process that decodes the same photos is waited for."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f'Another process is decoding the same photos into {path.parent}: waiting for it.')
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _decoded(members, pictures):
    """Decode members into an array with a row for each: rows, names, digests, left_out, as of `Photos`."""
    side = pictures.shape[1]
    names, digests, left_out = [], [], {}
    queue = iter(members)
    with ThreadPoolExecutor() as pool, tqdm(total=len(members), desc='decoding photos', unit='photo') as bar:
        # A thousand at a time: what waits to be written stays small, however many photos there are.
        while batch := list(islice(queue, 1000)):
            for member, (picture, fact) in zip(batch, pool.map(_decode, batch, [side] * len(batch)), strict=True):
                if picture is None:
                    left_out.setdefault(fact, []).append(member.name)
                else:
                    pictures[len(names)] = picture
                    names.append(member.name)
                    digests.append(fact)
                bar.update()
    if not names:
        reasons = ', '.join(f'{len(left)} {reason}' for reason, left in left_out.items())
        raise PhotosError(f'No photo is left of the {len(members)} found: {reasons}.')
    return list(range(len(names))), names, digests, left_out


def _from_cache(kept):
    """The photos that were kept there; None if there are none, or what is there is damaged."""
    try:
        facts = json.loads(kept.with_suffix('.json').read_text())
        pictures = np.load(kept.with_suffix('.npy'), mmap_mode='r')
    except (OSError, ValueError, EOFError):
        return None
    return Photos(pictures, list(range(len(facts['names']))), **facts)


def _fingerprint(members, side):
    """A name for the decoded form of these files: it changes when one of them, or the way of decoding, does."""
    facts = [(m.name, m.offset, m.size) for m in members]
    stats = [(path, os.path.getsize(path), os.path.getmtime(path)) for path in sorted({m.path for m in members})]
    return hashlib.sha256(repr((facts, stats, side, SMALLEST, GRAYEST, TONED)).encode()).hexdigest()[:16]


def _check_room(shape, free, where):
    count, side = shape[:2]
    need = np.prod(shape, dtype=float)
    if need > 0.9 * free:
        size = f'{count} photos of {side} x {side} pixels take {need / 1e9:.1f} GB'
        raise PhotosError(f'{size}, and only {free / 1e9:.1f} GB of {where}.')


def split(photos: Photos, share: float) -> tuple[Photos, Photos]:
    """Part a set in two by a hash of each photo's content.

    A photo, and every copy of it, stays on its side also when others join the set.

    Parameters
    ----------
    photos : Photos
    share : float
        About how much of it goes to validation, 0 to 1.

    Returns
    -------
    train, validation : Photos
    """
    held_out = [_is_held_out(digest, share) for digest in photos.digests]
    train = [i for i, held in enumerate(held_out) if not held]
    validation = [i for i, held in enumerate(held_out) if held]
    return photos.subset(train), photos.subset(validation)


def _is_held_out(digest, share):
    return int(digest[:8], 16) < share * 2**32


def names_held_out(sources: Iterable[str | Path], share: float) -> list[str]:
    """The names of the photos in `sources` that `split` would give to validation, for `read` to read only those.

    Raises
    ------
    PhotosError
        If `find` does, or there are none.
    """
    names = [m.name for m in find(sources) if _is_held_out(hashlib.sha256(m.read()).hexdigest(), share)]
    if not names:
        raise PhotosError(f'None of these photos is in the share of {share} that is split off: raise it, or name more.')
    return names


def report(photos: Photos) -> str:
    """What was read and what was left out, in a few lines."""
    lines = [f'{len(photos)} photos']
    for reason, names in photos.left_out.items():
        more = f' and {len(names) - 5} more' if len(names) > 5 else ''
        lines.append(f'left out, {reason}: {len(names)} ({", ".join(names[:5])}{more})')
    return '\n'.join(lines)
