/** XMP packets: the file's own where it has one, with the statement that software made the colours. */

import known from '../adjustments.json';
import type { Bytes } from './bytes';

const IPTC = 'http://iptc.org/std/Iptc4xmpExt/2008-02-29/';
const RDF = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#';
// What the new pixels make untrue: they are upright, in colour, in sRGB; size and density stand where the pixels do.
const STALE_NAMES = [
  'tiff:(?:Orientation|ImageWidth|ImageLength|XResolution|YResolution|ResolutionUnit)',
  'exif:(?:PixelXDimension|PixelYDimension|ColorSpace)',
  'xmp:Thumbnails',
  'Iptc4xmpExt:DigitalSourceType',
].join('|');
const STALE = new RegExp(
  String.raw`\s(?:${STALE_NAMES})\s*=\s*(?:"[^"]*"|'[^']*')|<(${STALE_NAMES})(?:\s[^>]*)?(?:\/>|>[\s\S]*?<\/\1\s*>)`,
  'g',
);

/** Workers have no parser of XML, so it is done in the text; a packet that cannot be read is left out. */
export function withStatement(packet: Uint8Array | null): Bytes {
  const statement =
    `<r:Description xmlns:r="${RDF}" r:about="" xmlns:Iptc4xmpExt="${IPTC}">` +
    `<Iptc4xmpExt:DigitalSourceType>${known.source_type}</Iptc4xmpExt:DigitalSourceType></r:Description>`;
  const text = packet ? new TextDecoder().decode(packet).replace(STALE, '') : '';
  const end = /<\/[\w.-]+:RDF\s*>/.exec(text);
  const body =
    end && !text.includes('<!DOCTYPE')
      ? text.slice(0, end.index) + statement + text.slice(end.index)
      : `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">` +
        `<rdf:RDF xmlns:rdf="${RDF}">${statement}</rdf:RDF></x:xmpmeta><?xpacket end="w"?>`;
  return new TextEncoder().encode(body) as Bytes;
}
