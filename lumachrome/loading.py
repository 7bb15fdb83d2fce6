"""Photo files decoded, in this process: what of them becomes pixels, which decoder takes them, and in what order.

Pixels go through libvips, row by row where the file allows it; what libvips cannot decode (HEIC, BMP, JPEG 2000 and
others) comes through Pillow. Who reads a photo asks `lumachrome.photofile`, which has this done in another process.
"""

import contextlib
import io
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from PIL import Image, PngImagePlugin, TiffImagePlugin

from lumachrome import containers, exif, frames, limits, metadata, refusals, rows, srgb
from lumachrome import pages as tiff_pages
from lumachrome.errors import PhotoError
from lumachrome.photofile import MAX_PIXELS, NO_PIXELS, PHOTO_SUFFIXES, Photo

VipsImage = Any  # a pyvips.Image; its annotations know neither bytes nor names of formats

# Both read tables, vector drawings and more, some by starting other programs: only photo formats are let in.
_PILLOW_FORMATS = (
    *('AVIF', 'BMP', 'DIB', 'GIF', 'HEIF', 'ICO', 'JPEG', 'JPEG2000'),
    *('PCX', 'PNG', 'PPM', 'PSD', 'SGI', 'TGA', 'TIFF', 'WEBP'),
)


def decode(path: Path, name: str, max_pixels: int, page: int | None = None, free: int | None = None) -> Photo:
    """Decode a photo here, in this process; `free` is how much memory is, all else as `read` has it."""
    photo, image = opened(path, name, max_pixels, page, free)
    with legible(name):
        return replace(photo, pixels=image.numpy())


def opened(
    path: Path, name: str, max_pixels: int, page: int | None = None, free: int | None = None, in_rows: bool = False
) -> tuple[Photo, VipsImage]:
    """A photo without its pixels, and the image that decodes them: once, from top to bottom (see `legible`).

    Parameters
    ----------
    path, name, max_pixels, page, free
        As of `decode`.
    in_rows : bool
        Whether no one is going to hold all pixels: then there may be as many as `max_pixels` says.
    """
    parts = containers.parts(path)
    refusals.check_kind(path, name, parts, page or 0)
    with legible(name):
        image, target = _open(path, name, max_pixels, page or 0, free)
        _check_size(image, target, name, max_pixels, free, in_rows)
        if image.format not in ('uchar', 'ushort'):
            raise PhotoError(refusals.too_deep(name, image.format))
        found = tiff_pages.find(path) if target == 'tiff' else tiff_pages.Pages()
        pictures = len(found.numbers) or max(image.get_n_pages(), frames.count(path))
        if found.numbers and page is not None:
            note = found.note(name) if page == 0 else ''
        else:
            note = f'{name} has {pictures} pages or frames; this is the first one.' if pictures > 1 else ''
        image = metadata.completed(image, parts) if target == 'png' else image
        orientation = image.get('orientation') if image.get_typeof('orientation') else 1
        if orientation in range(2, 9):
            image = _held(image).autorot()
        # What lies beyond the colours is transparency; a TIFF may have more, such as masks.
        colors = {'b-w': 1, 'grey16': 1, 'cmyk': 4}.get(image.interpretation, min(image.bands, 3))
        opaque = image[:colors] if image.bands > colors else image
        gamma = containers.gamma(parts)
        pixels = srgb.to_srgb(srgb.from_gamma(opaque, gamma) if gamma else opaque)
        if image.bands > colors:
            pixels = pixels.bandjoin(image[colors].cast(pixels.format))
            target = 'png' if target == 'jpeg' else target
    turned = orientation in range(5, 9)
    said = metadata.read(path, image, target, parts, turned, page or 0)
    if said.lost:
        said_of = f'{name} says things about itself that cannot be kept, or cannot be read; they are left out: '
        lost = f'{said_of}{"; ".join(said.lost)}.'
        note = f'{note} {lost}'.strip()
    photo = Photo(
        name=name,
        pixels=NO_PIXELS,
        format=target,
        said=said,
        note=note,
        pages=found.numbers,
    )
    return photo, pixels


@contextlib.contextmanager
def legible(name: str) -> Generator[None]:
    """Decoding that fails is the file's fault."""
    try:
        yield
    except (pyvips.Error, UnicodeError) as error:
        pyvips.vips_lib.vips_error_clear()
        raise PhotoError(f'{name} is damaged or cut short and cannot be read.') from error


def _check_size(image: VipsImage, target: str, name: str, max_pixels: int, free: int | None, in_rows: bool) -> None:
    """Raise PhotoError for a photo that is too large for the memory, or for those who asked."""
    kind = 'deep' if image.format == 'ushort' else 'jpeg' if target == 'jpeg' else 'other'
    if in_rows:
        kind, loader = 'rows', _loader(image)
        jumps = any(image.get_typeof(field) and image.get(field) for field in ('jpeg-multiscan', 'interlaced'))
        if loader in ('jpegload', 'pngload', 'tiffload') and not jumps:
            free = None
        else:  # they are decoded whole
            max_pixels = min(max_pixels, MAX_PIXELS)
    limits.check_size(image.width, image.height, kind, name, max_pixels, free)


def _held(image: VipsImage) -> VipsImage:
    """An image whose rows can be had in any order: in memory, or on the disk if they are many."""
    if image.width * image.height * image.bands * (2 if image.format == 'ushort' else 1) <= rows.IN_MEMORY:
        return image.copy_memory()
    held: VipsImage = pyvips.Image.new_temp_file('%s.v')
    image.write(held)
    return held


def _open(path: Path, name: str, max_pixels: int, page: int, free: int | None) -> tuple[VipsImage, str]:
    """The image, not yet decoded, and the format to write."""
    try:
        with path.open('rb') as file:  # which libvips opens again; of names it must not tell, as some are no UTF-8
            source = pyvips.Source.new_from_descriptor(file.fileno())
        which = {'page': page} if page else {}  # other formats know of none
        image: VipsImage = pyvips.Image.new_from_source(source, '', fail_on='error', access='sequential', **which)
    except (pyvips.Error, UnicodeError, OSError):
        pyvips.vips_lib.vips_error_clear()  # where its text is no UTF-8, pyvips leaves it there for the next file
        return _open_with_pillow(path, name, max_pixels, page, free)
    loader = _loader(image)
    if loader == 'heifload':
        if image.get('heif-compression') == 'av1':
            return image, 'avif'
        return _open_with_pillow(path, name, max_pixels, page, free)
    return image, {'jpegload': 'jpeg', 'pngload': 'png', 'tiffload': 'tiff', 'webpload': 'webp'}.get(loader, 'png')


def _loader(image: VipsImage) -> str:
    """Of libvips, whether it reads a file or a source."""
    return image.get('vips-loader').partition('load')[0] + 'load'


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
            if picture.mode == 'LAB':
                raise PhotoError(refusals.HOLDS_LAB.format(name=name))
            if picture.mode == 'F':
                raise PhotoError(refusals.too_deep(name, 'float'))
            if picture.mode == 'I':  # so Pillow holds the 16 bits of some formats
                picture = Image.fromarray(np.asarray(picture).clip(0, 65535).astype('uint16'))
            if picture.mode not in ('1', 'L', 'LA', 'P', 'RGB', 'RGBA', 'I;16'):
                picture = picture.convert('RGBA' if picture.mode in ('PA', 'La', 'RGBa') else 'RGB')
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
    return pyvips.Image.new_from_buffer(buffer.getvalue(), '', fail_on='truncated', access='sequential'), target


def _start_of(path: Path) -> bytes:
    with path.open('rb') as file:
        return file.read(512)
