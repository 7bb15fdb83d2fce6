"""What a photo file says besides its pixels, and what is added to it: that software made the colours."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyvips
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]
from PIL import ExifTags, Image, TiffImagePlugin, TiffTags

from lumachrome.errors import atomic

PHOTOMETRIC, DNG_VERSION = 262, 50706  # tags of TIFF
LAB = (8, 9, 10)  # values of the first: CIELAB in three spellings

# https://cv.iptc.org/newscodes/digitalsourcetype/
SOURCE_TYPE = 'http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia'
XMP_BYTES = 10_000_000  # of a packet; larger ones are left out

Directory = TiffImagePlugin.ImageFileDirectory_v2

_RDF = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#'
_IPTC = 'http://iptc.org/std/Iptc4xmpExt/2008-02-29/'


def fields(image: pyvips.Image) -> dict[str, tuple[str, Any]]:
    """What a libvips image says that is to be written again: name to (name of the type, value)."""
    kept = re.compile('exif-|iptc-data|xmp-data|png-comment-|image-description|resolution-unit')
    dropped = re.compile('exif-ifd1-|exif-ifd0-Orientation')  # the thumbnail's, and what `read` has carried out
    names = (name for name in image.get_fields() if kept.match(name) and not dropped.match(name))
    found = {name: (pyvips.type_name(image.get_typeof(name)), image.get(name)) for name in names}
    if 'exif-ifd2-ColorSpace' in found:
        found['exif-ifd2-ColorSpace'] = ('gchararray', '1')
    return found


def tiff_directory(path: Path) -> Mapping[int, Any]:
    """The tags of a TIFF file's first directory; {} for other files, and for one that is damaged."""
    try:
        with path.open('rb') as file:
            start = file.read(16)
            if start[:4] not in (b'II*\0', b'MM\0*', b'II+\0', b'MM\0+'):
                return {}
            directory = Directory(start if b'+' in start[:4] else start[:8])
            file.seek(directory.next)
            directory.load(file)
            return dict(directory)
    except Exception:  # Pillow raises what it likes
        return {}


def tiff_tags(path: Path) -> dict[int, Any]:
    """What libvips passes over in a TIFF file, EXIF and place among it: tag to value, a block of tags as a dict."""
    base = ExifTags.Base
    plain = (base.ImageDescription, base.Make, base.Model, base.Software, base.DateTime, base.Artist, base.Copyright)
    try:
        with Image.open(path, formats=['TIFF']) as picture:
            exif = picture.getexif()
            tags = {int(tag): exif[tag] for tag in plain if tag in exif}
            for block in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
                # Numbers and text only: the blocks further down would point to places in the old file.
                values = {tag: value for tag, value in exif.get_ifd(block).items() if not isinstance(value, dict)}
                values.pop(base.ExifInteroperabilityOffset, None)
                if base.ColorSpace in values:
                    values[base.ColorSpace] = 1
                if values:
                    tags[int(block)] = values
            _fill(TiffImagePlugin.ImageFileDirectory_v2(), tags).tobytes()
    except Exception:  # of tags that it cannot read or write Pillow raises what it likes; the photo is good without
        return {}
    return tags


def add_tiff_tags(path: Path, tags: dict[int, Any]) -> None:
    """Put a directory with more tags before the pixels of a TIFF file.

    libvips writes no EXIF into TIFF, and Pillow no 16-bit colour: the pixels are libvips', the directory Pillow's.
    """
    with atomic(path) as whole, path.open('rb') as old, whole.open('wb') as new:
        header = old.read(8)
        directory = TiffImagePlugin.ImageFileDirectory_v2(header)
        old.seek(directory.next)
        directory.load(old)
        _fill(directory, {tag: directory[tag] for tag in directory} | tags)
        # Pillow counts from the end of the directory, where everything after the old header now begins.
        directory[TiffImagePlugin.STRIPOFFSETS] = tuple(
            offset - len(header) for offset in directory[TiffImagePlugin.STRIPOFFSETS]
        )
        new.write(header[:4] + len(header).to_bytes(4, 'little' if header.startswith(b'II') else 'big'))
        new.write(directory.tobytes(offset=len(header)))
        old.seek(len(header))
        shutil.copyfileobj(old, new)


def _fill(directory: Directory, tags: dict[int, Any]) -> Directory:
    for tag, value in tags.items():
        if isinstance(value, dict):
            directory.tagtype[tag] = TiffTags.LONG
        directory[tag] = value
    return directory


def xmp_with_source_type(packet: bytes | None) -> bytes:
    """An XMP packet, the file's own where it has one, that says how the colours came about."""
    description = f'{{{_RDF}}}Description'
    root = _parsed(packet)
    if root is None:
        root = etree.Element('{adobe:ns:meta/}xmpmeta', nsmap={'x': 'adobe:ns:meta/'})
        etree.SubElement(root, f'{{{_RDF}}}RDF', nsmap={'rdf': _RDF})
    tree = next(root.iter(f'{{{_RDF}}}RDF'))
    # The orientation is that of the stored pixels, which are upright now.
    for stale in (f'{{{_IPTC}}}DigitalSourceType', '{http://ns.adobe.com/tiff/1.0/}Orientation'):
        for stated in tree.findall(description):
            stated.attrib.pop(stale, None)
            for old in stated.findall(stale):
                stated.remove(old)
    statement = etree.SubElement(tree, description, {f'{{{_RDF}}}about': ''}, nsmap={'Iptc4xmpExt': _IPTC})
    etree.SubElement(statement, f'{{{_IPTC}}}DigitalSourceType').text = SOURCE_TYPE
    body = etree.tostring(root, encoding='unicode')
    return f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{body}<?xpacket end="w"?>'.encode()


def _parsed(packet: bytes | None) -> Any:
    """An XMP packet as a tree with an RDF in it; None if there is none, or no program could read it."""
    if not packet or len(packet) > XMP_BYTES:
        return None
    try:
        # Nothing that it names is fetched or filled in.
        parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_pis=True)
        root = etree.fromstring(packet.strip(b'\0 \r\n\t'), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    return root if next(root.iter(f'{{{_RDF}}}RDF'), None) is not None else None
