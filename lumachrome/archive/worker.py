"""A worker: colours one batch or shard of an archive, and records what became of it.

Results and records get their names when they are whole, the record last. So whatever is killed at whatever moment, a
batch is either recorded, with all its results there, or is done again.
"""

import contextlib
import io
import itertools
import math
import re
import secrets
import shutil
import tarfile
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath
from typing import IO, Any

import fsspec
import numpy as np
import numpy.typing as npt
from PIL import Image

from lumachrome import album, limits, photofile
from lumachrome.adjustments import Adjustments
from lumachrome.archive.records import HIDDEN, RECORDS, Row, record_name, write_record
from lumachrome.colorizer import Colorizer
from lumachrome.consistent import Consistent
from lumachrome.errors import ArchiveError, PhotoError

Array = npt.NDArray[Any]
At = Callable[[str, int], object]  # is told which photo comes next, and how many bytes of the source it is

PARTS = f'{HIDDEN}/parts'  # what is not whole yet, beside where it goes
SAMPLE_SIDE = 400  # of a sample's two pictures, pixels
_BLOCK = 512  # of a tar file
# By how their files begin; a shard begins with its first photo's name, which may well have bzip2's first letters.
_PACKERS = {b'\x1f\x8b': 'gzip', rb'BZh\d1AY&SY': 'bzip2', b'\xfd7zXZ': 'xz', rb'\(\xb5/\xfd': 'zstd'}
_PACKED = (
    '{name} is compressed by {packer}, and a shard is not: unpack it (`{packer} -d < {name}`), put that in its '
    'place, and try again.'
)
_KEPT_HEADERS = ('mtime', 'uname', 'gname', 'comment')  # of a member; others tell of its size, its name or holes in it


@dataclass(frozen=True)
class Job:
    """What is to be done, the same for all workers; addresses are fsspec's."""

    source: str
    target: str
    model: str | None = None
    providers: tuple[str, ...] | None = None
    adjustments: Adjustments = field(default_factory=Adjustments)
    consistent: bool = False  # within each unit, so that no worker waits for another


@dataclass
class Unit:
    """What a worker does in one go, and writes one record of.

    Attributes
    ----------
    names : tuple of str
        Photos below the source; or one shard.
    bytes : int
        Their size there.
    shard : bool
    samples : int
        Of how many photos to keep a small picture.
    left_out : dict
        Photos not to be touched: name to a sentence on why.
    watched : bool
        Whether each photo is told of before it begins, even where that takes time.
    """

    names: tuple[str, ...]
    bytes: int = 0
    shard: bool = False
    samples: int = 0
    left_out: dict[str, str] = field(default_factory=dict[str, str])
    watched: bool = False


@dataclass(frozen=True)
class Done:
    """A unit's results and record are in their place."""

    photos: int
    failed: int


def place(address: str) -> tuple[Any, str]:
    """The file system of an address and the path there; ArchiveError where it cannot be reached."""
    try:
        return fsspec.url_to_fs(address, use_listings_cache=False)
    except ImportError as error:
        raise ArchiveError(f'{address} needs another package: {" ".join(str(error).split())}.') from error
    except ValueError as error:
        raise ArchiveError(f'{address} is no address that can be read: {" ".join(str(error).split())}.') from error
    except Exception as error:  # the file systems raise what they like
        raise unreachable(address, error) from error


def unreachable(address: str, error: Exception) -> ArchiveError:
    """A sentence on a storage that does not answer as it should."""
    reason = getattr(error, 'strerror', None) or ' '.join(str(error).split()) or type(error).__name__
    if isinstance(error, PermissionError) or 'Credential' in type(error).__name__:
        return ArchiveError(
            f'{address} may not be used ({reason.rstrip(".")}): give its credentials as its tools take them, or other '
            'permissions; the same command then goes on.'
        )
    return ArchiveError(
        f'{address} cannot be reached or written ({reason.rstrip(".")}): the same command goes on later.'
    )


@contextlib.contextmanager
def scratch_folder(fs: Any, target: str) -> Generator[Path]:
    """A folder for what is not whole yet: on the target's own disk, if it has one, so that a renaming ends it."""
    if not is_local(fs):
        with tempfile.TemporaryDirectory(prefix='lumachrome-') as folder:
            yield Path(folder)
        return
    folder = Path(target, PARTS, secrets.token_hex(8))
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise unreachable(target, error) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def store(fs: Any, path: Path, where: str) -> None:
    """Give a whole file of a scratch folder its place, replacing what is there."""
    try:
        if is_local(fs):
            Path(where).parent.mkdir(parents=True, exist_ok=True)
            path.replace(where)
        else:  # an object appears when it is whole
            fs.put_file(str(path), where)
            path.unlink()
    except Exception as error:
        raise unreachable(where, error) from error


class Worker:
    """Colours units of an archive, one photo in memory at a time.

    Parameters
    ----------
    job : Job

    Raises
    ------
    UserError
        The model cannot be used, or the source or target not be reached.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._colorizer = Colorizer(job.model, job.providers, threads=1)  # the workers share the cores
        self._colorizer.colorize(np.zeros((32, 32, 3), np.uint8), job.adjustments)  # opens all that it needs
        self._in_use: Colorizer | Consistent = self._colorizer
        (self._from, self._source), (self._to, self._target) = place(job.source), place(job.target)

    def work(self, unit: Unit, at: At = lambda name, size: None) -> Done:
        """Colour a unit, and write its record when all else is in its place.

        Raises
        ------
        ArchiveError
            Source or target do not answer: nothing is said of the unit.
        """
        if self._job.consistent:
            self._in_use = Consistent(self._colorizer)  # remembers nothing: a unit done again comes out the same
        with scratch_folder(self._to, self._target) as scratch:
            rows = self._shard(unit, at, scratch) if unit.shard else self._photos(unit, at, scratch)
            try:
                write_record(scratch / 'record', rows)
            except OSError as error:
                raise unreachable(self._job.target, error) from error
            self._store(scratch / 'record', f'{RECORDS}/{record_name(unit.names)}')
        return Done(len(rows), sum(bool(row.error) for row in rows))

    def _store(self, path: Path, name: str) -> None:
        store(self._to, path, f'{self._target}/{name}')

    def _photos(self, unit: Unit, at: At, scratch: Path) -> list[Row]:
        rows: list[Row] = []
        for name in unit.names:
            start = time.monotonic()
            try:
                if name in unit.left_out:
                    raise PhotoError(unit.left_out[name])
                at(name, unit.bytes // len(unit.names))
                row, result = self.colorize(name, self._fetched(name, scratch), scratch, len(rows) < unit.samples)
                if result and row.target != name and self._from.exists(f'{self._source}/{row.target}'):
                    raise PhotoError(f'{name} becomes {row.target}, and another photo has that name: rename one.')
                if result:
                    self._store(result, row.target)
            except PhotoError as error:
                row = Row(name, error=str(error))
            row.milliseconds = round(1000 * (time.monotonic() - start))
            rows.append(row)
        return rows

    def _fetched(self, name: str, scratch: Path) -> Path:
        """A photo of the source as a file here."""
        if is_local(self._from):
            return Path(self._source, name)
        path = scratch / f'photo-as-it-came{PurePosixPath(name).suffix}'
        try:
            self._from.get_file(f'{self._source}/{name}', str(path))
        except FileNotFoundError as error:
            raise PhotoError(f'{name} is gone: it was there a moment ago.') from error
        except PermissionError as error:
            raise PhotoError(f'{name} may not be read: permission denied.') from error
        except Exception as error:
            raise unreachable(self._job.source, error) from error
        return path

    def colorize(self, name: str, path: Path, scratch: Path, sample: bool = False) -> tuple[Row, Path | None]:
        """Colour one photo into a scratch folder.

        Returns
        -------
        Row
            Its target is the name that the result is to have: the photo's own, and the new suffix behind it where its
            format is not written.
        Path or None
            The result, if there is one.

        Raises
        ------
        ArchiveError
            The target has no room, which the photo is not to blame for.
        """
        result = _Result(scratch)
        task = album.Task(name, path, PurePosixPath(), PurePosixPath(name).stem)
        [outcome] = album.colorize([task], self._in_use, result, self._job.adjustments)
        if result.trouble:
            raise unreachable(self._job.target, result.trouble)
        row = Row(name, pixels=result.pixels, error=outcome.error, note=outcome.note)
        if outcome.error or result.path is None:
            return row, None
        if sample:
            row.sample = _before_and_after(path, result.path)
        row.provider = self._colorizer.provider
        suffix = result.path.suffix
        row.target = name if PurePosixPath(name).suffix == suffix else name + suffix
        return row, result.path

    def tried(self, unit: Unit, most: int, scratch: Path) -> tuple[int, int, float]:
        """What a unit's first photos take: their bytes, those of their results, and seconds."""
        taken = written = 0
        start = time.monotonic()
        with contextlib.ExitStack() as stack:
            if unit.shard:
                file = stack.enter_context(self._from.open(f'{self._source}/{unit.names[0]}', 'rb'))
                files = ((name, path) for _, path, name in self._members(file, unit.names[0], scratch, []))
            else:
                files = ((name, self._fetched(name, scratch)) for name in unit.names)
            for name, path in itertools.islice(((name, path) for name, path in files if is_photo(name)), most):
                _, result = self.colorize(name, path, scratch)
                taken += path.stat().st_size
                written += result.stat().st_size if result else 0
        return taken, written, time.monotonic() - start

    # Shards

    def _shard(self, unit: Unit, at: At, scratch: Path) -> list[Row]:
        """Colour a shard's photos into a shard of the same name; what else is in it is taken over."""
        [shard] = unit.names
        rows: list[Row] = []
        try:
            file = self._from.open(f'{self._source}/{shard}', 'rb')
        except (FileNotFoundError, PermissionError) as error:
            return [Row(shard, error=f'{shard} cannot be read: {error.strerror or error}.')]
        except Exception as error:
            raise unreachable(self._job.source, error) from error
        try:
            with file, tarfile.open(scratch / 'shard', 'w') as out:
                start = file.read(10)
                if packer := next((name for begins, name in _PACKERS.items() if re.match(begins, start)), ''):
                    return [Row(shard, error=_PACKED.format(name=shard, packer=packer))]
                file.seek(0)
                for member, path, name in self._members(file, shard, scratch, rows):
                    if not is_photo(member.name) or not member.isfile():
                        _add(out, member, path)
                        continue
                    start = time.monotonic()
                    if name in unit.left_out:
                        row, result = Row(name, error=unit.left_out[name]), None
                    else:
                        at(name, member.size)
                        row, result = self.colorize(name, path, scratch, len(rows) < unit.samples)
                    if result:
                        member.name += row.target.removeprefix(name)
                        _add(out, member, result)
                    row.milliseconds = round(1000 * (time.monotonic() - start))
                    rows.append(row)
        except OSError as error:  # of the source's storage, or the target's
            raise unreachable(f'{self._job.source} or {self._job.target}', error) from error
        self._store(scratch / 'shard', shard)
        return rows

    def _members(
        self, file: IO[bytes], shard: str, scratch: Path, rows: list[Row]
    ) -> Iterator[tuple[tarfile.TarInfo, Path, str]]:
        """What is in a shard, in order, each as a file here; a row tells where it is damaged, and that is its end."""
        name, whole = '', False
        with contextlib.suppress(tarfile.TarError), tarfile.open(fileobj=file, mode='r:') as tar:
            while (member := tar.next()) is not None:
                name = member.name
                tar.members.clear()  # pyright: ignore[reportAttributeAccessIssue]  # it would remember them all
                path = scratch / f'member{PurePosixPath(member.name).suffix[:10]}'
                with path.open('wb') as unpacked:
                    if member.isfile() and (content := tar.extractfile(member)):
                        shutil.copyfileobj(content, unpacked)
                yield member, path, f'{shard}/{name}'
            file.seek(tar.offset)
            whole = file.read(_BLOCK) == bytes(_BLOCK)  # where it just ends, tarfile is content
        if not whole:
            where = f'at {name}' if name else 'from its start'
            rows.append(
                Row(
                    shard,
                    error=f'{shard} is cut short or damaged {where}: fetch it again; what came before is coloured.',
                )
            )


def is_photo(name: str) -> bool:
    """Whether a name is a photo's, and not hidden."""
    path = PurePosixPath(name)
    return path.suffix.lower() in photofile.PHOTO_SUFFIXES and not path.name.startswith('.')


def _add(out: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    if not member.isfile():
        out.addfile(member)
        return
    member.size, member.type = path.stat().st_size, tarfile.REGTYPE
    member.pax_headers = {key: value for key, value in member.pax_headers.items() if key in _KEPT_HEADERS}
    with path.open('rb') as content:
        out.addfile(member, content)


def is_local(fs: Any) -> bool:
    return 'file' in ((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol)


class _Result:
    """Where an album puts one photo of ours, as its target: a file in a scratch folder."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self.path: Path | None = None
        self.pixels = 0
        self.trouble: Exception | None = None  # which no photo is to blame for

    def key(self, place: PurePath) -> str:
        return str(place)

    def check(self, place: PurePath) -> None:
        """Nothing is in the way."""

    def write(self, place: PurePath, pixels: Any, photo: Any, more: Iterable[Any] = ()) -> None:
        path = self._scratch / f'result{photo.suffix}'
        try:
            photofile.write(path, pixels, photo, more)
        except PhotoError as error:
            if isinstance(error.__cause__, OSError):
                self.trouble = error.__cause__
            elif not limits.has_room(self._scratch, math.prod(pixels.shape) * pixels.dtype.itemsize):
                self.trouble = OSError('its disk is full')
            raise
        self.path, self.pixels = path, pixels.shape[0] * pixels.shape[1]


def _before_and_after(before: Path, after: Path) -> bytes:
    """A JPEG of a photo and its result beside each other."""
    pair = np.concatenate(
        [photofile.shrink(photofile.read(each).pixels, SAMPLE_SIDE) for each in (before, after)], axis=1
    )
    stream = io.BytesIO()
    Image.fromarray(pair).save(stream, 'JPEG', quality=85)
    return stream.getvalue()
