/** One photo: shown before and after, steered by hints and sliders, and written at its full size. */

import { type History, hintFile, hintsOf, type Painter } from '../../components';
import { enable } from '../../components/element';
import { AS_THEY_COME, type Adjustments, type Hint, type Palette, PRESETS, SETTINGS } from '../engine/adjustments';
import { Cancelled, type Engine } from '../engine/client';
import { PhotoError } from '../engine/photo';
import type { Opened } from '../engine/protocol';
import { named } from '../files/encode';
import { Cards } from './cards';
import { canvasOf, complain, control, find, latest, type NumberName, offer, SLIDERS, say, sayNothing, whenChosen } from './dom';
import { sure } from './question';
import { joined, word } from './words';

/** What a visitor has set; a palette has the name of its photo. */
interface Look extends Adjustments {
  readonly palette: (Palette & { readonly name: string }) | null;
}

const PLAIN: Look = { ...AS_THEY_COME, palette: null };
const REST = 400; // milliseconds for which nothing is changed before small pictures are made anew
const VARIANTS = SETTINGS.variant.presets;
const WRITTEN = { jpeg: 'save_jpeg', png: 'save_png', webp: 'save_webp' } as const;

export class Editor {
  readonly #painter = find<Painter>('lumachrome-painter');
  readonly #history = find<History<Look>>('lumachrome-history');
  #file: File | null = null;
  #opened: Opened | null = null;
  #set = PLAIN;
  #look = latest(() => this.#looked());
  #thumbnails = latest(() => this.#offer());
  #later = 0;
  #isGiving = false;
  readonly #settings = ([...SLIDERS, 'reach', 'strength'] as const).map((name) =>
    control(name, '', (value) => this.#change({ [name]: value }, name)),
  );
  readonly #presets = new Cards(
    find('#presets'),
    Object.entries(PRESETS).map(([name, preset]) => [`preset_${name}`, preset] as const),
    (preset) => this.#change(preset),
  );
  readonly #variants = new Cards(
    find('#variants .pictures'),
    VARIANTS.map((variant) => [`variant_${variant}`, variant] as const),
    (variant) => this.#change({ variant }),
  );

  constructor(private readonly engine: Engine) {
    const { slider: compare } = this.#painter;
    this.#painter.steerable = true;
    this.#painter.addEventListener('hints', (event) => {
      const { hints, edit } = (event as CustomEvent<{ hints: readonly Hint[]; edit: string }>).detail;
      this.#change({ hints }, edit);
    });
    this.#painter.addEventListener('point', (event) => void this.#suggest((event as CustomEvent).detail));
    this.#history.addEventListener('restore', (event) => this.#restore((event as CustomEvent).detail.state));
    find('#sliders').append(...this.#settings);
    find('#palettes .strength').append(find('#strength'));
    whenChosen('#palette', ([file]) => file && void this.#borrow(file));
    whenChosen('#load-hints', ([file]) => file && void this.#loadHints(file));
    find('#save-hints').addEventListener('click', () => this.#saveHints());
    find('#no-palette').addEventListener('click', () => {
      this.#change({ palette: null });
      find('#palette').focus();
    });
    find('#variants').addEventListener('toggle', () => void this.#thumbnails());
    const size = find<HTMLSelectElement>('#render-size');
    size.addEventListener('change', () => this.#change({ render_size: Number(size.value) }));
    find('#download').addEventListener('click', () => void this.#give('#download', (progress) => this.#saved(progress)));
    find('#share').addEventListener('click', () => void this.#give('#share', () => this.#compared()));
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
    say(() => word('opening', { name: file.name }));
    try {
      const opened = await this.engine.ask('open', { file });
      this.#file = file;
      this.#opened = opened;
      this.#set = PLAIN;
      this.#presets.clear();
      this.#variants.clear();
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
      sayNothing();
      if (!(error instanceof Cancelled)) complain(error, file.name);
    }
  }

  #describe({ width, height, notes, format }: Opened): void {
    const megapixels = ((width * height) / 1e6).toFixed(1);
    find('#about').textContent = word('about', { name: this.#file?.name ?? '', width, height, megapixels });
    const becomes = notes.some((note) => note.startsWith('becomes_')); // which says how it is written, too
    const said = notes.filter((note) => note !== 'has_colors');
    find('#format').textContent = joined((becomes ? said : [WRITTEN[format], ...said]).map((note) => word(note)));
    const colors = find('#own-colors');
    colors.textContent = word('has_colors');
    colors.hidden = !notes.includes('has_colors');
  }

  #change(change: Partial<Look>, edit = ''): void {
    if (!this.#opened) return;
    this.#set = { ...this.#set, ...change };
    this.#history.push(this.#set, edit);
    this.#show();
  }

  #restore(state: Look): void {
    this.#set = state;
    this.#show();
  }

  #show(): void {
    complain(null); // of what was done before
    this.#controls();
    void this.#look();
  }

  #controls(): void {
    const { hints, palette, render_size, variant } = this.#set;
    for (const setting of this.#settings) setting.value = this.#set[setting.id as NumberName];
    find('#reach').hidden = !hints.length;
    find<HTMLSelectElement>('#render-size').value = String(render_size);
    if (this.#painter.hints !== hints) this.#painter.hints = hints;
    enable(find('#save-hints'), hints.length > 0);
    this.#presets.mark((preset) =>
      Object.entries(preset).every(([name, value]) => this.#set[name as NumberName] === value),
    );
    this.#variants.mark((each) => each === variant);
    find('#palette-name').textContent = palette?.name ?? '';
    find('#no-palette').hidden = find('#palettes .strength').hidden = !palette;
  }

  async #looked(): Promise<void> {
    try {
      const { after, isDull, ms } = await this.engine.ask('look', { adjustments: this.#set });
      void this.#painter.slider.show('after', canvasOf(after));
      document.body.dataset.networkMs = ms.toFixed(0); // for whoever measures
      document.body.dataset.looks = String(Number(document.body.dataset.looks ?? 0) + 1);
      if (isDull && this.#set.saturation > 0) say(() => joined([word('is_dull'), word('click_to_color')]));
      else sayNothing();
    } catch (error) {
      sayNothing();
      if (!(error instanceof Cancelled)) complain(error, this.#file?.name);
    }
    clearTimeout(this.#later);
    this.#later = window.setTimeout(() => void this.#thumbnails(), REST);
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

  /** Show what the looks and, where they are wanted, the other colourings would make of the photo. */
  async #offer(): Promise<void> {
    const [opened, now] = [this.#opened, this.#set];
    const show = async (cards: { show(pictures: ImageBitmap[]): void }, changes: readonly Partial<Look>[]) => {
      const { pictures } = await this.engine.ask('thumbnails', { looks: changes.map((change) => ({ ...now, ...change })) });
      if (this.#opened === opened) cards.show(pictures); // else another photo came
    };
    if (!opened) return;
    try {
      await show(this.#presets, Object.values(PRESETS));
      const isWanted = find<HTMLDetailsElement>('#variants').open;
      if (isWanted) await show(this.#variants, VARIANTS.map((variant) => ({ variant })));
    } catch (error) {
      if (!(error instanceof Cancelled)) complain(error);
    }
  }

  async #borrow(file: File): Promise<void> {
    try {
      const { palette } = await this.engine.ask('palette', { file });
      this.#change({ palette: { ...palette, name: file.name } });
    } catch (error) {
      complain(error, file.name);
    }
  }

  async #loadHints(file: File): Promise<void> {
    const hints = await hintsOf(file);
    if (hints) this.#change({ hints });
    else complain(new PhotoError('no_hints'), file.name);
  }

  #saveHints(): void {
    if (this.#file && this.#set.hints.length) offer(hintFile(this.#file.name, this.#set.hints));
  }

  async #saved(progress: (share: number) => void): Promise<File> {
    progress(0);
    const name = this.#file?.name ?? '';
    const saved = await this.engine.ask('save', { adjustments: this.#set }, progress);
    document.body.dataset.joinMs = saved.ms.toFixed(0);
    saved.thumbnail.close();
    return new File([saved.file], named(name, saved, '-colour'), { type: saved.file.type });
  }

  async #compared(): Promise<File> {
    const name = this.#file?.name ?? '';
    const lines = { beside: word('compare_beside'), above: word('compare_above') };
    const { file } = await this.engine.ask('compare', { adjustments: this.#set, lines });
    return new File([file], named(name, { format: 'jpeg' }, '-before-after'), { type: file.type });
  }

  /** Make a file and give it to the visitor, one at a time: its button says that it is being made, and the other one waits. */
  async #give(selector: string, make: (progress: (share: number) => void) => Promise<File>): Promise<void> {
    const name = this.#file?.name;
    if (!name || this.#isGiving) return;
    this.#isGiving = true;
    const button = find(selector);
    const both = [find('#download'), find('#share')];
    for (const each of both) enable(each, false);
    button.textContent = word('working');
    try {
      const file = await make((share) => {
        button.textContent = word('saving', { percent: Math.round(100 * share) });
      });
      offer(file);
    } catch (error) {
      if (!(error instanceof Cancelled)) complain(error, name);
    } finally {
      this.#isGiving = false;
      for (const each of both) enable(each, true);
      button.textContent = word(button.dataset.word ?? '');
    }
  }
}
