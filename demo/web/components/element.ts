/** What the elements have in common: markup and style in a shadow of their own, and the visitor's words. */

import { filled, type Values } from './filled';

/** A language's words by name, as demo/page/i18n holds them; what is missing shows as its name. */
export type Words = Readonly<Record<string, string>>;

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where keys go, across and down. */
export const ARROWS: Readonly<Record<string, readonly [number, number] | undefined>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export const inside = (value: number, low = 0, high = 1): number => Math.max(low, Math.min(high, value));

export abstract class Element extends HTMLElement {
  protected readonly root: ShadowRoot;
  protected say: Words = {};

  /** Markup without a visitor's text in it: such text is only ever set as text. */
  constructor(markup: string, ...styles: string[]) {
    super();
    this.root = this.attachShadow({ mode: 'open' });
    this.root.innerHTML = markup;
    this.root.adoptedStyleSheets = styles.map((style) => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(style);
      return sheet;
    });
  }

  set words(words: Words) {
    this.say = words;
    for (const node of this.root.querySelectorAll<HTMLElement>('[data-word]')) {
      node.textContent = this.word(node.dataset.word ?? '');
    }
    for (const node of this.root.querySelectorAll<HTMLElement>('[data-label]')) {
      const text = this.word(node.dataset.label ?? '');
      node.setAttribute('aria-label', text);
      if (node.localName === 'button') node.title = text; // a picture is not to be hidden by its own name
    }
    this.spoken();
  }

  get words(): Words {
    return this.say;
  }

  /** After the words came: what an element says beyond its markup. */
  protected spoken(): void {}

  protected word(name: string, values: Values = {}): string {
    return filled(this.say[name] ?? name, values);
  }

  protected find<Found extends globalThis.Element = HTMLElement>(selector: string): Found {
    const found = this.root.querySelector<Found>(selector);
    if (!found) throw new Error(`<${this.localName}> has no ${selector}.`);
    return found;
  }

  protected tell<Detail>(name: string, detail?: Detail): boolean {
    return this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable: true }));
  }
}

/** Switch a button off without taking the focus from it, as `disabled` would. */
export function enable(button: HTMLElement, on: boolean): void {
  button.setAttribute('aria-disabled', String(!on));
}

export const isEnabled = (button: HTMLElement): boolean => button.getAttribute('aria-disabled') !== 'true';

/** Define an element once, however often the script runs. */
export function define(name: string, element: CustomElementConstructor): void {
  if (!customElements.get(name)) customElements.define(name, element);
}
