/** Slider, painter, history and player, defined as <lumachrome-slider>, <lumachrome-painter> and so on. */

export { History } from './history';
export { Painter } from './painter';
export { Player } from './player';
export { Slider } from './slider';
