"""What a photo file says besides its pixels, and what is added to it: that software made the colours."""

import contextlib
import hashlib
import io
import math
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyvips
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from lumachrome import containers, exif
from lumachrome.containers import Part
from lumachrome.exif import Resolution, Tags

# https://cv.iptc.org/newscodes/digitalsourcetype/
SOURCE_TYPE = 'http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia'
XMP_BYTES = 10_000_000  # of a packet; larger ones are left out

VipsImage = Any  # a pyvips.Image; its annotations know neither bytes nor names of formats
Fields = dict[str, tuple[str, Any]]  # of a libvips image: name to (name of the type, value)

_TEXTS = ('tEXt', 'zTXt', 'iTXt')
_MOST_TEXTS = 900  # libpng reads no more than a thousand chunks
# Copies of what is written anew: XMP, profiles, and, where there is EXIF, that as ImageMagick puts it into PNG.
_COPIES = re.compile(rb'XML:com\.adobe\.xmp\0|Raw profile type (?:xmp|icc|icm)\0')
_COPIES_OF_EXIF = re.compile(rb'Raw profile type (?:exif|APP1)\0')

_RDF = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#'
_IPTC = 'http://iptc.org/std/Iptc4xmpExt/2008-02-29/'
_DESCRIPTION = f'{{{_RDF}}}Description'
_NOTE = 'http://ns.adobe.com/xmp/note/'
_TIFF, _EXIF, _XAP = 'http://ns.adobe.com/tiff/1.0/', 'http://ns.adobe.com/exif/1.0/', 'http://ns.adobe.com/xap/1.0/'
# What the new pixels make untrue: they are upright, in colour, in sRGB; size and density stand where the pixels do.
_STALE = (
    *(f'{{{_TIFF}}}{name}' for name in ('Orientation', 'ImageWidth', 'ImageLength')),
    *(f'{{{_TIFF}}}{name}' for name in ('XResolution', 'YResolution', 'ResolutionUnit')),
    *(f'{{{_EXIF}}}{name}' for name in ('PixelXDimension', 'PixelYDimension', 'ColorSpace')),
    f'{{{_XAP}}}Thumbnails',
    f'{{{_IPTC}}}DigitalSourceType',
    f'{{{_NOTE}}}HasExtendedXMP',
)

# Adobe, XMP Specification Part 3, Storage in Files (2020), section 1.1.3
_XMP_START = b'http://ns.adobe.com/xap/1.0/\0'
_EXTENSION_START = b'http://ns.adobe.com/xmp/extension/\0'
_PNG_XMP_START = b'XML:com.adobe.xmp\0\0\0\0\0'  # neither compressed nor in a language
_EXTENSION_BYTES = 65_400  # of an extended packet in a segment
_PHOTOSHOP_START = b'Photoshop 3.0\0'


@dataclass
class Said:
    """What a photo file said besides its pixels, as it is to be written again.

    Attributes
    ----------
    fields : dict
        libvips' fields: EXIF and XMP as bytes, and EXIF as text for who wants to look.
    tiff_tags : dict
        Of a TIFF file, as `exif.tiff_tags` reads them.
    parts : list
        Texts of a PNG, comments and Photoshop's blocks of a JPEG (IPTC lies there).
    resolution : tuple of float, or None
        Pixels per millimetre, across and down; None where the file does not say.
    lost : list of str
        What could not be kept, in words for people.
    """

    fields: Fields = field(default_factory=dict[str, tuple[str, Any]])
    tiff_tags: Tags = field(default_factory=dict[int, Any])
    parts: list[Part] = field(default_factory=list[Part])
    resolution: Resolution | None = None
    lost: list[str] = field(default_factory=list[str])


def read(path: Path, image: VipsImage, target: str, parts: list[Part], turned: bool, page: int = 0) -> Said:
    """Read what a photo file says besides its pixels; whatever cannot be read is left out.

    Parameters
    ----------
    path : Path
    image : pyvips.Image
        The photo, upright.
    target : str
        The format that will be written.
    parts : list
        The file's `containers.parts`.
    turned : bool
        Whether it lay on its side, so that across and down have changed places.
    page : int
        Which picture of a TIFF file.
    """
    fields, readable = _fields(image)
    said = Said(fields, lost=[] if readable or parts else ['names that are no text'])  # parts hold names as bytes
    block = said.fields.pop('exif-data', ('', b''))[1].removeprefix(b'Exif\0\0')
    said.resolution = _resolution(path, target, image, block, parts, turned, page)
    most = {'jpeg': containers.SEGMENT_BYTES - 6, 'avif': containers.SEGMENT_BYTES}.get(target, exif.LARGEST)
    if len(block) > most:
        said.lost.append('EXIF, which is too large')
    elif block:
        try:
            block = exif.renewed(block, image.width, image.height, said.resolution)
            said.fields['exif-data'] = ('VipsBlob', block)
        except ValueError:
            said.lost.append('EXIF, which is damaged')
    if target == 'tiff':
        said.tiff_tags, whole = exif.tiff_tags(path, image.width, image.height, page)
        said.lost += [] if whole else ['tags that cannot be read, or may be places in the old file']
    _take_parts(said, target, parts)
    packet = said.fields.get('xmp-data', ('', b''))[1]
    if packet and _parsed(packet) is None:
        said.lost.append('XMP, which is damaged or too large')
    return said


def completed(image: VipsImage, parts: list[Part]) -> VipsImage:
    """A PNG's image with the EXIF and XMP behind its pixels, where libvips does not look."""
    image = image.copy()
    block = next((content for name, content in parts if name == 'eXIf'), b'')
    if block and not image.get_typeof('exif-data'):
        image.set_type(pyvips.GValue.blob_type, 'exif-data', block)
        image.set_type(pyvips.GValue.gint_type, 'orientation', exif.orientation(block))
    for name, content in parts:
        if name == 'iTXt' and content.startswith(_PNG_XMP_START[:18]) and not image.get_typeof('xmp-data'):
            packet = content[20:].split(b'\0', 2)[-1]
            if content[18:19] == b'\1':
                try:
                    packet = zlib.decompressobj().decompress(packet, XMP_BYTES + 1)
                except zlib.error:
                    packet = b''
            image.set_type(pyvips.GValue.blob_type, 'xmp-data', packet)
    return image


def _resolution(
    path: Path, target: str, image: VipsImage, block: bytes, parts: list[Part], turned: bool, page: int
) -> Resolution | None:
    """What the container says of its pixels goes before what EXIF does."""
    stated = None
    if target == 'tiff':
        with contextlib.suppress(OSError), path.open('rb') as file:
            stated = exif.resolution(file, page)
    else:
        stated = containers.resolution(parts) or exif.resolution(io.BytesIO(block))
        if not stated and not parts and image.xres != 1 and image.yres != 1:
            stated = image.xres, image.yres
    if not stated or not all(math.isfinite(side) and 1e-3 <= side <= 1e5 for side in stated):
        return None
    return (stated[1], stated[0]) if turned else stated


def _fields(image: VipsImage) -> tuple[Fields, bool]:
    """EXIF and XMP of a libvips image as far as libvips' text can be read, and whether all names of fields can."""
    fields: Fields = {}
    try:
        names, readable = [name for name in image.get_fields() if re.match('exif-ifd[^1]|resolution-unit', name)], True
    except UnicodeError:
        names, readable = [], False
    for name in (*names, 'exif-data', 'xmp-data'):
        if image.get_typeof(name):
            with contextlib.suppress(UnicodeError):  # of EXIF as text, which the bytes hold too
                fields[name] = (pyvips.type_name(image.get_typeof(name)), image.get(name))
    return fields, readable


def _take_parts(said: Said, target: str, parts: list[Part]) -> None:
    """Texts of a PNG; comments, Photoshop's blocks and extended XMP of a JPEG."""
    if target == 'png':
        texts = [part for part in parts if part[0] in _TEXTS and not _COPIES.match(part[1])]
        if 'exif-data' in said.fields:
            texts = [part for part in texts if not _COPIES_OF_EXIF.match(part[1])]
        sound = [part for part in texts if 1 <= part[1].find(b'\0') <= 79][:_MOST_TEXTS]
        said.lost += [] if len(sound) == len(texts) else ['texts that are damaged or too large']
        said.parts = sound
    if target == 'jpeg':
        said.parts = [part for part in parts if part[0] == 'COM']
        photoshop = [content for name, content in parts if name == 'APP13' and content.startswith(_PHOTOSHOP_START)]
        # Resources that are too large for a segment go on in the next one.
        joined = b''.join(content.removeprefix(_PHOTOSHOP_START) for content in photoshop)
        resources, whole = exif.without_pictures(joined)
        said.lost += [] if whole else ['blocks of Photoshop, which are damaged']
        room = containers.SEGMENT_BYTES - len(_PHOTOSHOP_START)
        said.parts += [('APP13', _PHOTOSHOP_START + resources[i : i + room]) for i in range(0, len(resources), room)]
        if 'xmp-data' in said.fields:
            kind, packet = said.fields['xmp-data']
            extended, whole = _extended(packet, (content for name, content in parts if name == 'APP1'))
            said.fields['xmp-data'] = kind, extended
            said.lost += [] if whole else ['a part of XMP, which is damaged or too large']


def _extended(packet: bytes, segments: Iterable[bytes]) -> tuple[bytes, bool]:
    """A JPEG's XMP with the properties of its extended packet, and whether that is all of it."""
    root = _parsed(packet)
    if root is None:
        return packet, True
    name = f'{{{_NOTE}}}HasExtendedXMP'
    stated = [*root.iter(name), *(each for each in root.iter() if each.get(name))]
    if not stated:
        return packet, True
    digest = (stated[0].get(name) or stated[0].text or '').strip().encode('ascii', 'replace')
    start = _EXTENSION_START + digest
    pieces = sorted(
        (int.from_bytes(each[len(start) + 4 : len(start) + 8], 'big'), each[len(start) + 8 :])
        for each in set(segments)
        if each.startswith(start) and len(digest) == 32
    )
    content = b''
    for at, piece in pieces:
        content += piece if at == len(content) and len(content) <= XMP_BYTES else b''
    more = _parsed(content)
    if more is None:
        return packet, False
    tree = next(root.iter(f'{{{_RDF}}}RDF'))
    tree.extend(list(next(more.iter(f'{{{_RDF}}}RDF'))))
    return etree.tostring(root), True


def for_libvips(format: str, said: Said) -> Fields:
    """The fields that libvips itself is to write.

    These are XMP, except into JPEG, where it bounds its length, and PNG, where it takes it for Latin-1; and what makes
    room for AVIF's EXIF.
    """
    fields: Fields = {}
    if format not in ('jpeg', 'png'):
        fields['xmp-data'] = ('VipsBlob', xmp(said))
    if 'resolution-unit' in said.fields:
        fields['resolution-unit'] = said.fields['resolution-unit']
    if format == 'avif' and (block := said.fields.get('exif-data', ('', b''))[1]):
        fields['exif-ifd0-ImageDescription'] = ('VipsRefString', containers.avif_placeholder(block))
    return fields


def xmp(said: Said) -> bytes:
    """The XMP packet to be written."""
    return xmp_with_source_type(said.fields.get('xmp-data', (None, None))[1])


def write(path: Path, format: str, said: Said) -> None:
    """Put into a file that libvips wrote what it cannot write itself, or garbles.

    Parameters
    ----------
    path : Path
        The file, of an image with the fields of `for_libvips`.
    format : str
        A key of `photofile.SUFFIXES`.
    said : Said
    """
    block = said.fields.get('exif-data', ('', b''))[1]
    if format == 'jpeg':
        segments = [containers.jfif(said.resolution)]
        segments += [('APP1', b'Exif\0\0' + block)] if block else []
        segments += [('APP1', content) for content in xmp_segments(xmp(said))]
        containers.add_to_jpeg(path, segments + said.parts)
    elif format == 'png':
        chunks = [('iTXt', _PNG_XMP_START + xmp(said))]
        chunks += [('eXIf', block)] if block else []
        containers.add_to_png(path, chunks + said.parts)
    elif format == 'tiff' and said.tiff_tags:
        exif.add_tags(path, said.tiff_tags)
    elif format == 'webp' and block:
        containers.add_to_webp(path, block)
    elif format == 'avif' and block:
        containers.add_to_avif(path, block)


def xmp_with_source_type(packet: bytes | None) -> bytes:
    """An XMP packet, the file's own where it has one, that says how the colours came about."""
    root = _parsed(packet)
    if root is None:
        root = _empty()
    tree = next(root.iter(f'{{{_RDF}}}RDF'))
    for stated in tree.findall(_DESCRIPTION):
        for stale in _STALE:
            stated.attrib.pop(stale, None)
            for old in stated.findall(stale):
                stated.remove(old)
    _state_source_type(tree)
    return _written(root)


def xmp_segments(packet: bytes) -> list[bytes]:
    """An XMP packet as contents of a JPEG's APP1 segments.

    What is too large for one goes, the largest properties first, into an extended packet; the statement on the colours
    stays in the main one, which is all that many programs read.
    """
    most = containers.SEGMENT_BYTES - len(_XMP_START)
    if len(packet) <= most:
        return [_XMP_START + packet]
    most -= len(f' {_NOTE} HasExtendedXMP ') + 100  # for the name of the extended packet
    # It was made of one within the bound, and may be longer by the statement.
    main, rest = _parsed(packet, 2 * XMP_BYTES), _empty()
    moved = next(rest.iter(f'{{{_RDF}}}RDF'))
    size = len(packet)
    for length, stated, name in sorted(_properties(main), key=lambda each: each[0], reverse=True):
        if size <= most:
            break
        about = {f'{{{_RDF}}}about': stated.get(f'{{{_RDF}}}about', '')}
        place = etree.SubElement(moved, _DESCRIPTION, about, nsmap=stated.nsmap)
        if isinstance(name, str):
            place.set(name, stated.attrib.pop(name))
        else:
            place.append(name)  # which takes it out of the main packet
        size -= length
    if size > most or len(_written(main)) > most:  # such as of names alone
        main, rest = _empty(), _parsed(packet, 2 * XMP_BYTES)
        _state_source_type(next(main.iter(f'{{{_RDF}}}RDF')))
    extended = etree.tostring(rest, encoding='utf-8')
    digest = hashlib.md5(extended, usedforsecurity=False).hexdigest().upper()
    tree = next(main.iter(f'{{{_RDF}}}RDF'))
    about = {f'{{{_RDF}}}about': '', f'{{{_NOTE}}}HasExtendedXMP': digest}
    etree.SubElement(tree, _DESCRIPTION, about, nsmap={'xmpNote': _NOTE})
    start = _EXTENSION_START + digest.encode() + len(extended).to_bytes(4, 'big')
    return [_XMP_START + _written(main)] + [
        start + at.to_bytes(4, 'big') + extended[at : at + _EXTENSION_BYTES]
        for at in range(0, len(extended), _EXTENSION_BYTES)
    ]


def _properties(root: Any) -> list[tuple[int, Any, Any]]:
    """The properties of an XMP packet but the statement on the colours: bytes, Description, attribute or element."""
    found: list[tuple[int, Any, Any]] = []
    for stated in next(root.iter(f'{{{_RDF}}}RDF')).findall(_DESCRIPTION):
        attributes = [(name, value) for name, value in stated.attrib.items() if not name.startswith(f'{{{_RDF}}}')]
        found += [(len(name) + len(value.encode()), stated, name) for name, value in attributes]
        elements = [each for each in stated if each.tag != f'{{{_IPTC}}}DigitalSourceType']
        found += [(len(etree.tostring(each, encoding='utf-8')), stated, each) for each in elements]
    return found


def _empty() -> Any:
    root = etree.Element('{adobe:ns:meta/}xmpmeta', nsmap={'x': 'adobe:ns:meta/'})
    etree.SubElement(root, f'{{{_RDF}}}RDF', nsmap={'rdf': _RDF})
    return root


def _state_source_type(tree: Any) -> None:
    statement = etree.SubElement(tree, _DESCRIPTION, {f'{{{_RDF}}}about': ''}, nsmap={'Iptc4xmpExt': _IPTC})
    etree.SubElement(statement, f'{{{_IPTC}}}DigitalSourceType').text = SOURCE_TYPE


def _written(root: Any) -> bytes:
    body = etree.tostring(root, encoding='unicode')
    return f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{body}<?xpacket end="w"?>'.encode()


def _parsed(packet: bytes | None, most: int = XMP_BYTES) -> Any:
    """An XMP packet as a tree with an RDF in it; None if there is none, or no program could read it."""
    if not packet or len(packet) > most:
        return None
    try:
        # Nothing that it names is fetched or filled in.
        parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_pis=True)
        root = etree.fromstring(packet.strip(b'\0 \r\n\t'), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    # What refers to names of a document type would be left without them.
    if root.getroottree().docinfo.internalDTD is not None:
        return None
    return root if next(root.iter(f'{{{_RDF}}}RDF'), None) is not None else None
