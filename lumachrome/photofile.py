"""Photo files: read and written without losing orientation, profile, depth, transparency or metadata.

`read` gives a `Photo`: upright sRGB pixels and everything else that the file said. `write` puts new pixels in the place
of the old ones, in the format that came in, and adds to the metadata that the colours were made by software. Pixels go
through libvips; what it cannot decode (HEIC, BMP, JPEG 2000 and others) comes through Pillow. What a file says besides
them is for `lumachrome.metadata`.
"""

import io
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pi_heif
import pyvips
from PIL import Image, PngImagePlugin, TiffImagePlugin

from lumachrome import containers, exif, frames, limits, metadata, refusals, srgb
from lumachrome import pages as tiff_pages
from lumachrome.adjustments import Palette
from lumachrome.errors import PhotoError, atomic

Array = npt.NDArray[Any]
VipsImage = Any  # a pyvips.Image; its annotations know neither bytes nor names of formats

MAX_PIXELS = 300_000_000  # 20,000 x 15,000; what claims to be larger is refused before it is decoded
JPEG_QUALITY = 95
PALETTE_SIDE = 256  # long side in pixels at which a palette is taken: it is two means and two spreads

SUFFIXES = {
    'jpeg': ('.jpg', '.jpeg', '.jpe', '.jfif'),
    'png': ('.png',),
    'tiff': ('.tif', '.tiff'),
    'webp': ('.webp',),
    'avif': ('.avif',),
}  # the formats that are written, the usual suffix first
READ_ONLY_SUFFIXES = ('.heic', '.heif', '.mpo', '.apng', '.bmp', '.gif', '.jp2', '.ppm', '.pgm', '.pnm', '.tga')
PHOTO_SUFFIXES = frozenset(READ_ONLY_SUFFIXES).union(*SUFFIXES.values())

_SCREEN = (72 / 25.4, 72 / 25.4)

pi_heif.register_heif_opener()
# libvips remembers its last hundred operations, and with them the pixels of dozens of photos.
pyvips.cache_set_max(0)
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow warns from here and refuses at twice as many
# Both read tables, vector drawings and more, some by starting other programs: only photo formats are let in.
_PILLOW_FORMATS = (
    *('AVIF', 'BMP', 'DIB', 'GIF', 'HEIF', 'ICO', 'JPEG', 'JPEG2000'),
    *('PCX', 'PNG', 'PPM', 'PSD', 'SGI', 'TGA', 'TIFF', 'WEBP'),
)
pyvips.operation_block_set('VipsForeignLoad', True)
for _kind in ('Jpeg', 'Png', 'Tiff', 'Webp', 'Nsgif', 'Heif'):
    pyvips.operation_block_set(f'VipsForeignLoad{_kind}', False)


@dataclass
class Photo:
    """A photo as it lies in a file.

    Attributes
    ----------
    name : str
        The file's name, as people know it.
    pixels : uint8 or uint16 array [H, W, 3 or 4]
        sRGB, upright; the fourth channel is transparency.
    format : str
        The format to write: a key of `SUFFIXES`.
    metadata : dict
        libvips' fields to write again, EXIF and XMP: name to (name of the type, value).
    tiff_tags : dict
        What libvips passes over in a TIFF file, EXIF among it: see `lumachrome.exif.Tags`.
    parts : list
        Texts and comments to write again, as bytes: see `lumachrome.containers.Part`.
    resolution : tuple of float, or None
        Pixels per millimetre, across and down; None where the file does not say.
    note : str
        A sentence on what the reader should know, or ''.
    pages : tuple of int
        Of a TIFF file, which of its pictures are pages: the numbers that `read` takes.
    """

    name: str
    pixels: Array
    format: str
    metadata: dict[str, tuple[str, Any]] = field(default_factory=dict[str, tuple[str, Any]])
    tiff_tags: dict[int, Any] = field(default_factory=dict[int, Any])
    parts: list[containers.Part] = field(default_factory=list[containers.Part])
    resolution: exif.Resolution | None = None
    note: str = ''
    pages: tuple[int, ...] = ()

    @property
    def suffix(self) -> str:
        """The suffix for the file to write: the one that came in where it suits the format."""
        given = Path(self.name).suffix
        return given if given.lower() in SUFFIXES[self.format] else SUFFIXES[self.format][0]


Page = tuple[Array, Photo]  # the new pixels of one, and what its file says


def read(path: str | Path, name: str | None = None, max_pixels: int = MAX_PIXELS, page: int | None = None) -> Photo:
    """Read a photo.

    Parameters
    ----------
    path : str or Path
        A JPEG, PNG, TIFF, WebP, AVIF, GIF or HEIC file, or one of another photo format that Pillow reads. HEIC is to be
        written as JPEG (with transparency, as PNG), and what holds no metadata (GIF, BMP and so on) as PNG.
    name : str, optional
        How people know the photo, with or without folders; by default the file's own name.
    max_pixels : int
        How many it may have, at most `MAX_PIXELS`.
    page : int, optional
        Which picture of a TIFF file, counted from 0; without it the first one, and a note if there are more pages.

    Returns
    -------
    Photo

    Raises
    ------
    PhotoError
        The file is missing, damaged, cut short, too large for the limit or the free memory, or not a photo.

    Notes
    -----
    It is decoded in another process, so that no file can end this one: see `lumachrome.decoding`.
    """
    from lumachrome import decoding  # which runs `decode`

    path = Path(path)
    if os.path.isdir(path):
        raise PhotoError(f'{name or path} is a folder, not a photo.')
    if not os.path.exists(path):
        raise PhotoError(f'{name or path} does not exist.')
    if not os.path.isfile(path):  # a pipe would be waited for
        raise PhotoError(f'{name or path} is no file that a photo can lie in.')
    return decoding.decoded(path, name or path.name, max_pixels, page)


def decode(path: Path, name: str, max_pixels: int, page: int | None = None, free: int | None = None) -> Photo:
    """Decode a photo here, in this process; `free` is how much memory is, all else as `read` has it."""
    parts = containers.parts(path)
    refusals.check_kind(path, name, parts, page or 0)
    try:
        image, target = _open(path, name, max_pixels, page or 0, free)
        kind = 'deep' if image.format == 'ushort' else 'jpeg' if target == 'jpeg' else 'other'
        limits.check_size(image.width, image.height, kind, name, max_pixels, free)
        if image.format not in ('uchar', 'ushort'):
            raise PhotoError(refusals.too_deep(name, image.format))
        found = tiff_pages.find(path) if target == 'tiff' else tiff_pages.Pages()
        pictures = len(found.numbers) or max(image.get_n_pages(), frames.count(path))
        if found.numbers and page is not None:
            note = found.note(name) if page == 0 else ''
        else:
            note = f'{name} has {pictures} pages or frames; this is the first one.' if pictures > 1 else ''
        image = metadata.completed(image, parts) if target == 'png' else image
        turned = image.get_typeof('orientation') != 0 and image.get('orientation') in range(5, 9)
        image = image.autorot()
        # What lies beyond the colours is transparency; a TIFF may have more, such as masks.
        colors = {'b-w': 1, 'grey16': 1, 'cmyk': 4}.get(image.interpretation, min(image.bands, 3))
        alpha = image[colors].numpy()[..., None] if image.bands > colors else None
        opaque = image[:colors] if image.bands > colors else image
        gamma = containers.gamma(parts)
        pixels = srgb.to_srgb(srgb.from_gamma(opaque, gamma) if gamma else opaque).numpy()
        if alpha is not None:
            pixels = np.concatenate([pixels, alpha.astype(pixels.dtype, copy=False)], axis=-1)
            target = 'png' if target == 'jpeg' else target
    except (pyvips.Error, UnicodeError) as error:
        pyvips.vips_lib.vips_error_clear()
        raise PhotoError(f'{name} is damaged or cut short and cannot be read.') from error
    said = metadata.read(path, image, target, parts, turned, page or 0)
    if said.lost:
        said_of = f'{name} says things about itself that cannot be kept, or cannot be read; they are left out: '
        lost = f'{said_of}{"; ".join(said.lost)}.'
        note = f'{note} {lost}'.strip()
    return Photo(
        name=name,
        pixels=pixels,
        format=target,
        metadata=said.fields,
        tiff_tags=said.tiff_tags,
        parts=said.parts,
        resolution=said.resolution,
        note=note,
        pages=found.numbers,
    )


def write(path: str | Path, pixels: Array, photo: Photo, more: Iterable[Page] = ()) -> None:
    """Write a photo's new pixels, with all that its file said beside them.

    The file appears under its name only when it is whole.

    Parameters
    ----------
    path : str or Path
        Where to; missing folders are made, an existing file is replaced.
    pixels : uint8 or uint16 array [H, W, 3 or 4]
        sRGB, of the shape of `photo.pixels`.
    photo : Photo
        The photo that the colours were made for.
    more : iterable of (pixels, photo)
        Of a TIFF file, the further pages; each is asked for when the one before is written.

    Raises
    ------
    PhotoError
        The file cannot be written.
    """
    path = Path(path)
    try:
        with atomic(path) as temporary:
            _save(temporary, pixels, photo)
            for further, page in more:
                with atomic(temporary.with_name(f'{temporary.stem}.page{path.suffix}')) as alone:
                    _save(alone, further, page)
                    tiff_pages.append(temporary, alone, photo.name)
                    alone.unlink()
    except (pyvips.Error, UnicodeDecodeError, OSError) as error:
        # libvips says first what the system says, and then what it was doing, with names that need not be UTF-8.
        text = error.object.decode(errors='replace') if isinstance(error, UnicodeDecodeError) else str(error)
        reasons = re.findall('system error: (.+)', text) or text.strip().splitlines()[-1:]
        reason = getattr(error, 'strerror', None) or reasons[0].strip()
        raise PhotoError(f'{path} cannot be written: {reason}.') from error
    finally:
        pyvips.vips_lib.vips_error_clear()


def _save(path: Path, pixels: Array, photo: Photo) -> None:
    """Write a photo of one page."""
    said = metadata.Said(photo.metadata, photo.tiff_tags, photo.parts, photo.resolution)
    across, down = photo.resolution or _SCREEN
    image = _image(pixels).copy(xres=across, yres=down)
    image.set_type(pyvips.GValue.blob_type, 'icc-profile-data', _SRGB_PROFILE)
    fields = metadata.for_libvips(photo.format, said)
    for name, (kind, value) in fields.items():
        image.set_type(pyvips.type_from_name(kind), name, value)
    # libvips would make up an EXIF block where there was none.
    keep = 'xmp|icc|exif' if any(name.startswith('exif') for name in fields) else 'xmp|icc'
    _SAVERS[photo.format](image, str(path), keep=keep)
    metadata.write(path, photo.format, said)


def shrink(pixels: Array, long_side: int = 1600) -> Array:
    """A photo's pixels for the screen.

    Parameters
    ----------
    pixels : uint8 or uint16 array [H, W, 3 or 4]
        sRGB.
    long_side : int
        How many pixels the longer side has at most.

    Returns
    -------
    uint8 array [h, w, 3]
        sRGB; what is transparent has become white.
    """
    image = _image(pixels)
    if image.hasalpha():
        most = np.iinfo(pixels.dtype).max
        image = image.flatten(background=[most] * 3, max_alpha=most)
    return image.colourspace('srgb').thumbnail_image(long_side, height=long_side, size='down').numpy()


def palette(pixels: Array) -> Palette:
    """The palette of a photo's pixels, uint8 [H, W, 3], sRGB."""
    return Palette.of(_image(pixels).colourspace('lab').numpy()[..., 1:])


def read_palette(path: str | Path, name: str | None = None, max_pixels: int = MAX_PIXELS) -> Palette:
    """The palette of a photo; parameters and errors are those of `read`."""
    return palette(shrink(read(path, name, max_pixels).pixels, PALETTE_SIDE))


def write_preview(path: str | Path, pixels: Array) -> None:
    """Write uint8 sRGB pixels [H, W, 3] as a JPEG for the screen, without metadata."""
    _image(pixels).jpegsave(str(path), Q=92, subsample_mode='off')


_SRGB_PROFILE = pyvips.Operation.call('profile_load', 'srgb')

_SAVERS = {
    # Full chroma: halved, colours would bleed over edges.
    'jpeg': lambda image, path, **keep: image.jpegsave(
        os.fsencode(path), Q=JPEG_QUALITY, subsample_mode='off', optimize_coding=True, **keep
    ),
    'png': lambda image, path, **keep: image.pngsave(os.fsencode(path), **keep),
    'tiff': lambda image, path, **keep: image.tiffsave(
        os.fsencode(path), compression='deflate', predictor='horizontal', **keep
    ),
    # WebP's lossy mode always halves chroma.
    'webp': lambda image, path, **keep: image.webpsave(os.fsencode(path), lossless=True, **keep),
    'avif': lambda image, path, **keep: image.heifsave(
        os.fsencode(path), compression='av1', Q=90, subsample_mode='off', effort=2, **keep
    ),
}


def _open(path: Path, name: str, max_pixels: int, page: int, free: int | None) -> tuple[VipsImage, str]:
    """The image, not yet decoded, and the format to write."""
    try:
        with path.open('rb') as file:  # which libvips opens again; of names it must not tell, as some are no UTF-8
            source = pyvips.Source.new_from_descriptor(file.fileno())
        which = {'page': page} if page else {}  # other formats know of none
        image: VipsImage = pyvips.Image.new_from_source(source, '', fail_on='error', **which)
    except (pyvips.Error, UnicodeError, OSError):
        pyvips.vips_lib.vips_error_clear()  # where its text is no UTF-8, pyvips leaves it there for the next file
        return _open_with_pillow(path, name, max_pixels, page, free)
    loader = image.get('vips-loader').partition('load')[0] + 'load'
    if loader == 'heifload':
        if image.get('heif-compression') == 'av1':
            return image, 'avif'
        return _open_with_pillow(path, name, max_pixels, page, free)
    return image, {'jpegload': 'jpeg', 'pngload': 'png', 'tiffload': 'tiff', 'webpload': 'webp'}.get(loader, 'png')


def _open_with_pillow(path: Path, name: str, max_pixels: int, page: int, free: int | None) -> tuple[VipsImage, str]:
    """The same for what libvips does not know: through a PNG in memory, which carries the metadata along."""
    try:
        with Image.open(path, formats=_PILLOW_FORMATS) as picture:
            picture.seek(page)
            kind = 'deep' if picture.mode.startswith('I') else 'other'
            limits.check_size(*picture.size, kind, name, max_pixels, free)
            # Pillow wraps colours of more than 8 bits around, so that white becomes black; gray ones it holds in 16.
            if picture.format == 'JPEG2000' and picture.mode != 'I;16' and (bits := containers.jpeg2000_bits(path)) > 8:
                raise PhotoError(f'{name} holds JPEG 2000 colours of {bits} bits: save it as TIFF or PNG first.')
            target = {'HEIF': 'jpeg', 'JPEG': 'jpeg', 'AVIF': 'avif', 'TIFF': 'tiff'}.get(picture.format or '', 'png')
            info = PngImagePlugin.PngInfo()
            # The block as it is: Pillow writes every letter beyond ASCII as "?".
            block, dpi = picture.info.get('exif'), picture.info.get('dpi')
            if isinstance(picture, TiffImagePlugin.TiffImageFile):
                refusals.check_strips(picture)
                block = exif.block(exif.tiff_tags(path, *picture.size, page)[0])
            if xmp := picture.info.get('xmp'):
                info.add_itxt('XML:com.adobe.xmp', xmp.decode(errors='replace') if isinstance(xmp, bytes) else xmp)
            if picture.mode == 'F':
                raise PhotoError(refusals.too_deep(name, 'float'))
            if picture.mode == 'I':  # so Pillow holds the 16 bits of some formats
                picture = Image.fromarray(np.asarray(picture).clip(0, 65535).astype('uint16'))
            if picture.mode not in ('1', 'L', 'LA', 'P', 'RGB', 'RGBA', 'I;16'):
                picture = picture.convert('RGBA' if 'A' in picture.getbands() else 'RGB')
            buffer = io.BytesIO()
            picture.save(buffer, 'PNG', compress_level=0, pnginfo=info, exif=block, dpi=dpi)
    except Image.DecompressionBombError as error:
        raise PhotoError(limits.too_large(name, max_pixels)) from error
    except Image.UnidentifiedImageError as error:
        if path.suffix.lower() in PHOTO_SUFFIXES and b'\0' in _start_of(path):
            raise PhotoError(f'{name} is damaged or cut short and cannot be read.') from error
        raise PhotoError(f'{name} is not a photo that can be read.') from error
    except FileNotFoundError as error:
        raise PhotoError(f'{name} is gone: it was there a moment ago.') from error
    except PermissionError as error:
        raise PhotoError(f'{name} may not be read: permission denied.') from error
    except (MemoryError, PhotoError):
        raise
    except Exception as error:  # Pillow's plug-ins raise what they like
        raise PhotoError(f'{name} is damaged or cut short and cannot be read.') from error
    return pyvips.Image.new_from_buffer(buffer.getvalue(), '', fail_on='truncated'), target


def _start_of(path: Path) -> bytes:
    with path.open('rb') as file:
        return file.read(512)


def _image(pixels: Array) -> VipsImage:
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels))
    return image.copy(interpretation='rgb16' if pixels.dtype == np.uint16 else 'srgb')
