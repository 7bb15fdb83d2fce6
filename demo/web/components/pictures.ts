/** Pictures as nodes that can be shown, and what lies in them. */

import type { Region } from '../src/engine/protocol';
import { inside, type Point } from './element';

/** An address, or pixels, which may move. */
export type Picture = string | HTMLCanvasElement | HTMLVideoElement;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The part of a photo that is seen: a share of its width and height, as near as can be around a place on it. */
export function around(center: Point, share: Point, { width, height }: Size): Region {
  const [across, down] = [Math.min(1, share.x), Math.min(1, share.y)];
  const x = Math.floor(inside(center.x - across / 2, 0, 1 - across) * width);
  const y = Math.floor(inside(center.y - down / 2, 0, 1 - down) * height);
  return {
    x,
    y,
    width: Math.min(width - x, Math.ceil(across * width) + 1),
    height: Math.min(height - y, Math.ceil(down * height) + 1),
  };
}

/** A picture as a node that can be shown at once; null where it cannot be read. */
export async function decoded(picture: Picture): Promise<HTMLElement | null> {
  if (picture instanceof HTMLElement) return picture;
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
export function placed(node: HTMLElement, region: Region, size: Size): HTMLElement {
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
