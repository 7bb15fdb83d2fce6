/** Slider, painter, history, player and setting, defined as <lumachrome-slider>, <lumachrome-painter> and so on; files of hints. */

export { hintFile, hintsOf } from './hintfile';
export { History } from './history';
export { Painter } from './painter';
export { Player } from './player';
export { Setting } from './setting';
export { Slider } from './slider';
