"""XMP of any size: what it said stays, beside the statement on the colours."""

import hashlib
import struct

import pytest
from files import again, jpeg, packets, xmp
from lxml import etree
from PIL import Image

from lumachrome import metadata, photofile


@pytest.mark.parametrize('length', [65_000, 65_200, 65_502, 66_000, 400_000])
@pytest.mark.parametrize('attribute', [True, False])
def test_large_xmp_goes_into_an_extended_packet_of_jpeg(length, attribute, gray, tmp_path):
    large = 'ü' * (length // 2)
    packet = (
        xmp('<dc:title>Oma</dc:title>', f'dc:source="{large}"')
        if attribute
        else xmp(f'<dc:title>Oma</dc:title><dc:source>{large}</dc:source>')
    )
    path = tmp_path / 'photo.webp'  # which bounds no packet
    Image.fromarray(gray).save(path, xmp=packet)
    photo = photofile.read(path)
    photo.format = 'jpeg'
    photofile.write(tmp_path / 'out.jpg', photo.pixels, photo)
    main, extended = packets(tmp_path / 'out.jpg')
    assert metadata.SOURCE_TYPE.encode() in main and b'Oma' in main
    assert (large.encode() in extended) == (
        b'HasExtendedXMP="' + hashlib.md5(extended).hexdigest().upper().encode() in main
    )
    assert len(main) <= 65_502
    photo, out = again(tmp_path / 'out.jpg')  # and is read again, and written again
    whole = photo.said.fields['xmp-data'][1]
    assert large in etree.fromstring(whole).xpath('string(.)') + ''.join(
        etree.fromstring(whole).xpath('//@*[local-name()="source"]')
    )
    main, extended = packets(out)
    assert large.encode() in main + extended and main.count(b'HasExtendedXMP') <= 1
    assert main.count(metadata.SOURCE_TYPE.encode()) == 1 and metadata.SOURCE_TYPE.encode() not in extended


def test_xmp_that_cannot_be_split_leaves_the_statement_alone_in_the_main_packet():
    names = ' '.join(f'xmlns:p{i}="http://example.org/{i}"' for i in range(3000))
    packet = metadata.xmp_with_source_type(xmp('', names))
    main, *rest = metadata.xmp_segments(packet)
    assert len(packet) > 65_502 > len(main) and metadata.SOURCE_TYPE.encode() in main
    assert b'p2999' in b''.join(rest)


def test_an_extended_packet_with_a_gap_is_said_to_be_lost(gray, tmp_path):
    digest = b'A' * 32
    main = b'http://ns.adobe.com/xap/1.0/\0' + xmp(
        '<dc:title>Oma</dc:title>', f'xmpNote:HasExtendedXMP="{digest.decode()}"'
    )
    start = b'http://ns.adobe.com/xmp/extension/\0' + digest
    more = xmp('<dc:source>album</dc:source>')
    pieces = [
        (0xE1, start + struct.pack('>LL', len(more), at) + more[at : at + 100]) for at in range(0, len(more), 100)
    ]
    photo, out = again(jpeg(tmp_path / 'photo.jpg', gray, (0xE1, main), *pieces[::-1]))  # in any order
    assert b'album' in packets(out)[0] and photo.note == ''
    photo, out = again(jpeg(tmp_path / 'gap.jpg', gray, (0xE1, main), pieces[0], *pieces[2:]))
    assert 'a part of XMP' in photo.note and b'Oma' in packets(out)[0] and b'HasExtended' not in packets(out)[0]


def test_what_the_new_pixels_make_untrue_is_gone_from_xmp(gray, tmp_path):
    packet = xmp('<exif:PixelXDimension>45</exif:PixelXDimension><dc:title>Oma</dc:title>', 'exif:ColorSpace="65535"')
    text = metadata.xmp_with_source_type(packet)
    assert b'PixelXDimension' not in text and b'65535' not in text and b'Oma' in text


def test_xmp_with_a_document_type_is_left_out():
    packet = b'<!DOCTYPE x [<!ENTITY a "b">]>' + xmp('<dc:title>&a;</dc:title>')
    etree.fromstring(metadata.xmp_with_source_type(packet))  # which without the type would have no meaning
