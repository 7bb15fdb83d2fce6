/** One photo: shown before and after, steered by hints and sliders, and written at its full size. */

import type { History, Painter } from '../../components';
import { AS_THEY_COME, type Adjustments, type Hint, type Palette, SETTINGS } from '../engine/adjustments';
import { Cancelled, type Engine } from '../engine/client';
import type { Opened } from '../engine/protocol';
import { named } from '../files/encode';
import { canvasOf, complain, find, latest, offer, SLIDERS, say, set, slider } from './dom';
import { sure } from './question';
import { word, words } from './words';

/** What a visitor has set; a palette has the name of its photo. */
interface Look extends Adjustments {
  readonly palette: (Palette & { readonly name: string }) | null;
}

const PLAIN: Look = { ...AS_THEY_COME, palette: null };
const REST = 400; // milliseconds for which nothing is changed before other colourings, which take longer, are made anew
const VARIANTS = SETTINGS.variant.presets;
const EDITED = [...SLIDERS, 'reach'] as const; // an album has no hints
const WRITTEN = { jpeg: 'save_jpeg', png: 'save_png', webp: 'save_webp' } as const;

export class Editor {
  readonly #painter = find<Painter>('lumachrome-painter');
  readonly #history = find<History<Look>>('lumachrome-history');
  #file: File | null = null;
  #opened: Opened | null = null;
  #set = PLAIN;
  #look = latest(() => this.#looked());
  #variants = latest(() => this.#offerVariants());
  #later = 0;
  #saving = false;

  constructor(private readonly engine: Engine) {
    const { slider: compare } = this.#painter;
    this.#painter.steerable = true;
    this.#painter.addEventListener('hints', (event) => {
      const { hints, edit } = (event as CustomEvent<{ hints: readonly Hint[]; edit: string }>).detail;
      this.#change({ hints }, edit);
    });
    this.#painter.addEventListener('point', (event) => void this.#suggest((event as CustomEvent).detail));
    this.#history.addEventListener('restore', (event) => this.#restore((event as CustomEvent).detail.state));
    for (const name of EDITED)
      find('#sliders').append(slider(name, '', (value) => this.#change({ [name]: value }, name)));
    find('#palettes .strength').append(
      slider('strength', '', (value) => this.#change({ strength: value }, 'strength')),
    );
    find<HTMLInputElement>('#palette').addEventListener('change', (event) => void this.#borrow(event));
    find('#no-palette').addEventListener('click', () => {
      this.#change({ palette: null });
      find('#palette').focus();
    });
    find('#variants .pictures').append(...VARIANTS.map((variant) => this.#variant(variant)));
    find('#variants').addEventListener('toggle', () => void this.#variants());
    const size = find<HTMLSelectElement>('#render-size');
    size.addEventListener('change', () => this.#change({ render_size: Number(size.value) }));
    find('#download').addEventListener('click', () => void this.#save());
    addEventListener('beforeunload', (event) => {
      if (this.#history.changed) event.preventDefault();
    });
    compare.begin(1, 1);
    this.spoken();
  }

  /** Whether leaving the photo loses something. */
  get changed(): boolean {
    return this.#opened !== null && this.#history.changed;
  }

  /** After another language was chosen. */
  spoken(): void {
    this.#painter.words = words();
    this.#history.words = words();
    const presets = SETTINGS.render_size.presets.map(
      (value) => new Option(word(`render_size_${value}`), String(value)),
    );
    const size = find<HTMLSelectElement>('#render-size');
    size.replaceChildren(...presets);
    size.value = String(this.#set.render_size);
    if (this.#opened) this.#describe(this.#opened);
  }

  async open(file: File): Promise<void> {
    if (this.#file && this.changed && !(await sure(this.#file.name))) return;
    complain(null);
    say(word('opening', { name: file.name }));
    try {
      const opened = await this.engine.ask('open', { file });
      this.#file = file;
      this.#opened = opened;
      this.#set = PLAIN;
      for (const picture of document.querySelectorAll('#variants canvas')) picture.remove();
      this.#history.begin(this.#set);
      find('#start').hidden = true;
      find('#editor').hidden = false;
      document.body.classList.add('editing');
      this.#painter.leave();
      this.#painter.slider.begin(opened.width, opened.height, (region, width, signal) =>
        this.#region(region, width, signal),
      );
      void this.#painter.slider.show('before', canvasOf(opened.before));
      this.#describe(opened);
      this.#controls();
      await this.#look();
      this.#painter.slider.at = 0.5;
    } catch (error) {
      if (!(error instanceof Cancelled)) complain(error, file.name);
    } finally {
      say('');
    }
  }

  #describe({ width, height, notes, format }: Opened): void {
    const megapixels = ((width * height) / 1e6).toFixed(1);
    find('#about').textContent = word('about', { name: this.#file?.name ?? '', width, height, megapixels });
    const becomes = notes.some((note) => note.startsWith('becomes_')); // which says how it is written, too
    const said = notes.filter((note) => note !== 'has_colors');
    find('#format').textContent = (becomes ? said : [WRITTEN[format], ...said]).map((note) => word(note)).join(' ');
    const colors = find('#own-colors');
    colors.textContent = word('has_colors');
    colors.hidden = !notes.includes('has_colors');
  }

  #change(change: Partial<Look>, edit = ''): void {
    if (!this.#opened) return;
    this.#set = { ...this.#set, ...change };
    this.#history.push(this.#set, edit);
    this.#mark();
    void this.#look();
  }

  #restore(state: Look): void {
    this.#set = state;
    this.#controls();
    void this.#look();
  }

  #controls(): void {
    for (const name of [...EDITED, 'strength'] as const) set(find<HTMLInputElement>(`#${name}`), this.#set[name]);
    find<HTMLSelectElement>('#render-size').value = String(this.#set.render_size);
    this.#painter.hints = this.#set.hints;
    this.#mark();
  }

  async #looked(): Promise<void> {
    try {
      const { after, isDull, ms } = await this.engine.ask('look', { adjustments: this.#set });
      void this.#painter.slider.show('after', canvasOf(after));
      document.body.dataset.networkMs = ms.toFixed(0); // for whoever measures
      document.body.dataset.looks = String(Number(document.body.dataset.looks ?? 0) + 1);
      say(isDull && this.#set.saturation > 0 ? `${word('is_dull')} ${word('click_to_color')}` : '');
      complain(null);
    } catch (error) {
      if (!(error instanceof Cancelled)) complain(error, this.#file?.name);
    }
    clearTimeout(this.#later);
    this.#later = window.setTimeout(() => void this.#variants(), REST);
  }

  async #region(region: { x: number; y: number; width: number; height: number }, width: number, signal: AbortSignal) {
    const { before, after } = await this.engine.ask('region', { region, width, adjustments: this.#set });
    const pair = { before: canvasOf(before), after: canvasOf(after) };
    return signal.aborted ? null : pair;
  }

  async #suggest({ x, y, hint }: { x: number; y: number; hint: number }): Promise<void> {
    try {
      this.#painter.swatches = (await this.engine.ask('suggest', { x, y, hint, adjustments: this.#set })).swatches;
    } catch (error) {
      if (!(error instanceof Cancelled)) complain(error);
    }
  }

  #variant(variant: number): HTMLElement {
    const button = document.createElement('button');
    button.type = 'button';
    const name = document.createElement('span');
    name.dataset.word = `variant_${variant}`;
    button.append(name);
    button.addEventListener('click', () => this.#change({ variant }));
    return button;
  }

  async #offerVariants(): Promise<void> {
    const [box, opened, adjustments] = [find<HTMLDetailsElement>('#variants'), this.#opened, this.#set];
    if (!box.open || !opened) return;
    try {
      const { pictures } = await this.engine.ask('variants', { adjustments, variants: VARIANTS });
      const canvases = pictures.map(canvasOf);
      if (this.#opened !== opened) return; // another photo came
      box.querySelectorAll('button').forEach((button, i) => {
        button.querySelector('canvas')?.remove();
        button.prepend(canvases[i]);
      });
    } catch (error) {
      if (!(error instanceof Cancelled)) complain(error);
    }
  }

  /** What of the settings shows beside the sliders. */
  #mark(): void {
    const { variant, palette } = this.#set;
    document.querySelectorAll('#variants button').forEach((button, i) => {
      button.setAttribute('aria-pressed', String(VARIANTS[i] === variant));
    });
    find('#palette-name').textContent = palette?.name ?? '';
    find('#no-palette').hidden = find('#palettes .strength').hidden = !palette;
  }

  async #borrow(event: Event): Promise<void> {
    const input = event.target as HTMLInputElement;
    const [file] = input.files ?? [];
    input.value = '';
    if (!file) return;
    try {
      const { palette } = await this.engine.ask('palette', { file });
      this.#change({ palette: { ...palette, name: file.name } });
    } catch (error) {
      complain(error, file.name);
    }
  }

  async #save(): Promise<void> {
    const file = this.#file;
    if (!file || this.#saving) return;
    this.#saving = true;
    const button = find('#download');
    button.setAttribute('aria-disabled', 'true');
    try {
      const progress = (share: number): void => {
        button.textContent = word('saving', { percent: Math.round(100 * share) });
      };
      progress(0);
      const saved = await this.engine.ask('save', { adjustments: this.#set }, progress);
      document.body.dataset.joinMs = saved.ms.toFixed(0);
      saved.thumbnail.close();
      offer(saved.file, named(file.name, saved, '-colour'));
    } catch (error) {
      if (!(error instanceof Cancelled)) complain(error, file.name);
    } finally {
      this.#saving = false;
      button.removeAttribute('aria-disabled');
      button.textContent = word('download');
    }
  }
}
