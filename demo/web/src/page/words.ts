/** The words of the page, in the visitor's language: those of demo/page/i18n, which the Gradio page has too. */

import en from '../../../page/i18n/en.json';
import zh from '../../../page/i18n/zh.json';
import { keep, recall } from './storage';

export type Language = 'en' | 'zh';
export type Values = Readonly<Record<string, string | number>>;

const ALL: Record<Language, Readonly<Record<string, string>>> = { en, zh };
const KEPT = 'language';

let language: Language = (recall(KEPT) ?? navigator.language).startsWith('zh') ? 'zh' : 'en';

export const current = (): Language => language;
export const words = (): Readonly<Record<string, string>> => ALL[language];

/** A word, with values in place of what stands in braces. */
export const word = (name: string, values: Values = {}): string =>
  (ALL[language][name] ?? name).replace(/\{(\w+)\}/g, (all, key: string) => String(values[key] ?? all));

export function choose(wanted: Language): void {
  language = wanted;
  keep(KEPT, wanted);
}

/** Put the words into all markup that names one. */
export function translate(root: ParentNode = document): void {
  document.documentElement.lang = language;
  for (const node of root.querySelectorAll<HTMLElement>('[data-word]'))
    node.textContent = word(node.dataset.word ?? '').replace(/^# /, '');
  for (const node of root.querySelectorAll<HTMLElement>('[data-label]'))
    node.setAttribute('aria-label', word(node.dataset.label ?? ''));
}
