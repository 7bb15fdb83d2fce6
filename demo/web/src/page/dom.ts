/** Small things that all views need. */

import { sliders } from '../adjustments.json';
import type { Setting } from '../../components';
import { type Adjustments, SETTINGS } from '../engine/adjustments';
import { PhotoError } from '../engine/photo';
import { word, words } from './words';

export function find<Found extends Element = HTMLElement>(selector: string, root: ParentNode = document): Found {
  const found = root.querySelector<Found>(selector);
  if (!found) throw new Error(`There is no ${selector}.`);
  return found;
}

/** A text that is made anew when another language is chosen. */
export type Text = () => string;

const NOTHING: Text = () => '';
let said = NOTHING;
let wrong = NOTHING;

export function say(text: Text): void {
  said = text;
  find('#status').textContent = text();
}

export function sayNothing(): void {
  say(NOTHING);
}

/** Say what needs no more than to be read. */
export function mention(text: Text): void {
  say(text);
  setTimeout(() => {
    if (said === text) sayNothing();
  }, 6000);
}

/** Say what went wrong; what is no visitor's fault shows in the console too. */
export function complain(error: unknown, name = ''): void {
  wrong = error ? sentence(error, name) : NOTHING;
  const box = find('#error');
  box.textContent = wrong();
  box.hidden = !box.textContent;
}

export function sentence(error: unknown, name = ''): Text {
  const isKnown = error instanceof PhotoError;
  if (!isKnown) console.error(error);
  return () => word(isKnown ? error.message : 'failed', { name: name || word('photo'), ...(isKnown ? error.values : {}) });
}

/** After another language was chosen. */
export function spoken(): void {
  find('#status').textContent = said();
  find('#error').textContent = wrong();
}

/** A picture that can be shown; the bitmap is no more. */
export function canvasOf(bitmap: ImageBitmap): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
  canvas.getContext('bitmaprenderer')?.transferFromImageBitmap(bitmap);
  return canvas;
}

/** The fields of `Adjustments` that are numbers. */
export type NumberName = { [Key in keyof Adjustments]: Adjustments[Key] extends number ? Key : never }[keyof Adjustments];
export const SLIDERS = sliders as readonly NumberName[];

/** The control for a setting; `changed` is told each step. */
export function control(name: NumberName, prefix: string, changed: (value: number) => void): Setting {
  const setting = (document.createElement('lumachrome-setting') as Setting).begin(name, SETTINGS[name]);
  setting.id = prefix + name;
  setting.words = words();
  setting.addEventListener('set', () => changed(setting.value));
  return setting;
}

/** Runs one at a time; of those asked for meanwhile only the last. */
export function latest(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let again = false;
  return async () => {
    again = true;
    running ??= (async () => {
      try {
        while (again) {
          again = false;
          await run();
        }
      } finally {
        running = null;
      }
    })();
    return running;
  };
}

/** Have what a visitor chooses in an input; the same may be chosen again. */
export function whenChosen(selector: string, take: (files: File[]) => void): void {
  const input = find<HTMLInputElement>(selector);
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])];
    input.value = '';
    take(files);
  });
}

export function offer(file: File): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
