/** The words of the page, in the visitor's language: those of demo/page/i18n, which the Gradio page has too. */

import type { Element as Spoken } from '../../components/element';
import { filled, type Values } from '../../components/filled';
import en from '../../../page/i18n/en.json';
import zh from '../../../page/i18n/zh.json';
import { keep, recall } from './storage';

export type Language = 'en' | 'zh';

const ALL: Record<Language, Readonly<Record<string, string>>> = { en, zh };
const KEPT = 'language';
const COMPONENTS = ['slider', 'painter', 'history', 'setting'].map((name) => `lumachrome-${name}`).join();

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

/** Sentences one after the other: Chinese ones are not kept apart by spaces. */
export const joined = (sentences: readonly string[]): string =>
  sentences
    .filter(Boolean)
    .join(' ')
    .replace(/(?<=[。！？]) /g, '');

/** Put the words into all markup that names one, and have the components say them. */
export function translate(root: ParentNode = document): void {
  document.documentElement.lang = language;
  for (const node of root.querySelectorAll<HTMLElement>('[data-word]'))
    node.textContent = word(node.dataset.word ?? '');
  for (const node of root.querySelectorAll<HTMLElement>('[data-label]'))
    node.setAttribute('aria-label', word(node.dataset.label ?? ''));
  for (const node of root.querySelectorAll<Spoken>(COMPONENTS)) node.words = words();
}
