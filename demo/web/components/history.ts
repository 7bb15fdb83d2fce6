/**
 * Undo, redo and back to the beginning, for whatever can be put down as a value.
 *
 * `begin` starts with a state, `push` adds one; buttons and, everywhere on the page, Ctrl+Z, Ctrl+Shift+Z and Ctrl+Y
 * (Cmd on a Mac) go through them. Who listens to `restore` gets the state that is to be shown (`{ state }`).
 */

import { define, Element, enable, isEnabled } from './element';
import style from './history.css?inline';
import shared from './shared.css?inline';
import { Timeline } from './timeline';

const MARKUP = `
<div class="bar" role="group" data-label="history">
  <button type="button" class="undo" data-label="undo" aria-keyshortcuts="Control+Z">↶</button>
  <button type="button" class="redo" data-label="redo" aria-keyshortcuts="Control+Shift+Z">↷</button>
  <button type="button" class="reset" data-word="reset"></button>
</div>
<div class="live" role="status"></div>`;

const TEXT = ['text', 'search', 'number', 'email', 'url', 'password', 'tel'];

export class History<State = unknown> extends Element {
  #timeline: Timeline<State> | null = null;

  constructor() {
    super(MARKUP, shared, style);
    this.find('.undo').onclick = () => this.undo();
    this.find('.redo').onclick = () => this.redo();
    this.find('.reset').onclick = () => {
      if (isEnabled(this.find('.reset'))) this.reset();
    };
    this.#draw();
  }

  connectedCallback(): void {
    document.addEventListener('keydown', this.#key);
  }

  disconnectedCallback(): void {
    document.removeEventListener('keydown', this.#key);
  }

  /** Something new, which has no past. `present` is where it stands already, if it was changed before. */
  begin(first: State, present?: State): void {
    this.#timeline = new Timeline(first);
    if (present !== undefined) this.#timeline.push(present);
    this.#draw();
  }

  push(state: State, edit = ''): void {
    this.#timeline?.push(state, edit);
    this.#draw();
  }

  get present(): State | undefined {
    return this.#timeline?.present;
  }

  /** Whether there is anything that could be lost. */
  get changed(): boolean {
    return this.#timeline?.changed ?? false;
  }

  undo(): void {
    this.#restore(this.#timeline?.undo() ?? null, 'undone');
  }

  redo(): void {
    this.#restore(this.#timeline?.redo() ?? null, 'redone');
  }

  /** Back to the first state; that, too, can be undone. */
  reset(): void {
    if (!this.#timeline) return;
    this.#timeline.push(this.#timeline.first);
    this.#restore(this.#timeline.present, 'undone');
  }

  #restore(state: State | null, said: string): void {
    if (state === null) return;
    this.#draw();
    this.find('.live').textContent = this.word(said);
    this.tell('restore', { state });
  }

  #draw(): void {
    enable(this.find('.undo'), this.#timeline?.canUndo ?? false);
    enable(this.find('.redo'), this.#timeline?.canRedo ?? false);
    enable(this.find('.reset'), this.changed);
  }

  readonly #key = (event: KeyboardEvent): void => {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || event.altKey || (key !== 'z' && key !== 'y')) return;
    if (!this.checkVisibility() || event.defaultPrevented) return;
    const held = event.composedPath()[0];
    const types = held instanceof HTMLTextAreaElement || (held instanceof HTMLInputElement && TEXT.includes(held.type));
    if (types && !(held as HTMLInputElement).readOnly) return; // that has an undo of its own
    event.preventDefault();
    if (key === 'y' || event.shiftKey) this.redo();
    else this.undo();
  };
}

define('lumachrome-history', History);
