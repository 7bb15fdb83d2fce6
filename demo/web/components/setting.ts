/**
 * A number to set: by a slider, or exactly in a field beside its name; a double click on the slider sets it back.
 *
 * `begin` says which one it is: its name is a word, and the number has a range. Each change by hand is an event `set`
 * (`{ name, value }`).
 */

import { define, Element, inside } from './element';
import style from './setting.css?inline';
import shared from './shared.css?inline';

export interface Range {
  readonly default: number;
  readonly low: number;
  readonly high: number;
  readonly step: number;
}

const MARKUP = '<label><span></span><input type="number" /><input type="range" /></label>';

export class Setting extends Element {
  readonly #number = this.find<HTMLInputElement>('[type=number]');
  readonly #slider = this.find<HTMLInputElement>('[type=range]');
  #name = '';
  #value = 0;

  constructor() {
    super(MARKUP, shared, style);
    this.#slider.oninput = () => this.#set(this.#slider.valueAsNumber);
    this.#number.onchange = () => {
      const typed = this.#number.valueAsNumber;
      if (Number.isNaN(typed)) this.value = this.#value; // emptied, or no number: it stays what it was
      else this.#set(inside(typed, Number(this.#number.min), Number(this.#number.max)));
    };
  }

  begin(name: string, { low, high, step, default: first }: Range): this {
    this.#name = name;
    for (const input of [this.#number, this.#slider]) Object.assign(input, { min: low, max: high, step });
    this.#slider.ondblclick = () => this.#set(first);
    this.value = first;
    return this;
  }

  get value(): number {
    return this.#value;
  }

  set value(value: number) {
    this.#value = value;
    this.#number.value = this.#slider.value = String(value);
  }

  set disabled(is: boolean) {
    this.#number.disabled = this.#slider.disabled = is;
  }

  protected override spoken(): void {
    const text = this.word(this.#name);
    this.find('span').textContent = text;
    for (const input of [this.#number, this.#slider]) input.setAttribute('aria-label', text);
  }

  #set(value: number): void {
    this.value = value;
    this.tell('set', { name: this.#name, value });
  }
}

define('lumachrome-setting', Setting);
