"""EXIF blocks and TIFF directories, byte for byte: what they say of a photo outlives its new pixels.

libvips hands EXIF over through libexif, which drops what it does not know (ratings among it), and Pillow writes every
letter beyond ASCII as "?". So the bytes stay as they are here, and only what the new pixels make untrue is changed.

EXIF is TIFF without a picture: TIFF 6.0 (https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf), section 2, and
CIPA DC-008 (https://www.cipa.jp/std/documents/download_e.html?DC-008-Translation-2023-E).
"""

import io
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, Literal

from PIL import ExifTags

Resolution = tuple[float, float]  # pixels per millimetre, across and down

Tags = dict[int, Any]  # tag to (type, little-endian bytes), or to the Tags of a directory further down

LARGEST = 10_000_000  # bytes of all values together; what is beyond them is left out

_Base, _IFD = ExifTags.Base, ExifTags.IFD
_SHORT, _LONG, _RATIONAL = 3, 4, 5
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_UNITS = _SIZES | {5: 4, 10: 4}  # bytes that turn around together where the order of bytes changes
_POINTERS, _MAY_POINT = {13, 18}, {4, 16}  # types of values that are places in the file, and that may be

PHOTOMETRIC, BITS, COMPRESSION, DNG_VERSION = 262, 258, 259, 50706
LAB = (8, 9, 10)  # values of the first: CIELAB in three spellings
_XMP, _IPTC, _PHOTOSHOP, _PROFILE, _LAYERS = 700, 33723, 34377, 34675, 37724
_RESOURCES = {b'8BIM', b'PHUT', b'AgHg', b'DCSR', b'MeSa'}  # how a resource of Photoshop begins
_BELOW = (int(_IFD.Exif), int(_IFD.GPSInfo))
_KEPT_ANYWAY = {_IPTC, *_BELOW, 18246, 18249}  # the last are ratings
# How the pixels lie in the file, how large and how dense they are, what their values mean, and pictures beside them.
_OF_THE_PIXELS = frozenset(
    [
        *(*range(254, 267), 273, 274, *range(277, 285), *range(286, 302), *range(317, 348), *range(400, 436)),
        *(*range(512, 533), _XMP, _PROFILE, _LAYERS, *range(DNG_VERSION, 51200)),
    ]
)


@dataclass(frozen=True)
class Entry:
    """An entry of a directory: type, number of values, where they lie, and where the entry itself does."""

    kind: int
    count: int
    at: int
    itself: int


class Directories:
    """Reads the directories of a TIFF file, or of an EXIF block; all raise ValueError where it is damaged."""

    def __init__(self, file: IO[bytes], page: int = 0, most_bytes: int = LARGEST) -> None:
        self._file = file
        self._left = most_bytes  # each of many values may lie in the same place
        self.size = file.seek(0, os.SEEK_END)
        start = self._read(0, 8)
        if start[:4] not in (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+'):
            raise ValueError('not TIFF')
        self.order: Literal['little', 'big'] = 'little' if start.startswith(b'I') else 'big'
        self.big = b'+' in start[:4]
        self.first = self._number(8, 8) if self.big else self._number(4, 4)
        for at in itertools.islice(self.chain(), page, page + 1) if page else ():
            self.first = at

    def chain(self) -> Iterator[int]:
        """The offsets of this directory and of those that follow it, each once: a file may go round in a circle."""
        at, seen = self.first, set[int]()
        while at and at not in seen:
            yield at
            seen.add(at)
            at = self._number(self.following(at), 8 if self.big else 4)

    def following(self, at: int) -> int:
        """The offset at which the directory at an offset says where the next one lies."""
        head, length = (8, 20) if self.big else (2, 12)
        return at + head + self._number(at, head) * length

    def directory(self, at: int, most: int = 65_536) -> tuple[dict[int, Entry], int]:
        """The entries of the directory at an offset, the first so many, and what `following` says of it."""
        head, length = (8, 20) if self.big else (2, 12)
        number = self._number(at, head)
        if number > 65_536:
            raise ValueError('no directory')
        self._read(at, head + number * length)  # they are all there
        entries: dict[int, Entry] = {}
        for itself in range(at + head, at + head + min(number, most) * length, length):
            kind, count = self._number(itself + 2, 2), self._number(itself + 4, head if self.big else 4)
            room = 8 if self.big else 4
            value = itself + length - room
            inline = count * _SIZES.get(kind, 1) <= room
            entries.setdefault(
                self._number(itself, 2), Entry(kind, count, value if inline else self._number(value, room), itself)
            )
        return entries, self.following(at)

    def below(self, entry: Entry) -> dict[int, Entry]:
        """The entries of the directory that an entry points to."""
        return self.directory(self._number(entry.at, _SIZES.get(entry.kind, 4)))[0]

    def value(self, entry: Entry) -> bytes:
        """The bytes of an entry's values."""
        length = entry.count * _SIZES.get(entry.kind, 0)
        if entry.kind not in _SIZES or length > self._left:
            raise ValueError('too large, or of no type that there is')
        self._left -= length
        return self._read(entry.at, length)

    def numbers(self, entry: Entry) -> list[int]:
        """An entry's values as numbers without sign, the first hundred at most; of fractions each half."""
        unit = _UNITS.get(entry.kind, 1)
        length = min(entry.count * _SIZES.get(entry.kind, 0), 100 * unit)
        value = self._read(entry.at, length)
        return [int.from_bytes(value[i : i + unit], self.order) for i in range(0, length, unit)]

    def may_point(self, entry: Entry) -> bool:
        """Whether an entry's values may be places in the file; in another one they would be wrong."""
        if entry.kind not in _MAY_POINT:
            return entry.kind in _POINTERS
        return any(8 <= number < self.size for number in self.numbers(entry)) or entry.count > 100

    def number(self, entry: Entry | None) -> int:
        """The first of an entry's values, or 0."""
        return next(iter(self.numbers(entry)), 0) if entry else 0

    def _number(self, at: int, length: int) -> int:
        return int.from_bytes(self._read(at, length), self.order)

    def _read(self, at: int, length: int) -> bytes:
        if at + length > self.size:
            raise ValueError('cut short')
        self._file.seek(at)
        return self._file.read(length)


def page_directory(path: Path, page: int = 0) -> dict[int, list[int]]:
    """How a TIFF's page says that its pixels are meant and packed, and its DNG version, as far as it states them."""
    try:
        with path.open('rb') as file:
            directories = Directories(file, page)
            entries, _ = directories.directory(directories.first)
            asked = (PHOTOMETRIC, BITS, COMPRESSION, DNG_VERSION)
            return {tag: directories.numbers(entries[tag]) for tag in asked if tag in entries}
    except (OSError, ValueError):  # another format, or damaged
        return {}


def orientation(block: bytes) -> int:
    """How an EXIF block says that its picture is turned, 1 to 8; 1 is upright."""
    try:
        directories = Directories(io.BytesIO(block))
        stated = directories.number(directories.directory(directories.first)[0].get(_Base.Orientation))
    except ValueError:
        return 1
    return stated if stated in range(1, 9) else 1


def resolution(file: IO[bytes], page: int = 0) -> Resolution | None:
    """Pixels per millimetre by an EXIF block or a TIFF's page; None where it does not say."""
    try:
        directories = Directories(file, page)
        entries, _ = directories.directory(directories.first)
        sides = [entries.get(tag) for tag in (_Base.XResolution, _Base.YResolution)]
        halves = [directories.numbers(side) if side and side.kind == _RATIONAL else [] for side in sides]
        unit = directories.number(entries.get(_Base.ResolutionUnit))
    except ValueError:
        return None
    if unit == 1 or any(len(half) < 2 or not half[0] or not half[1] for half in halves):
        return None
    length = 10 if unit == 3 else 25.4
    across, down = (half[0] / half[1] / length for half in halves)
    return across, down


def renewed(block: bytes, width: int, height: int, resolution: Resolution | None) -> bytes:
    """An EXIF block for new pixels: upright, sRGB, of that size and resolution, without a thumbnail.

    Raises
    ------
    ValueError
        It is damaged.
    """
    directories = Directories(io.BytesIO(block))
    if directories.big:
        raise ValueError('not EXIF')
    order, data = directories.order, bytearray(block)

    def put(entry: Entry | None, number: int) -> None:
        if entry:
            kind, size = (_SHORT, 2) if number < 65_536 else (_LONG, 4)
            fields = kind.to_bytes(2, order) + (1).to_bytes(4, order) + number.to_bytes(size, order).ljust(4, b'\0')
            data[entry.itself + 2 : entry.itself + 12] = fields

    entries, following = directories.directory(directories.first)
    put(entries.get(_Base.Orientation), 1)
    put(entries.get(_Base.ImageWidth), width)
    put(entries.get(_Base.ImageLength), height)
    if resolution:
        length = 10 if directories.number(entries.get(_Base.ResolutionUnit)) == 3 else 25.4
        for tag, side in zip((_Base.XResolution, _Base.YResolution), resolution, strict=True):
            entry = entries.get(tag)
            if entry and entry.kind == _RATIONAL and entry.count == 1:
                halves = _as_people_write_it(side * length)
                data[entry.at : entry.at + 8] = b''.join(half.to_bytes(4, order) for half in halves)
    below = directories.below(entries[_IFD.Exif]) if _IFD.Exif in entries else {}
    put(below.get(_Base.ColorSpace), 1)
    put(below.get(_Base.ExifImageWidth), width)
    put(below.get(_Base.ExifImageHeight), height)
    whole = _without_thumbnail(directories, following, data)
    again = Directories(io.BytesIO(whole))
    kept, _ = again.directory(again.first)
    kept_below = again.below(kept[_IFD.Exif]) if _IFD.Exif in kept else {}
    if kept.keys() != entries.keys() or kept_below.keys() != below.keys():
        raise ValueError('values that were changed lie where its directories do')
    return whole


def _as_people_write_it(number: float) -> tuple[int, int]:
    """A resolution as a fraction: PNG's 23,622 pixels a metre are meant as 600 to the inch."""
    whole = round(number)
    exact = Fraction(whole) if abs(number - whole) < 0.01 else Fraction(number).limit_denominator(10_000)
    return min(exact.numerator, 2**32 - 1), exact.denominator


def _without_thumbnail(directories: Directories, following: int, data: bytearray) -> bytes:
    """An EXIF block whose second directory, the thumbnail's, is cut off, and the JPEG that it points to wiped."""
    thumbnail = int.from_bytes(data[following : following + 4], directories.order)
    data[following : following + 4] = bytes(4)
    if not thumbnail:
        return bytes(data)
    try:
        entries, _ = directories.directory(thumbnail)
        at, length = (directories.number(entries.get(tag)) for tag in (_Base.JpegIFOffset, _Base.JpegIFByteCount))
    except ValueError:
        return bytes(data)
    if data[at : at + 2].startswith(b'\xff\xd8') and at > following:
        data[at : at + length] = bytes(len(data[at : at + length]))
        if at + length >= len(data) - 1:
            del data[at:]
    return bytes(data)


def tiff_tags(path: Path, width: int, height: int, page: int = 0) -> tuple[Tags, bool]:
    """What a TIFF's page says besides its pixels, EXIF and place among it, and whether that is all of it."""
    try:
        with path.open('rb') as file:
            directories = Directories(file, page)
            entries, _ = directories.directory(directories.first)
            kept = {
                tag: entry
                for tag, entry in entries.items()
                if tag not in _OF_THE_PIXELS and (tag in _KEPT_ANYWAY or not directories.may_point(entry))
            }
            tags, whole = plain(directories, kept)
            whole = whole and entries.keys() - _OF_THE_PIXELS == kept.keys()
    except (OSError, ValueError):
        return {}, False
    below = tags.get(_IFD.Exif, {})
    for tag, number in ((_Base.ColorSpace, 1), (_Base.ExifImageWidth, width), (_Base.ExifImageHeight, height)):
        if tag in below:
            kind, size = (_SHORT, 2) if number < 65_536 else (_LONG, 4)
            below[tag] = kind, number.to_bytes(size, 'little')
    return tags, whole


def plain(directories: Directories, entries: dict[int, Entry]) -> tuple[Tags, bool]:
    """Entries of a directory as `Tags` holds them, and whether these are all."""
    tags: Tags = {}
    whole = True
    for tag, entry in entries.items():
        sound = True
        try:
            if tag in _BELOW:
                # Places in the old file; and what points to itself has no end.
                passed_over = (*_BELOW, _Base.ExifInteroperabilityOffset)
                inner = {each: value for each, value in directories.below(entry).items() if each not in passed_over}
                value, sound = plain(directories, inner)
            elif tag == _PHOTOSHOP:
                resources, sound = without_pictures(directories.value(entry))
                value = (entry.kind, resources) if resources else None
            elif tag == _IPTC:
                value = entry.kind, _iptc(directories.value(entry))
            else:
                value = _little(directories, entry)
            if value:
                tags[tag] = value
        except ValueError:
            sound = False
        whole = whole and sound
    return tags, whole


def _iptc(value: bytes) -> bytes:
    """IPTC is bytes that many programs call LONG; some then turn them around as if they were."""
    return _turned(value, 4) if value[:1] != b'\x1c' and value[3:4] == b'\x1c' else value


def _little(directories: Directories, entry: Entry) -> tuple[int, bytes]:
    value = directories.value(entry)
    if directories.order == 'little':
        return entry.kind, value
    if value.startswith(b'UNICODE\0'):  # a comment in UTF-16
        return entry.kind, value[:8] + _turned(value[8:], 2)
    return entry.kind, _turned(value, _UNITS[entry.kind])


def _turned(value: bytes, unit: int) -> bytes:
    return b''.join(value[i : i + unit][::-1] for i in range(0, len(value), unit))


def without_pictures(resources: bytes) -> tuple[bytes, bool]:
    """Photoshop's image resources without those that tell of the old pixels, and whether these are all others.

    Those are thumbnails, profile, EXIF, XMP and density.

    Adobe Photoshop File Formats Specification (https://www.adobe.com/devnet-apps/photoshop/fileformatashtml/), "Image
    Resource Blocks"; IPTC is one of them.
    """
    kept, at = bytearray(), 0
    while resources[at : at + 4] in _RESOURCES and at + 12 <= len(resources):
        name = at + 6
        length_at = name + (resources[name] + 2) // 2 * 2
        length = int.from_bytes(resources[length_at : length_at + 4], 'big')
        end = length_at + 4 + (length + 1) // 2 * 2
        if end > len(resources) + 1:
            break
        if int.from_bytes(resources[at + 4 : name], 'big') not in (1005, 1033, 1036, 1039, 1058, 1059, 1060):
            kept += resources[at:end].ljust(end - at, b'\0')
        at = end
    return bytes(kept), not resources[at:].strip(b'\0')


def add_tags(path: Path, tags: Tags) -> None:
    """Give a TIFF file that libvips wrote more tags: a new directory at its end takes the place of the old one."""
    with path.open('r+b') as file:
        directories = Directories(file)
        entries, _ = directories.directory(directories.first)
        rows: Tags = dict(tags)
        for tag, entry in entries.items():
            file.seek(entry.itself + 2)
            rows[tag] = file.read(10)  # its value stays where it is
        end = directories.size + directories.size % 2
        file.seek(end)
        file.write(laid_out(rows, end, directories.order))
        file.seek(4)
        file.write(end.to_bytes(4, directories.order))


def block(tags: Tags) -> bytes:
    """Tags as an EXIF block."""
    return b'II*\0\x08\0\0\0' + laid_out(tags, 8, 'little')


def laid_out(rows: Tags, at: int, order: Literal['little', 'big']) -> bytes:
    """A directory that is to lie at an offset, and its values behind it; a row may be its ten bytes already."""
    head, values = bytearray(len(rows).to_bytes(2, order)), bytearray()
    behind = at + 2 + 12 * len(rows) + 4
    for tag, value in sorted(rows.items(), key=lambda row: int(row[0])):
        if isinstance(value, bytes):
            head += int(tag).to_bytes(2, order) + value
            continue
        values += bytes(len(values) % 2)
        place = behind + len(values)
        if isinstance(value, dict):
            kind, count, inline = _LONG, 1, place.to_bytes(4, order)
            values += laid_out(value, place, order)
        else:
            kind, data = value
            count = len(data) // _SIZES[kind]
            data = data if order == 'little' else _turned(data, _UNITS[kind])
            inline = data.ljust(4, b'\0') if len(data) <= 4 else place.to_bytes(4, order)
            values += data if len(data) > 4 else b''
        head += int(tag).to_bytes(2, order) + int(kind).to_bytes(2, order) + count.to_bytes(4, order) + inline
    return bytes(head + bytes(4) + values)
