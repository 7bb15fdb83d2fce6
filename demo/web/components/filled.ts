/** Texts with gaps. */

export type Values = Readonly<Record<string, string | number>>;

/** A text with values in place of their names in braces; a value may hold anything, and is not looked into. */
export const filled = (text: string, values: Values): string =>
  text.replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all));
