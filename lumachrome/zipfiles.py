"""ZIP files: photos out of one, and coloured photos into another, one at a time.

A ZIP comes from anybody, so nothing in it is believed: its list of files is bounded before it is read, no name of its
own becomes a path on this machine, and a photo is unpacked alone, only while it is read.
"""

import contextlib
import io
import re
import shutil
import struct
import tempfile
import threading
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

import numpy.typing as npt

from lumachrome import folders, limits, photofile
from lumachrome.errors import PhotoError, atomic

Array = npt.NDArray[Any]

SUFFIX = '.zip'
LIST_BYTES = 8_000_000  # of a ZIP's list of files, which is read whole: some 80,000 files

_LOCKED = 0x1  # the flag of an encrypted member
_UTF8 = 0x800  # the flag of a name in UTF-8
_UNIX = 3  # the system that wrote a member: its names are bytes
_HEADER = struct.Struct('<6xH18xH2x')  # before a member: flags, length of its name
_ENTRY = struct.Struct('<4s4xH18xHHH12x')  # of the list: signature, flags, lengths of name, extra and comment
# Of the others, LZMA may ask for gigabytes of memory to unpack a few bytes.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, NotImplementedError)


@dataclass(frozen=True)
class Member:
    """A photo in a ZIP.

    Attributes
    ----------
    archive, info
        The ZIP, and the photo's entry in it.
    name : str
        Its folders and its name, parted by '/', without anything that leads out of the album.
    refusal : str
        A sentence on why it cannot be read, known beforehand; or ''.
    """

    archive: '_Archive'
    info: zipfile.ZipInfo
    name: str
    refusal: str = ''

    @contextlib.contextmanager
    def unpacked(self) -> Generator[Path]:
        """The photo as a file that lives as long as the context.

        Raises
        ------
        PhotoError
            It is damaged, or the disk has no room for it.
        """
        with tempfile.TemporaryDirectory(prefix='lumachrome-') as folder:
            limits.make_sure_of_room(folder, self.info.file_size, self.name)
            path = Path(folder) / f'photo{PurePosixPath(self.name).suffix}'
            try:
                with self.archive.opened() as archive, archive.open(self.info) as packed, path.open('wb') as file:
                    shutil.copyfileobj(packed, file)  # never more than the size that the list states
            except _BROKEN as error:
                raise PhotoError(f'{self.name} is damaged and cannot be unpacked.') from error
            yield path


def members(
    path: str | Path,
    name: str,
    max_photos: int | None = None,
    max_bytes: int | None = None,
    note: Callable[[str], object] = lambda sentence: None,
) -> list[Member]:
    """The photos in a ZIP.

    Parameters
    ----------
    path : str or Path
    name : str
        How people know the ZIP.
    max_photos, max_bytes : int, optional
        How many photos it may hold, and how many bytes they may have unpacked.
    note : callable
        Is told in a sentence which files are passed over, as no photos.

    Returns
    -------
    list of Member
        In the ZIP's order, without hidden files, folders and what its suffix says is no photo.

    Raises
    ------
    PhotoError
        It is not a ZIP, it is damaged, it holds no photos, or more than the limits allow.
    """
    try:
        with _BoundedFile(path) as file, zipfile.ZipFile(file) as archive:
            listed = [(info, _name(info)) for info in archive.infolist() if not info.is_dir()]
    except FileNotFoundError as error:
        raise PhotoError(f'{name} does not exist.') from error
    except PermissionError as error:
        raise PhotoError(f'{name} may not be read: permission denied.') from error
    except _BROKEN as error:
        raise PhotoError(f'{name} is not a ZIP that can be read.') from error
    visible = [(info, given) for info, given in listed if not _is_hidden(given)]
    shown = [(info, given) for info, given in visible if _suffix(given) in photofile.PHOTO_SUFFIXES]
    if others := Counter(_suffix(given) for _, given in visible) - Counter(_suffix(given) for _, given in shown):
        note(folders.passed_over(name, others))
    whole = _Archive(path, len(shown))
    found = [Member(whole, info, inside(given), _refusal(info, given)) for info, given in shown]
    if not found:
        raise PhotoError(f'{name} holds no photos.')
    if max_photos and len(found) > max_photos:
        raise PhotoError(f'{name} holds {len(found):,} photos, the limit is {max_photos:,}: split it first.')
    unpacked = sum(member.info.file_size for member in found)
    if max_bytes and unpacked > max_bytes:
        raise PhotoError(
            f'{name} has {unpacked / 1e9:.1f} GB unpacked, the limit is {max_bytes / 1e9:.1f} GB: split it first.'
        )
    return found


def inside(name: str) -> str:
    """A photo's folders and name as a path below the album, whatever they were: nothing leads out of it."""
    parts = [part for part in name.replace('\\', '/').split('/') if part not in ('', '.', '..')]
    path = re.sub('[\ud800-\udc7f\udd00-\udfff]', '\ufffd', '/'.join(parts))  # they stand for no byte of any name
    return re.sub(r'^([A-Za-z]:/?)+', '', path) or 'photo'  # Windows' drives


@contextlib.contextmanager
def new_zip(path: str | Path, max_bytes: int | None = None) -> Generator['Writer']:
    """A ZIP that grows photo by photo on the disk, for `album.colorize`. It gets its name when it is whole.

        with new_zip('album.zip') as target:
            for outcome in album.colorize(found, colorizer, target): ...

    What goes wrong inside, and a generator that is closed, leave no file behind; nor does a ZIP without photos.

    Parameters
    ----------
    path : str or Path
        Where to; the folder is there and nobody else's.
    max_bytes : int, optional
        How large the ZIP may become.

    Yields
    ------
    Writer
    """
    with atomic(path) as temporary:
        with zipfile.ZipFile(temporary, 'w', zipfile.ZIP_STORED) as archive:  # photos are compressed already
            yield Writer(archive, temporary, max_bytes)
            empty = not archive.infolist()
        if empty:
            temporary.unlink()


class Writer:
    """A ZIP in the making, as a target of `album.colorize`: see `new_zip`."""

    def __init__(self, archive: zipfile.ZipFile, path: Path, max_bytes: int | None) -> None:
        self._archive, self._path, self._max_bytes = archive, path, max_bytes

    def key(self, place: PurePath) -> str:
        return folders.one_file(place)

    def check(self, place: PurePath) -> None:
        """Nothing is in the way of a photo: the ZIP is new."""

    def write(
        self, place: PurePath, pixels: photofile.Pixels, photo: photofile.Photo, more: Iterable[photofile.Page] = ()
    ) -> None:
        """Add a photo, as `photofile.write` writes it.

        Raises
        ------
        PhotoError
            The ZIP or the disk is full.
        """
        file = self._path.with_name(place.name[-50:])  # file systems take 255 bytes
        try:
            photofile.write(file, pixels, photo, more, f'{photo.name} cannot be put into the ZIP')
            size = file.stat().st_size
            if self._max_bytes and self._path.stat().st_size + size > self._max_bytes:
                raise PhotoError(f'{photo.name} no longer fits into the ZIP: send it as another album.')
            limits.make_sure_of_room(file.parent, size, photo.name)
            self._archive.write(file, _as_unicode(place.as_posix()))
        finally:
            file.unlink(missing_ok=True)


class _BoundedFile(io.FileIO):
    """A ZIP for zipfile, which reads the list of files in one go: it gives no more than `LIST_BYTES` at once.

    Nor does it call a name UTF-8 that is not, in the list or before a member: zipfile would refuse the whole ZIP.
    """

    def read(self, size: int | None = -1, /) -> bytes:  # type: ignore[override]
        if size is not None and size > LIST_BYTES:
            raise zipfile.BadZipFile('Its list of files is too long.')
        data = super().read(size)
        if data and data.startswith(b'PK\1\2'):
            return _honest(data)
        if data and data.startswith(b'PK\3\4') and len(data) == _HEADER.size:
            flags, name = _HEADER.unpack(data)
            after = self.tell()
            if not _is_utf8(super().read(name) or b''):
                data = data[:6] + struct.pack('<H', flags & ~_UTF8) + data[8:]
            self.seek(after)
        return data


class _Archive:
    """A ZIP that is open from the first of its photos to the last: its list may be long, and is not read for each."""

    def __init__(self, path: str | Path, photos: int) -> None:
        self._path, self._left = path, photos
        self._open = contextlib.ExitStack()
        self._archive: zipfile.ZipFile | None = None
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def opened(self) -> Generator[zipfile.ZipFile]:
        with self._lock:
            if self._archive is None:
                file = self._open.enter_context(_BoundedFile(self._path))
                self._archive = self._open.enter_context(zipfile.ZipFile(file))
            archive = self._archive
        try:
            yield archive
        finally:
            with self._lock:
                self._left -= 1
                if self._left == 0:  # where one never has its turn, the file is closed with this object
                    self._open.close()
                    self._archive = None


def _honest(listed: bytes) -> bytes:
    """A ZIP's list of files, in which no name is said to be UTF-8 that is not."""
    data, at = bytearray(listed), 0
    while at + _ENTRY.size <= len(data):
        signature, flags, name, extra, comment = _ENTRY.unpack_from(data, at)
        if signature != b'PK\1\2':
            break
        start = at + _ENTRY.size
        if not _is_utf8(data[start : start + name]):
            struct.pack_into('<H', data, at + 8, flags & ~_UTF8)
        at = start + name + extra + comment
    return bytes(data)


def _is_utf8(name: bytes | bytearray) -> bool:
    try:
        name.decode()
    except UnicodeError:
        return False
    return True


def _name(info: zipfile.ZipInfo) -> str:
    """A member's name, as Python names files. The Finder writes UTF-8 and does not say so; Unix writes any bytes."""
    if info.flag_bits & _UTF8:
        return info.filename
    raw = info.orig_filename.encode('cp437')
    try:
        return raw.decode()
    except UnicodeError:
        return raw.decode('utf-8', 'surrogateescape') if info.create_system == _UNIX else info.filename


def _as_unicode(name: str) -> str:
    """A name for a ZIP, whose names are Unicode; one that is not is read as those that say nothing of theirs are."""
    try:
        return name.encode().decode()
    except UnicodeError:
        return name.encode('utf-8', 'surrogateescape').decode('cp437')


def _is_hidden(name: str) -> bool:
    """Whether a member is hidden: systems add files of their own, some of them named like photos."""
    parts = name.replace('\\', '/').split('/')
    return any((part.startswith('.') and part not in ('.', '..')) or part == '__MACOSX' for part in parts)


def _suffix(name: str) -> str:
    return PurePosixPath(name.replace('\\', '/')).suffix.lower()


def _refusal(info: zipfile.ZipInfo, name: str) -> str:
    if '..' in name.replace('\\', '/').split('/') or name.startswith(('/', '\\')):
        return f'{name} points outside its ZIP and was left out.'
    if info.flag_bits & _LOCKED:
        return f'{name} is locked with a password: pack it without one.'
    if info.compress_type not in _METHODS:
        return f'{name} is compressed in an unusual way: pack it as an ordinary ZIP.'
    return ''
