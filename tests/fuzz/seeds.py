"""Sound photos of all formats that are read, small, with all that their files can say: what the fuzzer mutates."""

import io
import re
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pyvips
from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin

from tests import files

HOSTILE = Path(__file__).parents[1] / 'hostile'
SIZE = (48, 36)
TIFFS = {  # how Pillow names the compressions of its files
    'raw': None,
    'lzw': 'tiff_lzw',
    'deflate': 'tiff_adobe_deflate',
    'packbits': 'packbits',
    'jpeg': 'jpeg',
    'zstd': 'zstd',
    'lzma': 'lzma',
}


@cache
def seeds() -> dict[str, bytes]:
    """Files by name, whose suffix is their format's."""
    gray, color = pictures()
    found = _jpegs(gray, color) | _pngs(gray, color) | _tiffs(gray, color) | _boxes(color) | _others(gray, color)
    # One bit of this one had been flipped: nothing here can write HEIC.
    found['heic.heic'] = (HOSTILE / 'segfault-minimal.heic').read_bytes().replace(b'\xc5xif', b'Exif')
    return found


def pictures() -> tuple[Image.Image, Image.Image]:
    """A gray picture and one in colour, with noise, so that every kind of block is in the compressed ones."""
    rng = np.random.default_rng(7)
    slope = np.linspace(60, 180, SIZE[0] * SIZE[1]).reshape(SIZE[::-1])
    gray = (slope + rng.normal(0, 12, slope.shape)).clip(0, 255).astype(np.uint8)
    return Image.fromarray(gray), Image.fromarray(np.stack([gray, gray // 2, 255 - gray], axis=-1))


def saved(picture: Image.Image, format: str, **more: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, format, **more)
    return stream.getvalue()


def profile() -> bytes:
    """sRGB, made in the year 0, so that it is the same tomorrow (ICC.1:2022, table 17)."""
    content = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
    return content[:24] + bytes(12) + content[36:]


def without_times(content: bytes) -> bytes:
    """A sequence of AVIF as it would have been made in 1904 (ISO/IEC 14496-12, version 1 of the headers)."""
    return re.sub(rb'([mt][vkd]hd\x01...).{16}', lambda found: found[1] + bytes(16), content, flags=re.DOTALL)


def _xmp() -> bytes:
    return files.xmp('<dc:title>Oma</dc:title><exif:PixelXDimension>48</exif:PixelXDimension>')


def _jpegs(gray: Image.Image, color: Image.Image) -> dict[str, bytes]:
    def segment(marker: int, content: bytes) -> bytes:
        return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, 'big') + content

    little = saved(gray.resize((16, 12)), 'JPEG')
    photoshop = b'Photoshop 3.0\0' + files.resource(0x0404, files.IPTC) + files.resource(0x040C, bytes(28) + little)
    more = b''.join(
        [
            segment(0xE1, b'Exif\0\0' + files.exif_block('>', thumbnail=little)),
            segment(0xE1, b'http://ns.adobe.com/xap/1.0/\0' + _xmp()),
            segment(0xE2, b'ICC_PROFILE\0\1\1' + profile()),
            segment(0xED, photoshop),
            segment(0xFE, 'für Oma'.encode()),
        ]
    )
    plain = saved(gray, 'JPEG', quality=90, dpi=(300, 300))
    long = files.xmp('', f'xmpNote:HasExtendedXMP="{"A" * 32}"')
    piece = b'http://ns.adobe.com/xmp/extension/\0' + b'A' * 32 + len(_xmp()).to_bytes(4, 'big') + bytes(4) + _xmp()
    extended = segment(0xE1, b'http://ns.adobe.com/xap/1.0/\0' + long) + segment(0xE1, piece)
    return {
        'plain.jpg': plain,
        'all.jpg': plain[:20] + more + plain[20:],
        'extended.jpg': plain[:20] + extended + plain[20:],
        'color.jpg': saved(color, 'JPEG', subsampling=2, exif=files.exif_block()),
        'progressive.jpg': saved(color, 'JPEG', progressive=True, restart_marker_blocks=2),
        'cmyk.jpg': saved(color.convert('CMYK'), 'JPEG'),
        'many.mpo': saved(color, 'MPO', save_all=True, append_images=[color.transpose(0)]),
    }


def _pngs(gray: Image.Image, color: Image.Image) -> dict[str, bytes]:
    info = PngImagePlugin.PngInfo()
    info.add_text('Title', 'Großmutter')
    info.add_text('Comment', 'x' * 300, zip=True)
    info.add_itxt('Author', files.UMLAUTS, 'de', 'Urheber')
    info.add_itxt('XML:com.adobe.xmp', _xmp().decode())
    info.add_text('Raw profile type iptc', f'\niptc\n{len(files.IPTC):8}\n{files.IPTC.hex()}\n', zip=True)
    deep = Image.fromarray(np.asarray(gray).astype(np.uint16) * 257)
    gama = files.chunk(b'gAMA', (45455).to_bytes(4, 'big')) + files.chunk(
        b'cHRM', b''.join(each.to_bytes(4, 'big') for each in (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000))
    )
    plain = saved(gray, 'PNG')
    wide = np.random.default_rng(3).integers(0, 256, (36, 1 + 48 * 8), np.uint8)
    wide[:, 0] = 0  # no filter
    head = b''.join(side.to_bytes(4, 'big') for side in SIZE) + bytes([16, 6, 0, 0, 0])
    rgba16 = [(b'IHDR', head), (b'IDAT', zlib.compress(wide.tobytes())), (b'IEND', b'')]
    behind = files.chunk(b'eXIf', files.exif_block()) + files.chunk(b'tIME', bytes([7, 139, 7, 4, 12, 0, 0]))
    return {
        'plain.png': plain,
        'all.png': saved(color, 'PNG', pnginfo=info, icc_profile=profile(), exif=files.exif_block('>'), dpi=(300, 300)),
        'gama.png': plain[:33] + gama + plain[33:-12] + behind + plain[-12:],
        'deep.png': saved(deep, 'PNG'),
        'rgba16.png': plain[:8] + b''.join(files.chunk(*each) for each in rgba16),
        'palette.png': saved(color.quantize(17), 'PNG', transparency=3, bits=8),
        'bits.png': saved(gray.convert('1'), 'PNG'),
        'frames.png': saved(gray, 'PNG', save_all=True, append_images=[gray.transpose(0)]),
    }


def _tiffs(gray: Image.Image, color: Image.Image) -> dict[str, bytes]:
    found = {f'{name}.tif': saved(color, 'TIFF', compression=kind) for name, kind in TIFFS.items()}
    exif = Image.Exif()
    exif[0x010E], exif[0x829A], exif[700], exif[33723] = 'Oma', 1 / 3, _xmp(), files.IPTC
    exif.get_ifd(0x8769)[0x9003] = '1931:07:04 12:00:00'
    exif.get_ifd(0x8825)[1] = 'N'
    found['all.tif'] = saved(color, 'TIFF', exif=exif, icc_profile=profile(), dpi=(300, 300))
    found['fax.tif'] = saved(gray.convert('1'), 'TIFF', compression='group4')
    found['palette.tif'] = saved(color.quantize(17), 'TIFF')
    found['cmyk.tif'] = saved(color.convert('CMYK'), 'TIFF', compression='tiff_lzw')
    found['alpha.tif'] = saved(color.convert('RGBA'), 'TIFF', compression='tiff_lzw')
    with TiffImagePlugin.AppendingTiffWriter(stream := io.BytesIO(), True) as writer:
        for picture in (color, gray):
            picture.save(writer, 'TIFF')
            writer.newFrame()
    found['pages.tif'] = stream.getvalue()
    vips = pyvips.Image.new_from_array(np.asarray(color))
    layouts = {
        'big': {'bigtiff': True, 'compression': 'lzw', 'predictor': 'horizontal'},
        'tiles': {'tile': True, 'tile_width': 16, 'tile_height': 16, 'compression': 'deflate'},
        'pyramid': {'tile': True, 'tile_width': 16, 'tile_height': 16, 'pyramid': True, 'subifd': True},
        'bigjpeg': {'bigtiff': True, 'compression': 'jpeg', 'tile': True, 'tile_width': 16, 'tile_height': 16},
    }
    for name, more in layouts.items():
        found[f'{name}.tif'] = bytes(vips.tiffsave_buffer(**more))
    deep = (vips.cast('ushort') * 257).cast('ushort').copy(interpretation='rgb16')
    found['deep.tif'] = bytes(deep.tiffsave_buffer(compression='deflate', predictor='horizontal'))
    found['turned.tif'] = files.exif_block('>')  # a TIFF without a picture
    return found


def _boxes(color: Image.Image) -> dict[str, bytes]:
    """What consists of boxes and RIFF chunks."""
    said = {'exif': b'Exif\0\0' + files.exif_block(), 'xmp': _xmp(), 'icc_profile': profile()}
    seen = color.convert('RGBA')
    seen.putalpha(128)
    return {
        'plain.avif': saved(color, 'AVIF'),
        'all.avif': saved(seen, 'AVIF', **{**said, 'exif': files.exif_block()}),
        'frames.avif': without_times(saved(color, 'AVIF', save_all=True, append_images=[color.transpose(0)])),
        'lossy.webp': saved(color, 'WEBP', quality=80),
        'lossless.webp': saved(color, 'WEBP', lossless=True),
        'all.webp': saved(seen, 'WEBP', **said),
        'frames.webp': saved(color, 'WEBP', save_all=True, append_images=[color.transpose(0)], duration=100),
        'plain.jp2': saved(color, 'JPEG2000'),
        'codestream.jp2': saved(color.convert('L'), 'JPEG2000', no_jp2=True, irreversible=True),
    }


def _others(gray: Image.Image, color: Image.Image) -> dict[str, bytes]:
    return {
        'plain.gif': saved(color.quantize(17), 'GIF', transparency=3),
        'frames.gif': saved(
            gray, 'GIF', save_all=True, append_images=[gray.transpose(0)], duration=100, comment=b'Oma'
        ),
        'plain.bmp': saved(color, 'BMP'),
        'palette.bmp': saved(color.quantize(17), 'BMP'),
        'plain.pgm': saved(gray, 'PPM'),
        'plain.ppm': saved(color, 'PPM'),
        'deep.pgm': b'P5 48 36 65535\n' + np.asarray(gray).astype('>u2').tobytes(),
        'text.pnm': b'P2 4 3 255\n' + b' '.join(b'%d' % (20 * i) for i in range(12)),
        'float.pnm': b'PF\n4 3\n-1.0\n' + np.linspace(0, 1, 36).astype('<f4').tobytes(),
        'plain.tga': saved(color, 'TGA'),
        'packed.tga': saved(color.convert('RGBA'), 'TGA', compression='tga_rle'),
    }
