/** One photo: shown before and after, steered by hints and sliders, and written at its full size. */

import type { History, Painter } from '../../components';
import { AS_THEY_COME, type Adjustments, type Hint, SETTINGS } from '../engine/adjustments';
import { Cancelled, type Engine } from '../engine/client';
import type { Opened } from '../engine/protocol';
import { named } from '../files/encode';
import { canvasOf, type Change, complain, find, latest, offer, SLIDERS, say, set, slider } from './dom';
import { word, words } from './words';

const VARIANTS = SETTINGS.variant.presets;
const EDITED = [...SLIDERS, 'reach'] as const; // an album has no hints
const WRITTEN = { jpeg: 'save_jpeg', png: 'save_png', webp: 'save_webp' } as const;

export class Editor {
  readonly #painter = find<Painter>('lumachrome-painter');
  readonly #history = find<History<Adjustments>>('lumachrome-history');
  #file: File | null = null;
  #opened: Opened | null = null;
  #set: Adjustments = AS_THEY_COME;
  #look = latest(() => this.#looked());
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
    find('#variants').addEventListener('toggle', () => void this.#offerVariants());
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
      (value) => new Option(value ? String(value) : word('render_size_0'), String(value)),
    );
    const size = find<HTMLSelectElement>('#render-size');
    size.replaceChildren(...presets);
    size.value = String(this.#set.render_size);
    if (this.#opened) this.#describe(this.#opened);
    void this.#offerVariants();
  }

  async open(file: File): Promise<void> {
    if (this.changed && !confirm(word('discard_photo'))) return;
    complain(null);
    say(word('opening', { name: file.name }));
    try {
      const opened = await this.engine.ask('open', { file });
      this.#file = file;
      this.#opened = opened;
      this.#set = AS_THEY_COME;
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
    find('#format').textContent = [
      word(WRITTEN[format]),
      ...notes.filter((note) => note !== 'has_colors').map((note) => word(note)),
    ].join(' ');
    const colors = find('#hint-note');
    colors.textContent = notes.includes('has_colors') ? word('has_colors') : '';
    colors.hidden = !colors.textContent;
  }

  #change(change: Change, edit = ''): void {
    if (!this.#opened) return;
    this.#set = { ...this.#set, ...change };
    this.#history.push(this.#set, edit);
    void this.#look();
  }

  #restore(state: Adjustments): void {
    this.#set = state;
    this.#controls();
    void this.#look();
  }

  #controls(): void {
    for (const name of [...EDITED, 'strength'] as const) set(find<HTMLInputElement>(`#${name}`), this.#set[name]);
    find<HTMLSelectElement>('#render-size').value = String(this.#set.render_size);
    if (!this.#set.palette) find('#palette-name').textContent = '';
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
  }

  async #region(region: { x: number; y: number; width: number; height: number }, width: number, signal: AbortSignal) {
    const { before, after } = await this.engine.ask('region', { region, width, adjustments: this.#set });
    return signal.aborted ? null : { before: canvasOf(before), after: canvasOf(after) };
  }

  async #suggest({ x, y, hint }: { x: number; y: number; hint: number }): Promise<void> {
    try {
      this.#painter.swatches = (await this.engine.ask('suggest', { x, y, hint, adjustments: this.#set })).swatches;
    } catch (error) {
      if (!(error instanceof Cancelled)) complain(error);
    }
  }

  async #offerVariants(): Promise<void> {
    const box = find<HTMLDetailsElement>('#variants');
    if (!box.open || !this.#opened) return;
    try {
      const { pictures } = await this.engine.ask('variants', { adjustments: this.#set, variants: VARIANTS });
      const buttons = pictures.map((picture, i) => {
        const button = document.createElement('button');
        button.type = 'button';
        const name = document.createElement('span');
        name.textContent = word(`variant_${VARIANTS[i]}`);
        button.append(canvasOf(picture), name);
        button.addEventListener('click', () => {
          this.#change({ variant: VARIANTS[i] });
          this.#mark();
        });
        return button;
      });
      find('.pictures', box).replaceChildren(...buttons);
      this.#mark();
    } catch (error) {
      if (!(error instanceof Cancelled)) complain(error);
    }
  }

  #mark(): void {
    document.querySelectorAll('#variants button').forEach((button, i) => {
      button.setAttribute('aria-pressed', String(VARIANTS[i] === this.#set.variant));
    });
  }

  async #borrow(event: Event): Promise<void> {
    const input = event.target as HTMLInputElement;
    const [file] = input.files ?? [];
    input.value = '';
    if (!file) return;
    try {
      const { palette } = await this.engine.ask('palette', { file });
      find('#palette-name').textContent = file.name;
      this.#change({ palette });
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
