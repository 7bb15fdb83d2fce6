/** What undo and redo go through; it knows no page. */

const PAUSE = 1000; // milliseconds after which the same edit is a step of its own

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** States one after the other, of which one is the present. */
export class Timeline<State> {
  #states: State[];
  #at = 0;
  #edit = '';
  #time = 0;

  constructor(first: State) {
    this.#states = [first];
  }

  get present(): State {
    return this.#states[this.#at] as State;
  }

  get first(): State {
    return this.#states[0] as State;
  }

  /** Whether the present is another than the first: what was set and set back is not. */
  get changed(): boolean {
    return !isSame(this.present, this.first);
  }

  get canUndo(): boolean {
    return this.#at > 0;
  }

  get canRedo(): boolean {
    return this.#at < this.#states.length - 1;
  }

  /**
   * Add a state, if it is another one. Soon after one with the same `edit`, such as a slider's that still moves, it takes
   * that one's place.
   */
  push(state: State, edit = '', now = Date.now()): void {
    if (isSame(state, this.present)) return;
    const same = edit !== '' && edit === this.#edit && now - this.#time < PAUSE && this.#at > 0;
    this.#states = [...this.#states.slice(0, same ? this.#at : this.#at + 1), state];
    this.#at = this.#states.length - 1;
    [this.#edit, this.#time] = [edit, now];
  }

  undo(): State | null {
    return this.#go(-1);
  }

  redo(): State | null {
    return this.#go(1);
  }

  #go(step: number): State | null {
    if (!(step < 0 ? this.canUndo : this.canRedo)) return null;
    this.#at += step;
    this.#edit = '';
    return this.present;
  }
}
