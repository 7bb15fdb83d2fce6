/** What mouse, pen and fingers do on a photo: click, drag, stroke, and pinch with two of them. */

import type { Point } from './element';

const CLICK = 4; // pixels that a hand may shake in a click

/** Who is told; places are those of the window. */
export interface Handled {
  /** What a drag that begins on the photo is. */
  drag(): 'divider' | 'pan' | 'stroke';
  divide(x: number): void;
  pan(across: number, down: number): void;
  pinch(factor: number, middle: Point): void;
  click(event: PointerEvent): void;
  trace(path: readonly Point[]): void;
  stroke(path: readonly Point[]): void;
}

export class Hands {
  readonly #fingers = new Map<number, Point>();
  #start: Point | null = null; // of one finger that may yet be a click or a drag
  #onKnob = false;
  #mode: '' | 'divider' | 'pan' | 'stroke' = '';
  #path: Point[] = [];

  constructor(
    readonly frame: HTMLElement,
    readonly knob: HTMLElement,
    readonly handled: Handled,
  ) {
    frame.addEventListener('pointerdown', (event) => this.#press(event));
    frame.addEventListener('pointermove', (event) => this.#move(event));
    frame.addEventListener('pointerup', (event) => this.#release(event, true));
    frame.addEventListener('pointercancel', (event) => this.#release(event, false)); // a finger that scrolls the page
  }

  #press(event: PointerEvent): void {
    if (event.button > 0) return;
    this.frame.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.#path = [];
    this.#mode = '';
    if (this.#fingers.size > 1) {
      this.#start = null;
      this.handled.trace([]);
      return;
    }
    this.#onKnob = event.target === this.knob;
    if (!this.#onKnob) event.preventDefault(); // else a picture would be dragged away
    (this.#onKnob ? this.knob : this.frame).focus({ preventScroll: true });
    this.#start = { x: event.clientX, y: event.clientY };
    this.#path = [this.#start];
    this.frame.classList.add('pressed');
  }

  #move(event: PointerEvent): void {
    const before = this.#fingers.get(event.pointerId);
    if (!before) return;
    const [middle, spread] = this.#span();
    const now = { x: event.clientX, y: event.clientY };
    this.#fingers.set(event.pointerId, now);
    if (this.#fingers.size === 2) {
      const [there, wider] = this.#span();
      this.handled.pan(there.x - middle.x, there.y - middle.y);
      this.handled.pinch(wider / Math.max(1, spread), there);
      return;
    }
    if (!this.#start) return;
    if (!this.#mode) {
      if (Math.hypot(now.x - this.#start.x, now.y - this.#start.y) <= CLICK) return;
      this.#mode = this.#onKnob ? 'divider' : this.handled.drag();
    }
    this.#path.push(now);
    if (this.#mode === 'divider') this.handled.divide(now.x);
    else if (this.#mode === 'stroke') this.handled.trace(this.#path);
    else this.handled.pan(now.x - before.x, now.y - before.y);
  }

  #release(event: PointerEvent, meant: boolean): void {
    this.#fingers.delete(event.pointerId);
    if (this.#fingers.size) return;
    this.frame.classList.remove('pressed');
    const [start, path] = [this.#start, this.#path];
    this.#start = null;
    this.#path = [];
    this.handled.trace([]);
    if (!start || !meant || this.#onKnob) return;
    if (this.#mode === 'stroke') this.handled.stroke(path);
    else if (!this.#mode) this.handled.click(event);
  }

  /** The middle of all fingers, and how far the first two are apart. */
  #span(): [Point, number] {
    const all = [...this.#fingers.values()];
    const [one = { x: 0, y: 0 }, other = one] = all;
    return [{ x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 }, Math.hypot(one.x - other.x, one.y - other.y)];
  }
}
