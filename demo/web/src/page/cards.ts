/** Small pictures of the photo as it might be, to choose from: looks, and other colourings. */

import { canvasOf } from './dom';
import { word } from './words';

export class Cards<Value> {
  readonly #buttons: readonly HTMLButtonElement[];

  /** @param values What there is to choose from, each with the name of its word. */
  constructor(
    box: HTMLElement,
    private readonly values: readonly (readonly [string, Value])[],
    choose: (value: Value) => void,
  ) {
    this.#buttons = values.map(([name, value]) => {
      const button = document.createElement('button');
      button.type = 'button';
      const text = document.createElement('span');
      text.dataset.word = name;
      text.textContent = word(name);
      button.append(text);
      button.addEventListener('click', () => choose(value));
      return button;
    });
    box.append(...this.#buttons);
  }

  mark(isChosen: (value: Value) => boolean): void {
    this.#buttons.forEach((button, i) => {
      button.setAttribute('aria-pressed', String(isChosen(this.values[i][1])));
    });
  }

  clear(): void {
    for (const button of this.#buttons) button.querySelector('canvas')?.remove();
  }

  show(pictures: readonly ImageBitmap[]): void {
    this.clear();
    this.#buttons.forEach((button, i) => {
      button.prepend(canvasOf(pictures[i]));
    });
  }
}
