/** Slider, painter, history and player, defined as <lumachrome-slider>, <lumachrome-painter> and so on. */

export { nameOf, THINGS } from './colors';
export type { Point, Words } from './element';
export { History } from './history';
export { type Hint, Painter } from './painter';
export type { Picture, Region } from './pictures';
export { Player } from './player';
export { type Pair, type Read, Slider } from './slider';
export { Timeline } from './timeline';
