/**
 * A photo before and after, and colours that a person gives it: a click, a stroke or a key marks a place, a swatch makes
 * it a hint. Marks are moved by hand or arrows, coloured anew, and removed.
 *
 * The hints are whoever's who listens: each change is an event `hints` (`{ hints, edit }`; changes with the same `edit`
 * are one step of a history), each place that is asked about an event `point` (`{ x, y, hint }`, the hint that lies
 * there or -1); likely colours for it are given by `swatches`.
 */

import { most_hints as MOST_HINTS } from '../src/adjustments.json';
import type { Hint } from '../src/engine/adjustments';
import { nameOf, THINGS } from './colors';
import { ARROWS, define, Element, enable, inside, isEnabled, type Point } from './element';
import style from './painter.css?inline';
import shared from './shared.css?inline';
import type { Slider } from './slider';
import './slider';

const GRAY = '#808080';
const STROKE_STEP = 0.03; // of the width, between two hints of a stroke
const STROKE_HINTS = 24;

const MARKUP = `
<lumachrome-slider></lumachrome-slider>
<div class="tools" hidden>
  <div class="bar">
    <p class="help" data-word="help"></p>
    <button type="button" class="add" data-word="add"></button>
    <button type="button" class="stroke" data-word="stroke" aria-pressed="false"></button>
    <button type="button" class="clear" data-word="clear"></button>
  </div>
  <div class="chosen" role="group" data-label="colors_here" hidden>
    <div class="bar">
      <span class="group likely" role="group" data-label="likely"></span>
      <span class="group things" role="group" data-label="things"></span>
    </div>
    <div class="bar">
      <label class="any button"><span data-word="choose"></span><input type="color" value="#b07040" /></label>
      <button type="button" class="dropper" data-word="drop_color" aria-pressed="false"></button>
      <button type="button" class="gray" data-word="gray"></button>
      <button type="button" class="remove" data-word="remove"></button>
      <button type="button" class="done" data-word="done"></button>
    </div>
  </div>
  <details class="all" hidden><summary></summary><ol></ol></details>
</div>
<div class="live" role="status"></div>`;

export class Painter extends Element {
  readonly slider: Slider = this.find<Slider>('lumachrome-slider');
  readonly #marks = this.slider.marks;
  readonly #rows = this.find('ol');
  readonly #color = this.find<HTMLInputElement>('.any input');
  #hints: readonly Hint[] = [];
  #swatches: readonly string[] = [];
  #chosen = -1;
  #point: Point | null = null; // a place that has no colour yet
  #path: readonly Point[] = []; // of a stroke that has none yet
  #dropping = false;

  constructor() {
    super(MARKUP, shared, style);
    // Marks stand in the slider's shadow, so their style must be there too.
    const slider = this.slider.shadowRoot;
    if (slider) slider.adoptedStyleSheets = [...slider.adoptedStyleSheets, ...this.root.adoptedStyleSheets.slice(1)];
    this.slider.room = this;
    this.slider.addEventListener('place', (event) => this.#clicked(event as CustomEvent<Point>));
    this.slider.addEventListener('stroke', (event) => this.#stroked((event as CustomEvent<{ points: Point[] }>).detail.points));
    this.#color.oninput = () => this.#paint(this.#color.value, 'color');
    this.find('.gray').onclick = () => this.#paint(GRAY);
    this.find('.remove').onclick = () => (this.#chosen >= 0 ? this.#drop(this.#chosen) : this.leave());
    this.find('.done').onclick = () => this.leave();
    this.find('.clear').onclick = () => {
      if (!isEnabled(this.find('.clear'))) return;
      this.leave();
      this.#set([]);
    };
    this.find('.dropper').onclick = () => {
      this.#dropping = !this.#dropping;
      this.#draw();
    };
    this.find('.stroke').onclick = () => {
      this.slider.stroking = !this.slider.stroking;
      this.#draw();
    };
    this.find('.add').onclick = () => {
      this.#mark({ x: 0.5, y: 0.5 });
      (this.#marks.lastElementChild as HTMLElement | null)?.focus();
    };
    this.root.addEventListener('keydown', (event) => {
      if ((event as KeyboardEvent).key !== 'Escape' || (!this.#point && this.#chosen < 0 && !this.#dropping)) return;
      this.leave();
      event.preventDefault();
    });
  }

  get hints(): readonly Hint[] {
    return this.#hints;
  }

  set hints(hints: readonly Hint[]) {
    this.#hints = hints;
    if (this.#chosen >= hints.length) this.#chosen = -1;
    this.#draw();
  }

  /** Likely colours for the place that was asked about, as '#rrggbb'. */
  set swatches(shades: readonly string[]) {
    this.#swatches = shades;
    this.#draw();
  }

  /** Whether hints may be given. */
  set steerable(on: boolean) {
    this.find('.tools').hidden = this.#marks.hidden = !on;
    if (!on) this.leave();
  }

  get steerable(): boolean {
    return !this.find('.tools').hidden;
  }

  /** Nothing is chosen any more. */
  leave(): void {
    const held = this.root.activeElement && this.find('.chosen').contains(this.root.activeElement);
    this.#point = null;
    this.#path = [];
    this.#chosen = -1;
    this.#dropping = false;
    this.slider.reveal(false);
    this.#draw();
    if (held) this.find('.add').focus();
  }

  protected override spoken(): void {
    this.slider.words = this.words;
    const things = Object.entries(THINGS).map(([thing, shade]) => this.#swatch(shade, this.word(`thing_${thing}`)));
    this.find('.things').replaceChildren(...things);
    this.#draw();
  }

  #named(shade: string): string {
    const { hue, light } = nameOf(shade);
    return light ? this.word('color_toned', { light: this.word(light), hue: this.word(hue) }) : this.word(hue);
  }

  #draw(): void {
    const hints = this.#hints;
    const all: readonly (Point & { color?: string })[] = this.#point ? [...hints, this.#point] : hints;
    const marks = this.#marks;
    const held = this.slider.shadowRoot?.activeElement;
    const at = held ? [...marks.children].indexOf(held) : -1;
    while (marks.children.length > all.length) marks.lastElementChild?.remove();
    while (marks.children.length < all.length) marks.append(this.#newMark());
    all.forEach((hint, i) => {
      const mark = marks.children[i] as HTMLElement;
      Object.assign(mark.style, { left: `${100 * hint.x}%`, top: `${100 * hint.y}%`, background: hint.color ?? '' });
      mark.classList.toggle('open', !hint.color);
      mark.classList.toggle('selected', hint === this.#point || i === this.#chosen);
      const place = { number: i + 1, color: hint.color ? this.#named(hint.color) : '' };
      mark.setAttribute('aria-label', this.word(hint.color ? 'hint_named' : 'unknown_place', place));
    });
    this.find('.chosen').hidden = this.#chosen < 0 && !this.#point;
    if (at >= all.length) ((marks.lastElementChild ?? this.find('.add')) as HTMLElement).focus();
    const chosen = hints[this.#chosen];
    if (chosen) this.#color.value = chosen.color;
    enable(this.find('.clear'), hints.length > 0);
    this.find('.dropper').setAttribute('aria-pressed', String(this.#dropping));
    this.find('.stroke').setAttribute('aria-pressed', String(this.slider.stroking));
    this.slider.shadowRoot?.querySelector('.frame')?.classList.toggle('paintable', this.steerable);
    this.find('.help').textContent = this.#help();
    const likely = this.find('.likely');
    if ([...likely.children].map((node) => (node as HTMLElement).title).join() !== this.#swatches.join()) {
      likely.replaceChildren(...this.#swatches.map((shade) => this.#swatch(shade, this.#named(shade), shade)));
    }
    this.find('.all').hidden = !hints.length;
    this.find('summary').textContent = this.word('list', { count: hints.length });
    // A row that is being typed in stays.
    if (this.#rows.children.length !== hints.length || !this.#rows.contains(this.root.activeElement)) {
      this.#rows.replaceChildren(...hints.map((hint, i) => this.#row(hint, i)));
    }
  }

  /** What can be done next. */
  #help(): string {
    if (this.#hints.length >= MOST_HINTS) return this.word('hints_full', { most: MOST_HINTS });
    if (this.#dropping) return this.word('drop_help');
    if (this.#point) return this.word('help_place');
    if (this.#chosen >= 0) return this.word('help_hint');
    return this.word(this.slider.stroking ? 'stroke_help' : 'help');
  }

  #swatch(shade: string, name: string, title = name): HTMLElement {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'swatch';
    button.style.background = shade;
    button.title = title;
    button.setAttribute('aria-label', name);
    button.onclick = () => this.#paint(shade);
    return button;
  }

  #row(hint: Hint, i: number): HTMLElement {
    const item = document.createElement('li');
    const field = (type: string, value: string, label: string, change: (value: string) => Partial<Hint>): HTMLElement => {
      const input = document.createElement('input');
      Object.assign(input, { type, value, min: '0', max: '100', step: '1', title: label });
      input.setAttribute('aria-label', `${this.word('hint', { number: i + 1 })}, ${label}`);
      input.onchange = () => this.#edit(i, change(input.value));
      return input;
    };
    const share = (value: string): number => inside(Number(value) / 100 || 0);
    const number = document.createElement('span');
    number.textContent = `${i + 1}.`;
    const remove = document.createElement('button');
    remove.type = 'button';
    remove.textContent = '×';
    remove.setAttribute('aria-label', `${this.word('remove')}: ${this.word('hint', { number: i + 1 })}`);
    remove.onclick = () => {
      this.#drop(i);
      this.find(this.#hints.length ? 'summary' : '.add').focus();
    };
    item.append(
      number,
      field('number', String(Math.round(100 * hint.x)), this.word('across'), (value) => ({ x: share(value) })),
      field('number', String(Math.round(100 * hint.y)), this.word('down'), (value) => ({ y: share(value) })),
      field('color', hint.color, this.word('color'), (value) => ({ color: value })),
      remove,
    );
    return item;
  }

  #newMark(): HTMLElement {
    const mark = document.createElement('button');
    mark.type = 'button';
    mark.className = 'mark';
    const index = (): number => [...this.#marks.children].indexOf(mark);
    let start: Point | null = null;
    let moved = false;
    mark.addEventListener('pointerdown', (event) => {
      if (event.button > 0) return;
      event.stopPropagation();
      mark.setPointerCapture(event.pointerId);
      start = { x: event.clientX, y: event.clientY };
      moved = false;
    });
    mark.addEventListener('pointermove', (event) => {
      if (!start) return;
      moved ||= Math.hypot(event.clientX - start.x, event.clientY - start.y) > 4;
      if (!moved) return;
      const to = this.slider.placeOf(event);
      Object.assign(mark.style, { left: `${100 * to.x}%`, top: `${100 * to.y}%` });
    });
    mark.addEventListener('pointercancel', () => {
      start = null;
      this.#draw(); // back where its hint is
    });
    mark.addEventListener('pointerup', (event) => {
      if (!start) return;
      event.stopPropagation();
      start = null;
      if (moved) this.#shift(index(), this.slider.placeOf(event), '');
      else this.#select(index());
    });
    mark.addEventListener('keydown', (event) => {
      const i = index();
      const at = this.#hints[i] ?? this.#point;
      const step = event.shiftKey ? 0.05 : 0.01;
      const way = ARROWS[event.key];
      if (way && at) {
        const [across, down] = way;
        this.#shift(i, { x: inside(at.x + step * across), y: inside(at.y + step * down) }, `move ${i}`);
      } else if (event.key === 'Delete' || event.key === 'Backspace') {
        if (i < this.#hints.length) this.#drop(i);
        else this.leave();
      } else if (event.key === 'Enter' || event.key === ' ') this.#select(i);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    return mark;
  }

  // What is done to the hints

  #set(hints: readonly Hint[], edit = ''): void {
    this.#hints = hints;
    this.#chosen = Math.min(this.#chosen, this.#hints.length - 1);
    this.#draw();
    this.find('.live').textContent = this.word('hints_now', { count: this.#hints.length });
    this.tell('hints', { hints: this.#hints, edit });
  }

  #paint(shade: string, edit = ''): void {
    this.#dropping = false;
    if (this.#chosen >= 0) {
      const own = Math.max(1, this.#path.length); // all of a stroke, as long as it is chosen
      const from = this.#chosen - own + 1;
      const painted = this.#hints.map((hint, i) => (i >= from && i <= this.#chosen ? { ...hint, color: shade } : hint));
      this.#set(painted, edit && `${edit} ${this.#chosen}`);
      return;
    }
    if (!this.#point) return;
    const added = (this.#path.length ? this.#path : [this.#point]).slice(0, MOST_HINTS - this.#hints.length);
    if (!added.length) return;
    this.#point = null;
    this.#chosen = this.#hints.length + added.length - 1;
    this.#set([...this.#hints, ...added.map(({ x, y }) => ({ x, y, color: shade }))], edit && `${edit} ${this.#chosen}`);
  }

  #edit(i: number, change: Partial<Hint>, edit = ''): void {
    this.#set(
      this.#hints.map((hint, j) => (j === i ? { ...hint, ...change } : hint)),
      edit,
    );
  }

  #drop(i: number): void {
    const isHeld = this.find('.chosen').contains(this.root.activeElement);
    this.#chosen = -1;
    this.slider.reveal(false);
    this.#set(this.#hints.filter((_, j) => j !== i));
    if (isHeld || !this.#hints.length) this.find('.add').focus();
  }

  #shift(i: number, place: Point, edit: string): void {
    if (i < this.#hints.length) {
      this.#edit(i, place, edit);
      return;
    }
    this.#point = place;
    this.#ask(place);
  }

  // Places

  #clicked(event: CustomEvent<Point>): void {
    if (!this.steerable) return;
    event.preventDefault();
    if (this.#dropping) this.#paint(this.slider.shadeAt(event.detail));
    else this.#mark(event.detail);
  }

  #stroked(points: readonly Point[]): void {
    let last: Point | null = null;
    const spread: Point[] = [];
    for (const point of points) {
      if (last && Math.hypot(point.x - last.x, point.y - last.y) < STROKE_STEP) continue;
      last = point;
      spread.push(point);
    }
    const every = Math.ceil(spread.length / STROKE_HINTS);
    const path = spread.filter((_, i) => i % every === 0);
    const middle = path[Math.floor(path.length / 2)];
    if (middle) this.#mark(middle, path);
  }

  #mark({ x, y }: Point, path: readonly Point[] = []): void {
    this.#point = { x, y };
    this.#path = path;
    this.#chosen = -1;
    this.slider.reveal(true); // what one does is to be seen
    this.#ask(this.#point);
  }

  #select(i: number): void {
    const hint = this.#hints[i];
    if (!hint || i === this.#chosen) return;
    this.#chosen = i;
    this.#point = null;
    this.#path = [];
    this.slider.reveal(true);
    this.#ask(hint);
  }

  #ask({ x, y }: Point): void {
    this.#swatches = [];
    this.#draw();
    this.tell('point', { x, y, hint: this.#chosen });
  }
}

define('lumachrome-painter', Painter);
