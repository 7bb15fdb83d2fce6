"""Photo files: read and written without losing orientation, profile, depth, transparency or metadata.

`read` gives a `Photo`: upright sRGB pixels and everything else that the file said. `write` puts new pixels in the place
of the old ones, in the format that came in, and adds to the metadata that the colours were made by software. How files
become pixels is for `lumachrome.loading`, what they say besides them for `lumachrome.metadata`.
"""

import contextlib
import os
import re
import stat
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pi_heif
import pyvips
from PIL import Image

from lumachrome import metadata
from lumachrome import pages as tiff_pages
from lumachrome.adjustments import Palette
from lumachrome.errors import PhotoError, atomic
from lumachrome.rows import Rows

Array = npt.NDArray[Any]
VipsImage = Any  # a pyvips.Image; its annotations know neither bytes nor names of formats

MAX_PIXELS = 300_000_000  # 20,000 x 15,000; what claims to be larger is refused before it is decoded
MAX_PIXELS_IN_ROWS = 4_000_000_000  # where no one holds them; a JPEG's 65,535 x 65,535 are just beyond it
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
NO_PIXELS: Array = np.empty((0, 0, 3), np.uint8)

pi_heif.register_heif_opener()
# libvips remembers its last hundred operations, and with them the pixels of dozens of photos.
pyvips.cache_set_max(0)
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow warns from here and refuses at twice as many
pyvips.operation_block_set('VipsForeignLoad', True)
for _kind in ('Jpeg', 'Png', 'Tiff', 'Webp', 'Nsgif', 'Heif'):
    pyvips.operation_block_set(f'VipsForeignLoad{_kind}', False)


def _hear_warnings_alone() -> None:
    """Have libvips tell Python of warnings, and not of each file that it has written.

    It tells in a callback, and a Ctrl-C that is raised there is heard by nobody.
    """
    levels = pyvips.GLogLevelFlags
    serious = levels.LEVEL_WARNING | levels.LEVEL_CRITICAL | levels.LEVEL_ERROR | levels.FLAG_FATAL
    ours: Any = pyvips
    with contextlib.suppress(AttributeError):  # a later version may call them otherwise
        handler, none = ours._log_handler_cb, ours.ffi.NULL
        ours._remove_log_handler()
        ours._log_handler_id = ours.glib_lib.g_log_set_handler(b'VIPS', serious | levels.FLAG_RECURSION, handler, none)


_hear_warnings_alone()


@dataclass
class Photo:
    """A photo as it lies in a file.

    Attributes
    ----------
    name : str
        The file's name, as people know it.
    pixels : uint8 or uint16 array [H, W, 3 or 4]
        sRGB, upright; the fourth channel is transparency. Of `read_rows` none.
    format : str
        The format to write: a key of `SUFFIXES`.
    said : metadata.Said
        What its file says besides them, to be written again.
    note : str
        A sentence on what the reader should know, or ''.
    pages : tuple of int
        Of a TIFF file, which of its pictures are pages: the numbers that `read` takes.
    """

    name: str
    pixels: Array
    format: str
    said: metadata.Said = field(default_factory=metadata.Said)
    note: str = ''
    pages: tuple[int, ...] = ()

    @property
    def suffix(self) -> str:
        """The suffix for the file to write: the one that came in where it suits the format."""
        given = Path(self.name).suffix
        return given if given.lower() in SUFFIXES[self.format] else SUFFIXES[self.format][0]


Pixels = Array | Rows
Page = tuple[Pixels, Photo]  # the new pixels of one, and what its file says


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
    from lumachrome import decoding

    return decoding.decoded(*_found(path, name), max_pixels, page)


def read_rows(
    path: str | Path, name: str | None = None, max_pixels: int = MAX_PIXELS_IN_ROWS, page: int | None = None
) -> tuple[Photo, Rows]:
    """Read a photo of any size in little memory: like `read`, but its pixels are in a file, which the caller closes.

    Of JPEG, PNG and TIFF files no one holds more than some rows, if these lie there from top to bottom: what is
    progressive, interlaced, or of another format, the decoder's process holds whole.

    Parameters
    ----------
    path, name, max_pixels, page
        As of `read`.

    Returns
    -------
    photo : Photo
        Its `pixels` are none.
    rows : Rows

    Raises
    ------
    PhotoError
        As `read` does.
    """
    from lumachrome import decoding

    return decoding.spooled(*_found(path, name), max_pixels, page)


def _found(path: str | Path, name: str | None) -> tuple[Path, str]:
    """A file that can be read, and what people call it."""
    path = Path(path)
    try:
        kind = os.stat(path).st_mode
    except PermissionError as error:  # of a folder above it
        raise PhotoError(f'{name or path} may not be read: permission denied.') from error
    except (OSError, ValueError) as error:
        raise PhotoError(f'{name or path} does not exist.') from error
    if stat.S_ISDIR(kind):
        raise PhotoError(f'{name or path} is a folder, not a photo.')
    if not stat.S_ISREG(kind):  # a pipe would be waited for
        raise PhotoError(f'{name or path} is no file that a photo can lie in.')
    return path, name or path.name


def write(path: str | Path, pixels: Pixels, photo: Photo, more: Iterable[Page] = (), failed: str = '') -> None:
    """Write a photo's new pixels, with all that its file said beside them.

    The file appears under its name only when it is whole.

    Parameters
    ----------
    path : str or Path
        Where to; missing folders are made, an existing file is replaced.
    pixels : uint8 or uint16 array [H, W, 3 or 4], or Rows
        sRGB, of the shape of the photo's own.
    photo : Photo
        The photo that the colours were made for.
    more : iterable of (pixels, photo)
        Of a TIFF file, the further pages; each is asked for when the one before is written.
    failed : str
        How the sentence begins that says why it cannot be written, where nobody knows the file by its path.

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
        raise PhotoError(f'{failed or f"{path} cannot be written"}: {reason}.') from error
    finally:
        pyvips.vips_lib.vips_error_clear()


def _save(path: Path, pixels: Pixels, photo: Photo) -> None:
    """Write a photo of one page."""
    across, down = photo.said.resolution or _SCREEN
    fields = metadata.for_libvips(photo.format, photo.said)
    # libvips would make up an EXIF block where there was none.
    keep = 'xmp|icc|exif' if any(name.startswith('exif') for name in fields) else 'xmp|icc'
    with _image(pixels) as made:
        image = made.copy(xres=across, yres=down)
        image.set_type(pyvips.GValue.blob_type, 'icc-profile-data', _SRGB_PROFILE)
        for name, (kind, value) in fields.items():
            image.set_type(pyvips.type_from_name(kind), name, value)
        _SAVERS[photo.format](image, str(path), keep=keep)
    metadata.write(path, photo.format, photo.said)


def shrink(pixels: Pixels, long_side: int = 1600) -> Array:
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
    with _image(pixels) as image:
        if image.hasalpha():
            most = 65_535 if image.format == 'ushort' else 255
            image = image.flatten(background=[most] * 3, max_alpha=most)
        return image.colourspace('srgb').thumbnail_image(long_side, height=long_side, size='down').numpy()


def palette(pixels: Array) -> Palette:
    """The palette of a photo's pixels, uint8 [H, W, 3], sRGB."""
    with _image(pixels) as image:
        return Palette.of(image.colourspace('lab').numpy()[..., 1:])


def read_palette(path: str | Path, name: str | None = None, max_pixels: int = MAX_PIXELS) -> Palette:
    """The palette of a photo; parameters and errors are those of `read`."""
    return palette(shrink(read(path, name, max_pixels).pixels, PALETTE_SIDE))


def write_preview(path: str | Path, pixels: Array) -> None:
    """Write uint8 sRGB pixels [H, W, 3] as a JPEG for the screen, without metadata."""
    with _image(pixels) as image:
        image.jpegsave(str(path), Q=92, subsample_mode='off')


_SRGB_PROFILE = pyvips.Operation.call('profile_load', 'srgb')

_SAVERS = {
    # Full chroma: halved, colours would bleed over edges. Codes that suit the photo would make a file 2 % smaller, and
    # take three times as long, and memory for all coefficients.
    'jpeg': lambda image, path, **keep: image.jpegsave(os.fsencode(path), Q=JPEG_QUALITY, subsample_mode='off', **keep),
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


@contextlib.contextmanager
def _image(pixels: Pixels) -> Generator[VipsImage]:
    """Pixels as an image of libvips, to be used within the context."""
    space = 'rgb16' if pixels.dtype == np.uint16 else 'srgb'
    if isinstance(pixels, Rows):
        height, width, channels = pixels.shape
        with pixels.mapped() as memory:
            kind = 'ushort' if pixels.dtype == np.uint16 else 'uchar'
            image: VipsImage = pyvips.Image.new_from_memory(memoryview(memory), width, height, channels, kind)
            yield image.copy(interpretation=space)
    else:
        yield pyvips.Image.new_from_array(np.ascontiguousarray(pixels)).copy(interpretation=space)
