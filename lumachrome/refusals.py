"""Photos that are refused although a decoder would take them: it would give another picture than is meant."""

from pathlib import Path

from PIL import TiffImagePlugin

from lumachrome import containers, exif
from lumachrome.errors import PhotoError

RAW_SUFFIXES = ('.dng', '.cr2', '.cr3', '.nef', '.arw', '.orf', '.rw2', '.raf', '.pef', '.srw')
HOLDS_LAB = '{name} holds Lab values: save it as RGB first.'

_BITS = {1, 2, 4, 8, 16}  # a channel, that Pillow reads as they are meant
_UNREAD = {
    **dict.fromkeys((33003, 33005, 34712), 'JPEG 2000'),
    **{34887: 'LERC', 34925: 'LZMA', 50000: 'Zstandard', 50001: 'WebP', 50002: 'JPEG XL'},
}  # compressions of TIFF that some programs write, and the libtiff of libvips does not know
_PLANAR = 284  # a tag of TIFF: 2 where each channel lies for itself


def check_kind(path: Path, name: str, parts: list[containers.Part], page: int) -> None:
    """Raise PhotoError for what no decoder here reads, or reads as another picture."""
    if containers.is_jpeg_xl(path):
        raise PhotoError(f'{name} is JPEG XL, which is not read here: save it as PNG, TIFF or JPEG first.')
    tags = exif.page_directory(path, page)
    if Path(name).suffix.lower() in RAW_SUFFIXES or exif.DNG_VERSION in tags:
        raise PhotoError(f'{name} is a raw file of a camera: develop it first, and take the JPEG or TIFF.')
    if set(tags.get(exif.PHOTOMETRIC, ())) & set(exif.LAB):
        raise PhotoError(HOLDS_LAB.format(name=name))
    for compression in set(tags.get(exif.COMPRESSION, ())) & set(_UNREAD):
        kind = _UNREAD[compression]
        raise PhotoError(
            f'{name} is compressed by {kind}, which is not read in TIFF: save it with LZW or Deflate first.'
        )
    bits = max(tags.get(exif.BITS, (8,)), default=8)
    if bits not in _BITS:  # Pillow gives 12 bits as if they were 16
        raise PhotoError(too_deep(name, f'{bits}-bit'))
    if (bits := containers.jpeg_bits(parts)) != 8:
        raise PhotoError(f'{name} is a JPEG of {bits} bits, which few programs read: save it as PNG or TIFF first.')


def check_strips(picture: TiffImagePlugin.TiffImageFile) -> None:
    """Raise ValueError if strips or tiles of a TIFF are not there: Pillow leaves black what they would have covered."""
    planes = len(picture.getbands()) if picture.tag_v2.get(_PLANAR) == 2 else 1
    places = [tile.extents for tile in picture.tile if tile.extents]
    covered = sum((right - left) * (below - top) for left, top, right, below in places)
    if picture.tile[0].codec_name != 'libtiff' and covered < picture.width * picture.height * planes:
        raise ValueError('strips are missing')


def too_deep(name: str, kind: str) -> str:
    return f'{name} holds {kind} values: save it with 8 or 16 bits a channel first.'
