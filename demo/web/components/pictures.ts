/** Pictures as nodes that can be shown, and what lies in them. */

import { inside } from './element';

/** An address, or pixels, which may move. */
export type Picture = string | HTMLCanvasElement | HTMLVideoElement | ImageBitmap;

/** A part of the photo, in its own pixels. */
export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A picture as a node that can be shown at once; null where it cannot be read. */
export async function decoded(picture: Picture): Promise<HTMLElement | null> {
  if (picture instanceof HTMLElement) return picture;
  if (typeof picture !== 'string') {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [picture.width, picture.height];
    canvas.getContext('2d')?.drawImage(picture, 0, 0);
    return canvas;
  }
  const image = new Image();
  image.src = picture;
  return image.decode().then(
    () => image,
    () => null,
  );
}

/** How many pixels wide a shown picture is; 0 where there is none. */
export function heldWidth(node: Element | null): number {
  if (node instanceof HTMLImageElement) return node.naturalWidth;
  return node instanceof HTMLCanvasElement ? node.width : 0;
}

/** A picture of a part of the photo, at its place in a layer that holds all of it. */
export function placed(node: HTMLElement, region: Region, size: { width: number; height: number }): HTMLElement {
  node.classList.add('patch');
  if (node instanceof HTMLImageElement) node.alt = '';
  else node.setAttribute('aria-hidden', 'true');
  Object.assign(node.style, {
    left: `${(100 * region.x) / size.width}%`,
    top: `${(100 * region.y) / size.height}%`,
    width: `${(100 * region.width) / size.width}%`,
    height: `${(100 * region.height) / size.height}%`,
  });
  return node;
}

/** The colour of a shown picture at a place, as '#rrggbb'; gray where there is none. */
export function shadeAt(picture: Element | null, x: number, y: number): string {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const context = canvas.getContext('2d');
  if (!context || !(picture instanceof HTMLImageElement || picture instanceof HTMLCanvasElement)) return '#808080';
  const width = heldWidth(picture);
  const height = picture instanceof HTMLImageElement ? picture.naturalHeight : picture.height;
  const [column, row] = [inside(Math.floor(x * width), 0, width - 1), inside(Math.floor(y * height), 0, height - 1)];
  context.drawImage(picture, -column, -row);
  const shade = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  return `#${shade.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}
