/** The words of the page, in the visitor's language: those of demo/page/i18n, which the Gradio page has too. */

import { filled, type Values } from '../../components/filled';
import en from '../../../page/i18n/en.json';
import zh from '../../../page/i18n/zh.json';
import { keep, recall } from './storage';

export type Language = 'en' | 'zh';

const ALL: Record<Language, Readonly<Record<string, string>>> = { en, zh };
const KEPT = 'language';

let language: Language = (recall(KEPT) ?? navigator.language).startsWith('zh') ? 'zh' : 'en';

export const current = (): Language => language;
export const words = (): Readonly<Record<string, string>> => ALL[language];

/** A word, with values in place of what stands in braces. */
export const word = (name: string, values: Values = {}): string =>
  filled(ALL[language][name] ?? name, values);

export function choose(wanted: Language): void {
  language = wanted;
  keep(KEPT, wanted);
}

/** Put the words into all markup that names one. */
export function translate(root: ParentNode = document): void {
  document.documentElement.lang = language;
  for (const node of root.querySelectorAll<HTMLElement>('[data-word]'))
    node.textContent = word(node.dataset.word ?? '');
  for (const node of root.querySelectorAll<HTMLElement>('[data-label]'))
    node.setAttribute('aria-label', word(node.dataset.label ?? ''));
}
