/** Small things that all views need. */

import { sliders } from '../adjustments.json';
import { AS_THEY_COME, type Adjustments, SETTINGS } from '../engine/adjustments';
import { PhotoError } from '../engine/photo';
import { word } from './words';

export function find<Found extends Element = HTMLElement>(selector: string, root: ParentNode = document): Found {
  const found = root.querySelector<Found>(selector);
  if (!found) throw new Error(`There is no ${selector}.`);
  return found;
}

export function say(text: string): void {
  find('#status').textContent = text;
}

/** Say what needs no more than to be read. */
export function mention(text: string): void {
  say(text);
  setTimeout(() => {
    if (find('#status').textContent === text) say('');
  }, 6000);
}

/** What went wrong, in a sentence; what is no visitor's fault shows in the console too. */
export function complain(error: unknown, name = ''): void {
  const box = find('#error');
  box.textContent = sentence(error, name);
  box.hidden = !box.textContent;
}

export function sentence(error: unknown, name = ''): string {
  if (!error) return '';
  if (!(error instanceof PhotoError)) console.error(error);
  const known = error instanceof PhotoError;
  return word(known ? error.message : 'failed', { name: name || word('photo'), ...(known ? error.values : {}) });
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

/** A slider for a setting; `changed` is told each step. */
export function slider(name: NumberName, prefix: string, changed: (value: number) => void): HTMLElement {
  const setting = SETTINGS[name];
  const label = document.createElement('label');
  label.className = 'slider';
  const title = document.createElement('span');
  title.dataset.word = name;
  title.textContent = word(name);
  const input = document.createElement('input');
  Object.assign(input, { type: 'range', id: prefix + name, min: setting.low, max: setting.high, step: setting.step });
  const output = document.createElement('output');
  const show = (): void => {
    output.textContent = Number(input.value).toFixed(2);
  };
  input.addEventListener('input', () => {
    show();
    changed(Number(input.value));
  });
  input.addEventListener('set', show);
  set(input, AS_THEY_COME[name]);
  label.append(title, output, input);
  return label;
}

export function set(input: HTMLInputElement, value: number): void {
  input.value = String(value);
  input.dispatchEvent(new Event('set'));
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

export function offer(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
