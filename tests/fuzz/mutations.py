"""Damage with structure: of chunks, segments, boxes and tags, with lengths and check sums mended.

A file is taken apart into `Piece`s, one or a few of them are changed, and it is put together again, so that the damage
arrives where it is meant to and not at the first check sum. What lies in a piece, such as EXIF in a segment, boxes in a
box or what is compressed, is taken apart in its turn.

All is drawn from `random.Random(number)`, so that a number is a file. Hypothesis took 9 ms a file, as long as reading
it does, and gave the same one again for every fifth.
"""

import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from tests.fuzz.seeds import seeds

PNG_START, JPEG_START = b'\x89PNG\r\n\x1a\n', b'\xff\xd8'
PARENTS = {b'meta', b'iprp', b'ipco', b'iinf', b'moov', b'trak', b'mdia', b'minf', b'stbl', b'jp2h', b'dinf', b'iref'}
FULL = {b'meta': 4, b'iinf': 6, b'iref': 4}  # what stands before the boxes in some of them
DEFLATED = {b'IDAT': 0, b'fdAT': 4}  # what stands before the compressed bytes
NUMBERS = (0, 1, 2, 3, 7, 8, 255, 256, 32767, 32768, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)
TAGS = (256, 257, 258, 259, 262, 273, 274, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 330, 338, 339, 347)
POINTERS = (330, 0x8769, 0x8825)  # tags of directories further down
MOST = 300_000  # bytes of a mutated file
WEIGHTS = {'.bmp': 1, '.gif': 1, '.mpo': 1, '.pgm': 1, '.pnm': 1, '.ppm': 1, '.tga': 1, '.tif': 5}  # 3 for the others


@dataclass(frozen=True)
class Piece:
    """A part of a file that has a name and a length; `stated` is what the file says its length is, if that is a lie."""

    name: bytes
    content: bytes
    stated: int | None = None
    sound: bool = True  # whether the check sum is mended

    def length(self, size: int, order: Any = 'big', more: int = 0) -> bytes:
        length = len(self.content) + more if self.stated is None else self.stated
        return (length % 256**size).to_bytes(size, order)


@dataclass(frozen=True)
class Mutated:
    """A file to be tried: the name of the seed that it was made of, its bytes, what was done to them, and by what."""

    seed: str
    content: bytes
    done: tuple[str, ...] = ()
    origin: str = ''

    def __str__(self) -> str:
        return f'{self.seed}: {", ".join(self.done)} ({len(self.content)} bytes)'


def mutated(number: int) -> Mutated:
    """The file of a number: a seed with one to four changes."""
    rng = random.Random(number)
    names = _by_suffix()
    (suffix,) = rng.choices(list(names), [WEIGHTS.get(each, 3) for each in names])
    name = rng.choice(names[suffix])
    content, done = seeds()[name], []
    for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
        content, what = _changed(rng, content)
        done.append(what)
    return Mutated(name, content[:MOST], tuple(done), f'python -m tests.fuzz --first {number} --count 1')


@cache
def _by_suffix() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in seeds():
        found.setdefault(Path(name).suffix, []).append(name)
    return found


def _changed(rng: random.Random, content: bytes) -> tuple[bytes, str]:
    """Content with one change, and what that was; as deep as structures lie in structures."""
    split, join = _structure(content)
    at = _tiff_at(content)
    kinds = {'overwritten': 1, 'resized': 1, 'pieces': 8 if split else 0, 'tag': 0 if at < 0 else 8 if at == 0 else 4}
    (kind,) = rng.choices(list(kinds), list(kinds.values()))
    if kind == 'pieces':
        return _of_pieces(rng, split(content), join)
    if kind == 'tag':
        return _tag(rng, content, at)
    return (_overwritten if kind == 'overwritten' else _resized)(rng, content)


def _structure(content: bytes) -> tuple[Any, Any]:
    if content.startswith(PNG_START):
        return _chunks, _joined_chunks
    if content.startswith(JPEG_START):
        return _segments, _joined_segments
    if content.startswith(b'\xff\x4f\xff\x51'):
        return _markers, _joined_markers
    if content.startswith(b'RIFF'):
        return _riff, _joined_riff
    if content[4:8] in (b'ftyp', b'jP  ', *PARENTS) or (content[4:8].isalnum() and len(_boxes(content)) > 1):
        return _boxes, _joined_boxes
    return None, None


# ---- what may happen to pieces


def _of_pieces(rng: random.Random, pieces: list[Piece], join: Callable[[list[Piece]], bytes]) -> tuple[bytes, str]:
    at = rng.randrange(len(pieces))
    piece = pieces[at]
    kind = rng.choice(('inside',) * 8 + ('drop', 'repeat', 'swap', 'lie', 'rename', 'check', 'many', 'cut'))
    if kind == 'inside':
        inner, done = _inside(rng, piece)
        pieces[at], kind = replace(piece, content=inner), f'{done} in'
    elif kind == 'drop':
        del pieces[at]
    elif kind == 'repeat':
        pieces.insert(rng.randint(0, len(pieces)), piece)
    elif kind == 'swap':
        other = rng.randrange(len(pieces))
        pieces[at], pieces[other] = pieces[other], pieces[at]
    elif kind == 'lie':
        pieces[at] = replace(piece, stated=_number(rng, len(piece.content), 4))
    elif kind == 'rename':
        names = [each.name for each in pieces] + [rng.randbytes(len(piece.name))]
        pieces[at] = replace(piece, name=rng.choice(names))
    elif kind == 'check':
        pieces[at] = replace(piece, sound=False, content=_overwritten(rng, piece.content)[0])
    elif kind == 'many':
        pieces[at:at] = [piece] * min(rng.choice((10, 300, 2000)), MOST // (len(piece.content) + 12))
    elif kind == 'cut':
        pieces = pieces[: at + 1]
    return join(pieces), f'{kind} {piece.name.decode("latin-1")!r}'


def _inside(rng: random.Random, piece: Piece) -> tuple[bytes, str]:
    """The content of a piece with one change."""
    content = piece.content
    if piece.name in DEFLATED or piece.name in (b'iCCP', b'zTXt'):
        start = DEFLATED.get(piece.name)
        start = content.find(b'\0') + 2 if start is None else start  # behind the keyword and the method
        if rng.random() < 0.6:
            try:
                plain, done = _changed(rng, zlib.decompress(content[start:]))
            except zlib.error:
                return _changed(rng, content)
            return content[:start] + zlib.compress(plain, 1), f'{done} compressed'
    inner = content[FULL.get(piece.name, 0) :]
    if piece.name in PARENTS and inner and rng.random() < 0.9:
        changed, done = _of_pieces(rng, _boxes(inner), _joined_boxes)
        return content[: len(content) - len(inner)] + changed, done
    return _changed(rng, content)


def _number(rng: random.Random, old: int, size: int) -> int:
    """An extreme number of so many bytes, one near the old one, or any."""
    any_ = rng.randrange(256**size)
    return rng.choice((rng.choice(NUMBERS), old + rng.randint(-9, 9), old * rng.randint(0, 3), any_)) % 256**size


def _overwritten(rng: random.Random, content: bytes) -> tuple[bytes, str]:
    """Bits flipped, or a number replaced by another."""
    if not content:
        return rng.randbytes(rng.randint(0, 20)), 'filled'
    data = bytearray(content)
    at = rng.randrange(rng.choice((len(data), min(len(data), 64))))
    if rng.random() < 0.5:
        for _ in range(rng.choice((1, 1, 2, 8, 40))):
            data[at] ^= 1 << rng.randrange(8)
            at = rng.randrange(len(data))
        return bytes(data), 'bits'
    size, order = rng.choice((1, 2, 4, 8)), rng.choice(('big', 'little'))
    number = _number(rng, int.from_bytes(data[at : at + size], order), size)
    data[at : at + size] = number.to_bytes(size, order)
    return bytes(data), f'{number} at {at}'


def _resized(rng: random.Random, content: bytes) -> tuple[bytes, str]:
    """Bytes left out, repeated or put in."""
    at = rng.randint(0, len(content))
    kind = rng.choice(('end', 'hole', 'twice', 'zeros', 'noise'))
    length = rng.choice((rng.randint(1, 64), rng.choice((256, 4096, 70_000))))
    if kind == 'end':
        return content[:at], f'cut at {at}'
    if kind == 'hole':
        return content[:at] + content[at + length :], f'{length} less'
    more = {'twice': content[at : at + length], 'zeros': bytes(length), 'noise': rng.randbytes(length % 70)}[kind]
    return content[:at] + more + content[at:], f'{len(more)} more'


# ---- TIFF: directories, wherever they lie


def _tiff_at(content: bytes) -> int:
    """Where a TIFF begins in this, such as an EXIF block; -1 for nowhere."""
    starts = [content.find(start) for start in (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+')]
    return min((at for at in starts if at >= 0), default=-1)


def _tag(rng: random.Random, content: bytes, start: int) -> tuple[bytes, str]:
    """A field of a directory's entry, the number of its entries or the place of the next one, made another."""
    tiff = content[start:]
    order: Any = 'little' if tiff.startswith(b'I') else 'big'
    room, head, length = (8, 8, 20) if b'+' in tiff[:4] else (4, 2, 12)

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], order)

    tables, entries = [number(room, room)], list[int]()
    for table in tables:
        ends = range(table + head + length, len(tiff) + 1, length)[: number(table, head) if table else 0]
        found = [end - length for end in ends]
        entries += found
        tables += [number(at + length - room, room) for at in found if number(at, 2) in POINTERS]
        tables += [number(found[-1] + length, room)] if found else []
        if len(tables) > 8:
            break
    if not entries:
        return _overwritten(rng, content)
    at = rng.choice(entries)
    tag, data = number(at, 2), bytearray(tiff)
    kind = rng.choice(('value', 'value', 'count', 'type', 'tag', 'entry', 'entries', 'next', 'behind'))
    place, size = {
        'tag': (at, 2),
        'type': (at + 2, 2),
        'count': (at + 4, room),
        'entries': (rng.choice([each for each in tables if each < len(data)] or [0]), head),
        'next': (at + length, room),
    }.get(kind, (at + 4 + room, room))
    if kind == 'entry':  # one in the place of another
        other = rng.choice(entries)
        data[at : at + length] = tiff[other : other + length]
    elif kind == 'behind':  # what the entry points to
        place = number(place, size)
        data[place:] = _overwritten(rng, bytes(data[place:]))[0]
    else:
        likely = {'type': range(19), 'tag': TAGS, 'next': tables, 'value': (*tables, *range(12))}.get(kind, NUMBERS)
        new = rng.choice((rng.choice(likely), _number(rng, number(place, size), size))) % 256**size
        data[place : place + size] = new.to_bytes(size, order)
    return content[:start] + bytes(data), f'{kind} of tag {tag}'


# ---- taken apart and put together


def _chunks(content: bytes) -> list[Piece]:
    pieces, at = [], len(PNG_START)
    while at + 8 <= len(content):
        end = at + 8 + int.from_bytes(content[at : at + 4], 'big')
        pieces.append(Piece(content[at + 4 : at + 8], content[at + 8 : end]))
        at = end + 4
    return pieces or [Piece(b'IEND', b'')]


def _joined_chunks(pieces: list[Piece]) -> bytes:
    rows = [
        each.length(4)
        + each.name
        + each.content
        + (zlib.crc32(each.name + each.content) ^ (not each.sound)).to_bytes(4, 'big')
        for each in pieces
    ]
    return PNG_START + b''.join(rows)


def _segments(content: bytes) -> list[Piece]:
    """The segments of a JPEG, those between its scans too; scans, and what comes behind the end, have no name."""
    pieces, at = [], 2
    while at + 4 <= len(content):
        if content[at] != 0xFF or content[at + 1] in (0, 0xD9, *range(0xD0, 0xD8)):
            end = at + 1
            while end < len(content) and not (content[end - 1] == 0xFF and content[end] in (0xC4, 0xDA, 0xDD)):
                end += 1
            end = end - 1 if end < len(content) else end
            pieces.append(Piece(b'', content[at:end]))
        else:
            end = at + 2 + max(int.from_bytes(content[at + 2 : at + 4], 'big'), 2)
            pieces.append(Piece(content[at : at + 2], content[at + 4 : end]))
        at = end
    return pieces or [Piece(b'', content[2:])]


def _joined_segments(pieces: list[Piece], start: bytes = JPEG_START) -> bytes:
    return start + b''.join(
        each.name + each.length(2, more=2) + each.content if each.name[:1] == b'\xff' else each.content
        for each in pieces
    )


def _markers(content: bytes) -> list[Piece]:
    """The marker segments of a JPEG 2000 codestream's main header, and what is behind them as one piece."""
    pieces, at = [], 2
    while content[at : at + 1] == b'\xff' and content[at + 1 : at + 2] != b'\x90':
        end = at + 2 + max(int.from_bytes(content[at + 2 : at + 4], 'big'), 2)
        pieces.append(Piece(content[at : at + 2], content[at + 4 : end]))
        at = end
    return [*pieces, Piece(b'', content[at:])]


def _joined_markers(pieces: list[Piece]) -> bytes:
    return _joined_segments(pieces, b'\xff\x4f')


def _riff(content: bytes) -> list[Piece]:
    pieces, at = [], 12
    while at + 8 <= len(content):
        end = at + 8 + int.from_bytes(content[at + 4 : at + 8], 'little')
        pieces.append(Piece(content[at : at + 4], content[at + 8 : end]))
        at = end + end % 2
    return pieces or [Piece(b'VP8 ', b'')]


def _joined_riff(pieces: list[Piece]) -> bytes:
    rows = [each.name + each.length(4, 'little') + each.content + bytes(len(each.content) % 2) for each in pieces]
    body = b'WEBP' + b''.join(rows)
    return b'RIFF' + len(body).to_bytes(4, 'little') + body


def _boxes(content: bytes) -> list[Piece]:
    pieces, at = [], 0
    while at + 8 <= len(content):
        length = int.from_bytes(content[at : at + 4], 'big') or len(content) - at
        end = at + max(length, 8)
        pieces.append(Piece(content[at + 4 : at + 8], content[at + 8 : end]))
        at = end
    return pieces or [Piece(b'free', content)]


def _joined_boxes(pieces: list[Piece]) -> bytes:
    return b''.join(each.length(4, more=8) + each.name + each.content for each in pieces)
