"""Photo files made byte by byte, with all that they can say besides their pixels; and what a written one says."""

import hashlib
import io
import struct
import zlib

from PIL import Image

from lumachrome import containers, photofile

UMLAUTS = 'Großmutter in Zürich, 1931 – 祖母'
IPTC = b'\x1c\x01\x5a\x00\x03\x1b%G' + b'\x1c\x02\x19\x00\x06family' + b'\x1c\x02\x5a\x00\x07Z\xc3\xbcrich'
RDF = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#'


def again(path, suffix=None):
    """What a photo becomes: read, and written in another place."""
    photo = photofile.read(path)
    out = path.with_name(f'out{suffix or photo.suffix}')
    photofile.write(out, photo.pixels, photo)
    return photo, out


def chunk(kind, content):
    return len(content).to_bytes(4, 'big') + kind + content + zlib.crc32(kind + content).to_bytes(4, 'big')


def png(path, gray, *chunks, late=()):
    """A PNG with chunks before its pixels, and behind them."""
    stream = io.BytesIO()
    Image.fromarray(gray).save(stream, 'PNG')
    content = stream.getvalue()
    path.write_bytes(content[:33] + b''.join(chunks) + content[33:-12] + b''.join(late) + content[-12:])
    return path


def resource(number, content):
    return (
        b'8BIM'
        + number.to_bytes(2, 'big')
        + b'\0\0'
        + len(content).to_bytes(4, 'big')
        + content
        + bytes(len(content) % 2)
    )


def jpeg(path, gray, *segments, **saved):
    """A JPEG with segments, each a marker and its content, behind the first."""
    stream = io.BytesIO()
    Image.fromarray(gray).save(stream, 'JPEG', quality=95, **saved)
    content = stream.getvalue()
    more = b''.join(bytes([0xFF, marker]) + (len(each) + 2).to_bytes(2, 'big') + each for marker, each in segments)
    path.write_bytes(content[:20] + more + content[20:])
    return path


def exif_block(order='<', resolution=(72, 1), unit=2, turned=6, thumbnail=b''):
    """EXIF in either order of bytes: texts, a rating, size, place, and things that few programs know."""
    wide = 'utf-16-le'
    kinds = {'ascii': 2, 'byte': 1, 'short': 3, 'long': 4, 'rational': 5, 'undefined': 7}

    def packed(kind, value):
        if kind in ('short', 'long'):
            return 1, struct.pack(order + {'short': 'H', 'long': 'L'}[kind], value)
        if kind == 'rational':
            return 1, struct.pack(order + 'LL', *value)
        return len(value), value

    def directory(rows, at, following=0):
        head, values = struct.pack(order + 'H', len(rows)), b''
        for tag, kind, value in rows:
            count, data = packed(kind, value)
            place = at + 2 + 12 * len(rows) + 4 + len(values)
            head += struct.pack(order + 'HHL', tag, kinds[kind], count)
            head += data.ljust(4, b'\0') if len(data) <= 4 else struct.pack(order + 'L', place)
            values += data + bytes(len(data) % 2) if len(data) > 4 else b''
        return head + struct.pack(order + 'L', following) + values

    below = [
        (0x9003, 'ascii', b'1931:07:04 12:00:00\0'),
        (0x927C, 'undefined', b'maker: \xff\xd8 \x00\x01'),
        (0x9286, 'undefined', b'UNICODE\0' + 'für Oma'.encode('utf-16-be' if order == '>' else wide)),
        (0xA001, 'short', 65535),
        (0xA002, 'short', 45),
        (0xA003, 'long', 31),
    ]
    place = [(1, 'ascii', b'N\0')]

    def whole(exif_at, gps_at, thumbnail_at):
        rows = [
            (0x010E, 'ascii', UMLAUTS.encode() + b'\0'),
            (0x010F, 'ascii', b'Acme\0'),
            *([(0x0112, 'short', turned)] if turned else []),
            (0x011A, 'rational', resolution),
            (0x011B, 'rational', resolution),
            (0x0128, 'short', unit),
            (0x4746, 'short', 4),
            (0x4749, 'short', 75),
            (0x8769, 'long', exif_at),
            (0x8825, 'long', gps_at),
            (0x9C9B, 'byte', 'Titel äöü\0'.encode(wide)),
            (0xC6D3, 'undefined', b'private'),
        ]
        return directory(rows, 8, thumbnail_at)

    start = len(whole(0, 0, 0)) + 8
    middle, last = directory(below, start), directory(place, start + len(directory(below, start)))
    end = start + len(middle) + len(last)
    first = whole(start, start + len(middle), end if thumbnail else 0)
    little = directory([(0x0201, 'long', end + 30), (0x0202, 'long', len(thumbnail))], end)
    head = struct.pack(order + '2sHL', b'II' if order == '<' else b'MM', 42, 8)
    return head + first + middle + last + (little + thumbnail if thumbnail else b'')


def found_exif(path):
    """EXIF as Pillow reads it, texts as the bytes that they are."""
    with Image.open(path) as picture:
        read = picture.getexif()
        tags = {**read, **read.get_ifd(0x8769), 'place': read.get_ifd(0x8825)}
    return {tag: value.encode('latin-1') if isinstance(value, str) else value for tag, value in tags.items()}


def xmp(properties, attributes=''):
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about=""'
        f' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:exif="http://ns.adobe.com/exif/1.0/"'
        f' xmlns:xmpNote="http://ns.adobe.com/xmp/note/" {attributes}>{properties}'
        '</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def packets(path):
    """A JPEG's main packet, and its extended one, as its segments say that it is put together."""
    segments = [content for name, content in containers.parts(path) if name == 'APP1']
    (main,) = [each[29:] for each in segments if each.startswith(b'http://ns.adobe.com/xap/1.0/\0')]
    extension = [each[35:] for each in segments if each.startswith(b'http://ns.adobe.com/xmp/extension/\0')]
    content = b''.join(each[40:] for each in extension)
    at = 0
    for each in extension:
        assert each[:32] == hashlib.md5(content).hexdigest().upper().encode()
        assert each[32:40] == struct.pack('>LL', len(content), at)
        at += len(each) - 40
    return main, content
