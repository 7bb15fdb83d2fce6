/** Slider, painter and history, defined as <lumachrome-slider>, <lumachrome-painter> and <lumachrome-history>. */

export { nameOf, THINGS } from './colors';
export type { Point, Words } from './element';
export { History } from './history';
export { type Hint, Painter } from './painter';
export type { Picture, Region } from './pictures';
export { type Pair, type Read, Slider } from './slider';
export { Timeline } from './timeline';
