"""The parts of JPEG, PNG, GIF, WebP and AVIF files that metadata lie in: read, and put into a file that libvips wrote.

libvips cuts the keywords of PNG at the first space, takes Latin-1 for UTF-8, passes over JPEG's comments and writes
EXIF through libexif, which drops what it does not know. So what lies in these parts is carried over byte for byte.
"""

import shutil
import zlib
from collections.abc import Generator, Iterable
from pathlib import Path

from lumachrome.errors import atomic
from lumachrome.exif import LARGEST, Resolution

Part = tuple[str, bytes]  # a PNG chunk's type or the name of a JPEG segment, and its content

PNG_START, JPEG_START = b'\x89PNG\r\n\x1a\n', b'\xff\xd8'
SEGMENTS = {'APP0': 0xE0, 'APP1': 0xE1, 'APP13': 0xED, 'COM': 0xFE}
SEGMENT_BYTES = 65_533  # of content at most

_NAMES = {marker: name for name, marker in SEGMENTS.items()}
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # where a picture's size and depth are stated


def parts(path: Path) -> list[Part]:
    """The chunks of a PNG other than pixels, or the segments of a JPEG before them; of a damaged one, the first.

    A GIF's comments come as the texts of the PNG that it becomes, a JPEG's frame header as 'SOF'. What is damaged, or
    beyond `LARGEST` bytes in all, is named, but without its content.
    """
    found: list[Part] = []
    try:
        with path.open('rb') as file:
            start = file.read(8)
        length = 0
        reader = _chunks if start == PNG_START else _comments if start.startswith(b'GIF8') else _segments
        for name, content in reader(path):
            length += len(content)
            found.append((name, content if length <= LARGEST else b''))
    except OSError:  # which the decoder will say
        pass
    return found


def _chunks(path: Path) -> Generator[Part]:
    """PNG, third edition (https://www.w3.org/TR/png-3/), section 5.3."""
    with path.open('rb') as file:
        file.seek(len(PNG_START))
        while len(head := file.read(8)) == 8:
            length, kind = int.from_bytes(head[:4], 'big'), head[4:].decode('latin-1')
            if kind == 'IDAT' or length > LARGEST:
                file.seek(length + 4, 1)
                yield from [] if kind == 'IDAT' else [(kind, b'')]
                continue
            content, check = file.read(length), file.read(4)
            yield kind, content if int.from_bytes(check, 'big') == zlib.crc32(head[4:] + content) else b''


def _segments(path: Path) -> Generator[Part]:
    """ITU-T T.81 (https://www.w3.org/Graphics/JPEG/itu-t81.pdf), annex B."""
    with path.open('rb') as file:
        if file.read(len(JPEG_START)) != JPEG_START:
            return
        while file.read(1) == b'\xff':
            while (marker := file.read(1)) == b'\xff':
                pass  # fill bytes
            if marker in (b'', b'\xda', b'\xd9'):  # pixels, or the end
                return
            if marker[0] == 1 or 0xD0 <= marker[0] <= 0xD7:  # markers without content
                continue
            content = file.read(max(int.from_bytes(file.read(2), 'big') - 2, 0))
            name = 'SOF' if marker[0] in _FRAMES else _NAMES.get(marker[0])
            if name:
                yield name, content


def _comments(path: Path) -> Generator[Part]:
    """Graphics Interchange Format 89a (https://www.w3.org/Graphics/GIF/spec-gif89a.txt), sections 15 to 24."""
    with path.open('rb') as file:

        def pass_colors(flags: int) -> None:
            file.seek(3 << (flags & 7) + 1 if flags & 0x80 else 0, 1)

        def blocks() -> Generator[bytes]:
            while length := file.read(1).strip(b'\0'):
                yield file.read(length[0])

        pass_colors(file.read(13)[10:11].ljust(1, b'\0')[0])
        length = 0
        while (kind := file.read(1)) in (b'!', b','):
            if kind == b',':
                pass_colors(file.read(9)[8:].ljust(1, b'\0')[0])
            label = file.read(1)  # before pixels it is the size of a code
            content = bytearray()
            for block in blocks():
                if kind + label == b'!\xfe' and length + len(content) <= LARGEST:
                    content += block
            length += len(content)
            if kind + label == b'!\xfe' and content:
                yield _text('Comment', bytes(content))


def _text(keyword: str, content: bytes) -> Part:
    """A PNG's chunk for a text that is ASCII, by the specification, UTF-8 or Latin-1."""
    try:
        return 'iTXt', f'{keyword}\0\0\0\0\0{content.decode()}'.encode()
    except UnicodeError:
        return 'tEXt', keyword.encode() + b'\0' + content


def jpeg_bits(found: Iterable[Part]) -> int:
    """Bits a sample of a JPEG, by its parts; 8 where they do not say."""
    return next((content[0] for name, content in found if name == 'SOF' and content), 8)


def jpeg2000_bits(path: Path) -> int:
    """How many bits a channel has: in the codestream's SIZ marker, after sides, tiles and the number of channels."""
    content = path.read_bytes()
    at = content.find(b'\xff\x4f\xff\x51')
    return (content[at + 42] & 0x7F) + 1 if 0 <= at < len(content) - 42 else 8


def is_jpeg_xl(path: Path) -> bool:
    """Whether a file begins as JPEG XL does (ISO/IEC 18181-2), as a codestream alone or in boxes."""
    try:
        with path.open('rb') as file:
            return file.read(12).startswith((b'\xff\x0a', b'\0\0\0\x0cJXL \r\n\x87\n'))
    except OSError:  # which the decoder will say
        return False


def resolution(found: Iterable[Part]) -> Resolution | None:
    """Pixels per millimetre by the container itself, PNG's pHYs or JPEG's JFIF; None where it does not say."""
    for name, content in found:
        if name == 'pHYs' and len(content) == 9 and content[8] == 1:
            across, down, length = int.from_bytes(content[:4], 'big'), int.from_bytes(content[4:8], 'big'), 1000
        elif name == 'APP0' and content.startswith(b'JFIF\0') and len(content) >= 12 and content[7] in (1, 2):
            across, down = int.from_bytes(content[8:10], 'big'), int.from_bytes(content[10:12], 'big')
            length = 25.4 if content[7] == 1 else 10
        else:
            continue
        return (across / length, down / length) if across and down else None
    return None


def jfif(resolution: Resolution | None) -> Part:
    """JPEG's first segment, which states the resolution."""
    unit, sides = 0, [1, 1]
    if resolution:
        inches, centimetres = ([side * length for side in resolution] for length in (25.4, 10))
        whole = all(abs(side - round(side)) < 0.01 for side in centimetres)
        metric = whole and any(abs(side - round(side)) >= 0.01 for side in inches)
        unit = 2 if metric else 1
        sides = [min(max(round(side), 1), 65_535) for side in (centimetres if metric else inches)]
    return 'APP0', b'JFIF\0\1\1' + bytes([unit]) + b''.join(side.to_bytes(2, 'big') for side in sides) + bytes(2)


def gamma(found: Iterable[Part]) -> float | None:
    """The exponent that a PNG's values were made with, where nothing in it says more: light ** gamma = value."""
    stated = dict(found)
    content = stated.get('gAMA', b'')
    if len(content) != 4 or {'iCCP', 'sRGB', 'cICP'} & stated.keys():
        return None
    return int.from_bytes(content, 'big') / 100_000 or None


def add_to_png(path: Path, chunks: Iterable[Part]) -> None:
    """Put chunks before the pixels of a PNG, where every program looks for them."""
    with atomic(path) as whole, path.open('rb') as old, whole.open('wb') as new:
        new.write(old.read(len(PNG_START)))
        while (head := old.read(8))[4:] != b'IDAT':
            new.write(head + old.read(int.from_bytes(head[:4], 'big') + 4))
        for name, content in chunks:
            kind = name.encode('latin-1')
            new.write(len(content).to_bytes(4, 'big') + kind + content)
            new.write(zlib.crc32(kind + content).to_bytes(4, 'big'))
        new.write(head)
        shutil.copyfileobj(old, new)


def add_to_jpeg(path: Path, segments: Iterable[Part]) -> None:
    """Put segments at the beginning of a JPEG; the first must be `jfif`'s."""
    with atomic(path) as whole, path.open('rb') as old, whole.open('wb') as new:
        new.write(old.read(len(JPEG_START)))
        for name, content in segments:
            new.write(bytes([0xFF, SEGMENTS[name]]) + (len(content) + 2).to_bytes(2, 'big') + content)
        shutil.copyfileobj(old, new)


def add_to_webp(path: Path, exif: bytes) -> None:
    """Put EXIF at the end of a WebP that holds a profile, and therefore a VP8X chunk (RFC 9649, section 2.7)."""
    with path.open('r+b') as file:
        start = file.read(21)
        file.seek(0, 2)
        file.write(b'EXIF' + len(exif).to_bytes(4, 'little') + exif + bytes(len(exif) % 2))
        size = file.tell()
        file.seek(4)
        file.write((size - 8).to_bytes(4, 'little'))
        file.seek(20)
        file.write(bytes([start[20] | 0x08]))


# In AVIF, places are counted from the file's beginning, so nothing can be put in between. libvips writes EXIF with a
# description that is as long as ours, and ours takes its place; a reader ignores what lies behind its last value.
def avif_placeholder(exif: bytes) -> str:
    """A description that makes room for an EXIF block."""
    return '~' * len(exif)


def add_to_avif(path: Path, exif: bytes) -> None:
    """Put EXIF where libvips has written the one of `avif_placeholder`."""
    content = path.read_bytes()
    room = content.index(avif_placeholder(exif).encode())
    at = content.rindex(b'Exif\0\0', 0, room) + 6
    with path.open('r+b') as file:
        file.seek(at)
        file.write(exif.ljust(room + len(exif) - at, b'\0'))
