/**
 * A photo before and after: a divider to drag, zoom by wheel, pinch, keys and buttons, the photo's own pixels where the
 * zoom goes beyond the preview's, and the whole screen.
 *
 * Places are fractions of the photo's width and height, so that whoever puts something on it (the `marks`) need not know
 * how it is zoomed. Events: `place` (a click on the photo; if nobody prevents it, the divider goes there), `stroke`
 * (while `stroking`), `shown` (a new picture can be seen).
 */

import type { Region } from '../src/engine/protocol';
import { ARROWS, define, Element, enable, inside, type Point } from './element';
import { Hands } from './hands';
import { around, decoded, heldWidth, type Picture, placed, type Size, shadeAt } from './pictures';
import shared from './shared.css?inline';
import style from './slider.css?inline';

export interface Pair {
  readonly before: Picture;
  readonly after: Picture;
}

/** Gives a part of the photo, before and after, `width` pixels wide; null where there is nothing better to show. */
export type Read = (region: Region, width: number, signal: AbortSignal) => Promise<Pair | null>;

const REST = 180; // milliseconds for which the view stands still before the photo's own pixels are asked for
const KEY_STEP = 60; // pixels that an arrow moves a zoomed photo
const SIDES = ['before', 'after'] as const;

const MARKUP = `
<figure>
  <div class="frame" tabindex="0" role="group" data-label="picture">
    <div class="stage">
      <div class="layer before"></div>
      <div class="layer after"></div>
    </div>
    <span class="tag left" aria-hidden="true" data-word="before"></span>
    <span class="tag right" aria-hidden="true" data-word="after"></span>
    <div class="line"></div>
    <div class="knob" role="slider" tabindex="0" aria-valuemin="0" aria-valuemax="100" data-label="compare"></div>
    <div class="above">
      <svg class="trace" viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
        <polyline vector-effect="non-scaling-stroke" />
      </svg>
      <div class="marks"></div>
    </div>
  </div>
  <div class="under" part="under">
    <button type="button" class="zoom-out" data-label="zoom_out">−</button>
    <button type="button" class="scale" data-label="zoom_toggle">100 %</button>
    <button type="button" class="zoom-in" data-label="zoom_in">+</button>
    <button type="button" class="full" data-label="fullscreen" aria-pressed="false">
      <svg viewBox="0 0 16 16" aria-hidden="true"><path d="M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4" /></svg>
    </button>
    <slot></slot>
  </div>
</figure>`;

export class Slider extends Element {
  /** What is put on the photo; children stand at `left` and `top` in percent. */
  readonly marks: HTMLElement;
  /** What fills the screen: this element, or one around it. */
  room: HTMLElement = this;

  readonly #frame = this.find('.frame');
  readonly #stage = this.find('.stage');
  readonly #knob = this.find('.knob');
  #pictures: Partial<Record<'before' | 'after', Picture>> = {};
  #size: Size = { width: 0, height: 0 };
  #read: Read | null = null;
  #at = 0.5; // the divider, as a share of what is seen of the photo
  #hidden: number | null = null; // where it was before `reveal`
  #fit = 1; // screen pixels a photo's pixel at zoom 1
  #zoom = 1;
  #center: Point = { x: 0.5, y: 0.5 }; // what lies in the middle of the frame
  #timer = 0;
  #asked: AbortController | null = null;
  #wheeled = Number.NEGATIVE_INFINITY; // when a wheel last scrolled the page
  #watcher = new ResizeObserver(() => this.#layout());

  constructor() {
    super(MARKUP, shared, style);
    this.marks = this.find('.marks');
    const frame = this.#frame;
    new Hands(frame, this.#knob, {
      drag: () => (this.stroking ? 'stroke' : this.#zoom > 1 ? 'pan' : 'divider'),
      divide: (x) => this.#divide(x),
      pan: (across, down) => this.#pan(across, down),
      pinch: (factor, middle) => this.zoomTo(this.#zoom * factor, middle),
      click: (event) => {
        if (this.tell('place', this.placeOf(event)) && this.#zoom === 1) this.#divide(event.clientX);
      },
      trace: (path) => this.#trace(path.map(({ x, y }) => this.#placeOf(x, y))),
      stroke: (path) => this.tell('stroke', { points: path.map(({ x, y }) => this.#placeOf(x, y)) }),
    });
    frame.addEventListener('dragstart', (event) => event.preventDefault());
    frame.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    this.root.addEventListener('keydown', (event) => this.#key(event as KeyboardEvent));
    this.find('.zoom-in').onclick = () => this.zoomTo(this.#zoom * 2);
    this.find('.zoom-out').onclick = () => this.zoomTo(this.#zoom / 2);
    this.find('.scale').onclick = () => this.zoomTo(this.#zoom === 1 ? this.#ownPixels : 1);
    this.find('.full').onclick = () => this.fill(!this.room.classList.contains('full'));
  }

  readonly #scrolled = (event: Event): void => {
    if (!event.composedPath().includes(this.#frame)) this.#wheeled = event.timeStamp;
  };

  readonly #left = (): void => {
    if (!document.fullscreenElement) this.fill(false);
  };

  /** Where it fills the window alone, nobody else leaves that. */
  readonly #escape = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || event.defaultPrevented || !this.room.classList.contains('full')) return;
    this.fill(false);
    event.preventDefault();
  };

  connectedCallback(): void {
    this.#watcher.observe(this.#frame);
    addEventListener('wheel', this.#scrolled, { passive: true });
    document.addEventListener('fullscreenchange', this.#left);
    document.addEventListener('keydown', this.#escape);
  }

  disconnectedCallback(): void {
    this.#watcher.disconnect();
    removeEventListener('wheel', this.#scrolled);
    document.removeEventListener('fullscreenchange', this.#left);
    document.removeEventListener('keydown', this.#escape);
    this.#asked?.abort();
  }

  /** Another photo: its own size, and who reads its pixels. The last one's pictures go, its own follow by `show`. */
  begin(width: number, height: number, read: Read | null = null): void {
    this.#pictures = {};
    for (const side of SIDES) this.find(`.${side}`).replaceChildren();
    this.#size = { width, height };
    this.#read = read;
    this.#zoom = 1;
    this.#center = { x: 0.5, y: 0.5 };
    this.#at = 0.5;
    this.#hidden = null;
    this.#forget();
    this.#layout();
  }

  /** Show the photo as it came, or in colour; what was shown stays until the new picture can be seen. */
  async show(side: 'before' | 'after', picture: Picture): Promise<void> {
    if (this.#pictures[side] === picture) return;
    this.#pictures[side] = picture;
    const node = await decoded(picture);
    if (this.#pictures[side] !== picture || !node) return; // a later one came, or this one is gone
    this.#name(side, node);
    this.#forget();
    this.find(`.${side}`).replaceChildren(node);
    if (!this.#size.width && node instanceof HTMLImageElement)
      this.#size = { width: node.naturalWidth, height: node.naturalHeight };
    this.#layout();
    this.tell('shown', { side });
  }

  /** Whether a drag on the photo is a stroke, not a move of the divider or of the photo. */
  get stroking(): boolean {
    return this.#frame.classList.contains('stroking');
  }

  set stroking(on: boolean) {
    this.#frame.classList.toggle('stroking', on);
  }

  /** The divider, from 0 (all after) to 1 (all before). */
  get at(): number {
    return this.#at;
  }

  set at(share: number) {
    this.#at = inside(share);
    this.#hidden = null;
    this.#draw();
  }

  /** Show the whole photo in colour, as long as something is done to it; then the divider goes back. */
  reveal(on: boolean): void {
    if (on && this.#hidden === null) {
      [this.#hidden, this.#at] = [this.#at, 0];
    } else if (!on && this.#hidden !== null) {
      [this.#at, this.#hidden] = [this.#hidden, null];
    }
    this.#draw();
  }

  get zoom(): number {
    return this.#zoom;
  }

  /** Zoom, 1 being the whole photo; what lies at `fixed` (by default the middle of the frame) stays there. */
  zoomTo(zoom: number, fixed?: Point): void {
    const box = this.#frame.getBoundingClientRect();
    const from = fixed ?? { x: box.left + box.width / 2, y: box.top + box.height / 2 };
    const place = this.#placeOf(from.x, from.y);
    this.#zoom = inside(zoom, 1, Math.max(8, 4 * this.#ownPixels));
    const { width, height } = this.#shown;
    this.#center = {
      x: place.x - (from.x - box.left - box.width / 2) / width,
      y: place.y - (from.y - box.top - box.height / 2) / height,
    };
    this.#draw();
    this.#later();
  }

  /** Take the whole screen, or give it back; where a browser has no full screen, all of its window. */
  fill(on: boolean): void {
    this.room.classList.toggle('full', on);
    this.classList.toggle('full', on && this.room === this);
    this.find('button.full').setAttribute('aria-pressed', String(on));
    if (on) this.room.requestFullscreen?.().catch(() => undefined);
    else if (document.fullscreenElement) void document.exitFullscreen();
    this.#layout();
  }

  /** The place on the photo where an event happened. */
  placeOf(event: MouseEvent): Point {
    const { x, y } = this.#placeOf(event.clientX, event.clientY);
    return { x: inside(x), y: inside(y) };
  }

  /** The colour that the photo has at a place, as '#rrggbb'. */
  shadeAt({ x, y }: Point): string {
    return shadeAt(this.find('.after').firstElementChild, x, y);
  }

  protected override spoken(): void {
    for (const side of SIDES) this.#name(side, this.find(`.${side}`).firstElementChild);
    this.#draw();
  }

  #name(side: 'before' | 'after', node: globalThis.Element | null): void {
    const text = this.word(`${side}_alt`);
    if (node instanceof HTMLImageElement) node.alt = text;
    else node?.setAttribute('aria-label', text);
    if (node instanceof HTMLCanvasElement) node.setAttribute('role', 'img');
  }

  /** Zoom at which one of the photo's own pixels is one of the screen's. */
  get #ownPixels(): number {
    return Math.max(1, 1 / (this.#fit * devicePixelRatio));
  }

  get #shown(): Size {
    const scale = this.#fit * this.#zoom;
    return { width: Math.max(1, this.#size.width * scale), height: Math.max(1, this.#size.height * scale) };
  }

  #layout(): void {
    const { width, height } = this.#size;
    if (!width || !this.#frame.clientWidth) return;
    const full = this.room.classList.contains('full');
    this.find('figure').classList.toggle('full', full);
    this.#frame.style.maxHeight = full ? 'none' : '';
    this.#frame.style.flex = full ? '1' : '';
    const limit = full ? this.#frame.clientHeight : Number.parseFloat(getComputedStyle(this.#frame).maxHeight);
    // A small photo is enlarged, so that there is room for a hand on it.
    this.#fit = Math.min(this.#frame.clientWidth / width, (limit || innerHeight) / height, full ? 16 : 8);
    this.#frame.style.height = full ? '' : `${Math.max(96, Math.round(height * this.#fit))}px`;
    this.#stage.classList.toggle('sharp', this.#fit > 3);
    this.#draw();
    this.#later();
  }

  #draw(): void {
    const frame = this.#frame;
    const { width, height } = this.#shown;
    const margin = { x: frame.clientWidth / 2 / width, y: frame.clientHeight / 2 / height };
    const kept = (value: number, edge: number): number => (edge >= 0.5 ? 0.5 : inside(value, edge, 1 - edge));
    this.#center = { x: kept(this.#center.x, margin.x), y: kept(this.#center.y, margin.y) };
    const left = frame.clientWidth / 2 - this.#center.x * width;
    const top = frame.clientHeight / 2 - this.#center.y * height;
    const place = { width: `${width}px`, height: `${height}px`, transform: `translate(${left}px, ${top}px)` };
    for (const layer of [this.#stage, this.find('.above')]) Object.assign(layer.style, place);
    const [first, last] = [Math.max(0, left), Math.min(frame.clientWidth, left + width)];
    const line = first + this.#at * (last - first);
    this.find('.after').style.clipPath = `inset(0 0 0 ${inside((line - left) / width) * 100}%)`;
    this.find('.line').style.left = `${line}px`;
    this.#knob.style.left = `${last - first > 44 ? inside(line, first + 22, last - 22) : (first + last) / 2}px`;
    const percent = Math.round(100 * this.#at);
    this.#knob.setAttribute('aria-valuenow', String(percent));
    this.#knob.setAttribute('aria-valuetext', this.word('compare_value', { before: percent, after: 100 - percent }));
    this.find('.left').hidden = line - first < 70;
    this.find('.right').hidden = last - line < 70;
    const high = `${Math.max(0, top) + 10}px`;
    Object.assign(this.find('.left').style, { left: `${first + 10}px`, top: high });
    Object.assign(this.find('.right').style, { right: `${frame.clientWidth - last + 10}px`, top: high });
    frame.classList.toggle('zoomed', this.#zoom > 1);
    const scale = this.find('.scale');
    scale.textContent = `${Math.round((100 * this.#zoom) / this.#ownPixels)} %`;
    scale.setAttribute('aria-label', `${scale.textContent}: ${this.word('zoom_toggle')}`);
    enable(this.find('.zoom-out'), this.#zoom > 1);
  }

  #placeOf(x: number, y: number): Point {
    const box = this.#stage.getBoundingClientRect();
    return { x: (x - box.left) / (box.width || 1), y: (y - box.top) / (box.height || 1) };
  }

  // Hands and keys

  #divide(x: number): void {
    const [box, frame] = [this.#stage.getBoundingClientRect(), this.#frame.getBoundingClientRect()];
    const [first, last] = [Math.max(box.left, frame.left), Math.min(box.right, frame.right)];
    this.at = (x - first) / Math.max(1, last - first);
  }

  #pan(across: number, down: number): void {
    const { width, height } = this.#shown;
    this.#center = { x: this.#center.x - across / width, y: this.#center.y - down / height };
    this.#draw();
    this.#later();
  }

  #trace(path: readonly Point[]): void {
    this.find('polyline').setAttribute('points', path.map(({ x, y }) => `${x},${y}`).join(' '));
  }

  #wheel(event: WheelEvent): void {
    // A page that scrolls past goes on scrolling, and so does one whose photo cannot get smaller.
    if (!event.ctrlKey && this.#zoom === 1 && (event.deltaY > 0 || event.timeStamp - this.#wheeled < 400)) {
      this.#wheeled = event.timeStamp;
      return;
    }
    event.preventDefault();
    const pixels = event.deltaMode === 1 ? 16 * event.deltaY : event.deltaY;
    const speed = event.ctrlKey ? 0.01 : 0.002;
    this.zoomTo(this.#zoom * Math.exp(-speed * pixels), { x: event.clientX, y: event.clientY });
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const way = ARROWS[event.key];
    const [across, down] = way ?? [0, 0];
    if (event.target === this.#knob) {
      const step = event.shiftKey ? 0.1 : 0.01;
      const places: Record<string, number> = { Home: 0, End: 1, PageUp: this.#at + 0.1, PageDown: this.#at - 0.1 };
      const place = way ? this.#at + step * (across - down) : places[event.key];
      if (place === undefined) return;
      this.at = place;
    } else if (event.target !== this.#frame) {
      return;
    } else if (way && this.#zoom > 1) {
      this.#pan(-KEY_STEP * across, -KEY_STEP * down);
    } else if (event.key === '+' || event.key === '=') this.zoomTo(this.#zoom * 1.5);
    else if (event.key === '-') this.zoomTo(this.#zoom / 1.5);
    else if (event.key === '0') this.zoomTo(1);
    else if (event.key === '1') this.zoomTo(this.#ownPixels);
    else if (event.key === 'f') this.fill(!this.room.classList.contains('full'));
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // The photo's own pixels

  #forget(): void {
    this.#asked?.abort();
    for (const patch of this.root.querySelectorAll('.patch')) patch.remove();
  }

  #later(): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#refine(), REST);
  }

  async #refine(): Promise<void> {
    const held = heldWidth(this.find('.after').firstElementChild);
    const { width, height } = this.#shown;
    const wanted = Math.min(this.#size.width, width * devicePixelRatio);
    if (!this.#read || !held || wanted <= 1.05 * held) {
      this.#forget();
      return;
    }
    const share = { x: this.#frame.clientWidth / width, y: this.#frame.clientHeight / height };
    const region = around(this.#center, share, this.#size);
    this.#asked?.abort();
    const asked = new AbortController();
    this.#asked = asked;
    const own = Math.ceil((region.width * wanted) / this.#size.width);
    const pair = await this.#read(region, own, asked.signal).catch(() => null);
    const nodes = pair && (await Promise.all(SIDES.map((side) => decoded(pair[side]))));
    if (asked.signal.aborted || !nodes) return;
    for (const patch of this.root.querySelectorAll('.patch')) patch.remove();
    SIDES.forEach((side, i) => {
      const node = nodes[i];
      if (node) this.find(`.${side}`).append(placed(node, region, this.#size));
    });
    this.tell('shown', { side: 'patch' });
  }
}

define('lumachrome-slider', Slider);
