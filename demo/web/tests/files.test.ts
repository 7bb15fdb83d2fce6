/** What a file says besides its pixels, and PNGs: written, and read by libraries that others keep. */

import { downloadZip } from 'client-zip';
import { decode } from 'fast-png';
import { describe, expect, test } from 'vitest';

import { type Photo, row } from '../src/engine/photo';
import { ascii, type Bytes, joined, says, view } from '../src/files/bytes';
import { decode as decodePhoto, kindOf } from '../src/files/decode';
import { named } from '../src/files/encode';
import { renewed } from '../src/files/exif';
import * as jpeg from '../src/files/jpeg';
import * as png from '../src/files/png';
import * as webp from '../src/files/webp';
import { withStatement } from '../src/files/xmp';
import { fromFiles } from '../src/page/sources';

const text = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes);
const STATED = 'compositeWithTrainedAlgorithmicMedia';

/** EXIF with an orientation and a second directory, the thumbnail's. */
const exif = (): Bytes =>
  joined([
    ascii('II*\0\x08\0\0\0\x01\0'),
    ascii('\x12\x01\x03\0\x01\0\0\0\x06\0\0\0'),
    ascii('\x1a\0\0\0'),
    new Uint8Array(6),
  ]);
const segment = (marker: number, content: Uint8Array): Bytes =>
  joined([Uint8Array.of(0xff, marker, (content.length + 2) >> 8, (content.length + 2) & 255), content]);
const bare = (...segments: Uint8Array[]): Bytes =>
  joined([ascii('\xff\xd8'), ...segments, ascii('\xff\xda\0\x02rest')]);

test('a file that is a camera\'s by its name is no photo, nor is it in a ZIP', async () => {
  const tiff = new File([ascii('II*\0')], 'IMG_1.NEF');
  const zip = new File([await downloadZip([{ name: 'roll 7/IMG_2.NEF', input: tiff }]).blob()], 'photos.zip');
  const packed = await Promise.all((await fromFiles([zip])).map((source) => source.read()));
  expect(packed).toHaveLength(1);
  for (const file of [tiff, ...packed])
    await expect(decodePhoto(file)).rejects.toMatchObject({ name: 'PhotoError', message: 'file_raw' });
});

describe('EXIF', () => {
  test('is upright, and without its thumbnail', () => {
    const block = exif();
    expect(renewed(block, 4, 2)).toBe(true);
    expect([block[18], block[22]]).toEqual([1, 0]);
  });

  test.each([true, false])('is of the new size and in sRGB: little-endian %s', (little) => {
    const fields = (bytes: Uint8Array, at: number) => (tag: number, value: number, kind = 3) => {
      const data = view(bytes);
      data.setUint16(at, tag, little);
      data.setUint16(at + 2, kind, little);
      data.setUint32(at + 4, 1, little);
      if (kind === 3) data.setUint16(at + 8, value, little);
      else data.setUint32(at + 8, value, little);
    };
    const block = (width: number, height: number, space: number, kind = 3): Bytes => {
      const bytes = joined([ascii(little ? 'II*\0' : 'MM\0*'), new Uint8Array(76)]);
      view(bytes).setUint32(4, 8, little);
      view(bytes).setUint16(8, 2, little);
      fields(bytes, 10)(0x0101, height);
      fields(bytes, 22)(0x8769, 38, 4);
      view(bytes).setUint16(38, 3, little);
      fields(bytes, 40)(0xa001, space);
      fields(bytes, 52)(0xa002, width, kind);
      fields(bytes, 64)(0xa003, height);
      return bytes;
    };
    const old = block(640, 480, 65535);
    expect(renewed(old, 70_000, 800)).toBe(true);
    expect(old).toEqual(block(70_000, 800, 1, 4));
  });

  test('that is damaged is left out', () => {
    expect(renewed(ascii('II*\0\xff\xff\0\0 nothing'), 4, 2)).toBe(false);
    expect(renewed(new Uint8Array(), 4, 2)).toBe(false);
  });
});

describe('JPEG', () => {
  const xmp = ascii(
    'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><rdf:RDF><rdf:Description tiff:Orientation="6" dc:title="A"/></rdf:RDF></x:xmpmeta>',
  );
  const old = bare(
    segment(0xe1, joined([ascii('Exif\0\0'), exif()])),
    segment(0xe1, xmp),
    segment(0xe2, ascii('ICC_PROFILE')),
    segment(0xed, ascii('Photoshop 3.0\0IPTC')),
    segment(0xfe, ascii('a comment')),
  );

  test('keeps all but its profile, is upright and states how the colours came about', () => {
    const out = jpeg.withMetadata(bare(segment(0xe0, ascii('JFIF\0')), segment(0xdb, new Uint8Array(65))), old);
    for (const kept of ['Photoshop 3.0\0IPTC', 'a comment', 'dc:title="A"', STATED, 'rest'])
      expect(text(out)).toContain(kept);
    for (const gone of ['ICC_PROFILE', 'Orientation="6"']) expect(text(out)).not.toContain(gone);
    const { segments, rest } = jpeg.parse(out);
    expect(segments.map(({ marker }) => marker)).toEqual([0xe0, 0xe1, 0xe1, 0xed, 0xfe, 0xdb]);
    expect(says(rest, 0, '\xff\xda')).toBe(true);
  });

  test('without anything said gets the statement alone', () => {
    expect(text(jpeg.withMetadata(bare(), null))).toContain(STATED);
  });

  test.each([50, 75, 90, 100])('of quality %i is known by its table', (quality) => {
    const scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
    // libjpeg's table for luminance.
    const base = [
      16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29,
      51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120,
      101, 72, 92, 95, 98, 112, 100, 103, 99,
    ];
    const table = base.map((value) => Math.max(1, Math.min(255, Math.floor((value * scale + 50) / 100))));
    expect(jpeg.quality(bare(segment(0xdb, Uint8Array.of(0, ...table))))).toBeCloseTo(quality, -0.5);
  });
});

describe('PNG', () => {
  async function* bands(photo: Photo, rows: number): AsyncGenerator<[number, Photo['pixels']]> {
    for (let y = 0; y < photo.height; y += rows) {
      yield [y, photo.pixels.subarray(y * photo.width * 3, (y + rows) * photo.width * 3) as Photo['pixels']];
    }
  }
  const random = (length: number, most: number): number[] =>
    Array.from({ length }, (_, i) => (i * 7919 * (i + 13)) % (most + 1));

  test.each([
    [8, false],
    [8, true],
    [16, false],
    [16, true],
  ])('of %i bits, transparent: %s, is read as it was written', async (depth, isTransparent) => {
    const make = depth === 16 ? Uint16Array : Uint8Array;
    const most = 2 ** depth - 1;
    const pixels = make.from(random(7 * 5 * 3, most));
    const alpha = isTransparent ? make.from(random(35, most)) : null;
    const photo: Photo = { width: 7, height: 5, pixels, alpha, format: 'png', notes: [] };
    const file = await png.encode(photo, bands(photo, 2));
    const found = decode(png.withMetadata(file, null));
    expect([found.width, found.height, found.depth, found.channels]).toEqual([7, 5, depth, isTransparent ? 4 : 3]);
    const step = found.channels;
    for (let k = 0; k < 35; k++) {
      expect([...found.data.slice(k * step, k * step + 3)]).toEqual([...pixels.slice(3 * k, 3 * k + 3)]);
      if (alpha) expect(found.data[k * step + 3]).toBe(alpha[k]);
    }
  });

  test('keeps its texts, and its EXIF upright', async () => {
    const photo: Photo = { width: 1, height: 1, pixels: new Uint8Array(3), alpha: null, format: 'png', notes: [] };
    const plain = await png.encode(photo, bands(photo, 1));
    const named = (name: string, content: Uint8Array): Bytes =>
      joined([new Uint8Array([0, 0, 0, content.length]), ascii(name), content, new Uint8Array(4)]);
    const old = joined([
      plain.subarray(0, 33),
      named('tEXt', ascii('Author\0me')),
      named('iCCP', ascii('no')),
      named('eXIf', exif()),
      plain.subarray(33),
    ]);
    const out = [...png.chunks(png.withMetadata(plain, old))];
    expect(out.map(({ name }) => name)).toEqual(['IHDR', 'sRGB', 'tEXt', 'eXIf', 'iTXt', 'IDAT', 'IEND']);
    expect(out[3].content[18]).toBe(1);
    expect(text(out[4].content)).toContain(STATED);
  });
});

test('a WebP gets what its file said in the extended form', () => {
  const vp8l = ascii('RIFF\0\0\0\0WEBPVP8L\x05\0\0\0\x2f\x03\x40\0\0\0');
  const first = webp.withMetadata(vp8l, null);
  const second = webp.withMetadata(vp8l, first);
  for (const out of [first, second]) {
    expect([...webp.chunks(out)].map(({ name }) => name)).toEqual(['VP8X', 'VP8L', 'XMP ']);
    expect(webp.header(out)).toEqual({ width: 4, height: 2, hasAlpha: false });
    expect(text(out).split(STATED).length).toBe(2); // once
  }
});

test('XMP keeps what the new pixels leave true', () => {
  const stale = ['Orientation', 'ImageWidth', 'ImageLength', 'XResolution', 'YResolution', 'ResolutionUnit']
    .map((name) => `tiff:${name}`)
    .concat(['PixelXDimension', 'PixelYDimension', 'ColorSpace'].map((name) => `exif:${name}`));
  const elements = stale.map((name) => `<${name}>7</${name}>`).join('');
  const attributes = stale.map((name) => `${name}="7"`).join(' ');
  const start = '<x:xmpmeta><rdf:RDF>';
  const said = `<rdf:Description ${attributes} xmp:Rating="5"/><rdf:Description>${elements}<dc:title>7</dc:title>`;
  const out = text(withStatement(ascii(`${start}${said}</rdf:Description></rdf:RDF></x:xmpmeta>`)));
  expect(out).toContain('<rdf:Description xmp:Rating="5"/><rdf:Description><dc:title>7</dc:title></rdf:Description>');
});

test('XMP of which nothing can be made is left out', () => {
  expect(text(withStatement(ascii('<!DOCTYPE x><rdf:RDF>secret</rdf:RDF>')))).not.toContain('secret');
  expect(text(withStatement(ascii('no packet')))).toContain(STATED);
});

test('kinds are known by what files begin with', () => {
  const kinds = {
    '\xff\xd8\xff\xe0': 'jpeg',
    'RIFF....WEBP': 'webp',
    GIF89a: 'gif',
    '....ftypavif': 'avif',
    '....ftypheic': 'heic',
    'II*\0': 'tiff',
    hello: 'other',
  };
  for (const [start, kind] of Object.entries(kinds)) expect(kindOf(ascii(start))).toBe(kind);
});

test('names keep their suffix where it suits', () => {
  expect(named('a.JPEG', { format: 'jpeg' }, '-colour')).toBe('a-colour.JPEG');
  expect(named('1931/a.b.heic', { format: 'jpeg' })).toBe('1931/a.b.jpg');
  expect(named('none', { format: 'png' })).toBe('none.png');
});

test('what is transparent is seen as white', () => {
  const photo: Photo = {
    width: 2,
    height: 1,
    pixels: Uint16Array.of(0, 0, 0, 65535, 0, 32768),
    alpha: Uint16Array.of(0, 65535),
    format: 'png',
    notes: [],
  };
  const out = new Uint8Array(6);
  row(photo, 0, out);
  expect([...out]).toEqual([255, 255, 255, 255, 0, 128]);
});
