"""Colour hints, given by clicking on the photo: the before/after slider with marks to place, move, colour and remove.

A click marks a place, and the page offers likely colours for it (event `point`); a chosen colour makes it a hint (event
`hint`). All of it works from the keyboard too: a mark is a button that arrows move, and every hint has a row in a list.
The hints belong to the browser: what Python leaves out of a value stays as it is there.
"""

from pathlib import Path

import gradio as gr
from gradio.data_classes import GradioModel, ImageData

from demo.page import slider

_TEMPLATE = """
<div class="painter" hidden>
  <div class="bar">
    <span class="help" data-word="help"></span>
    <button type="button" class="add" data-word="add"></button>
    <button type="button" class="border" data-word="border"></button>
    <button type="button" class="undo" data-word="undo"></button>
    <button type="button" class="clear" data-word="clear"></button>
  </div>
  <div class="bar chosen" hidden>
    <span class="likely" role="group" data-label="likely"></span>
    <label class="any"><span data-word="choose"></span> <input type="color" value="#b07040"></label>
    <button type="button" class="dropper" aria-pressed="false" data-word="drop_colour"></button>
    <button type="button" class="gray" data-word="gray"></button>
    <button type="button" class="remove" data-word="remove"></button>
  </div>
  <details class="all" hidden><summary></summary><ol></ol></details>
  <div class="live" role="status" aria-live="polite"></div>
</div>
"""

_STYLE = """
.compare .stage.paintable { cursor: crosshair }
.compare .mark { position: absolute; width: 22px; height: 22px; margin: -11px 0 0 -11px; padding: 0; border-radius: 50%;
  border: 2px solid #fff; box-shadow: 0 0 0 1.5px rgba(0, 0, 0, .75); cursor: grab; touch-action: none }
.compare .mark.open { background: rgba(255, 255, 255, .25); border-style: dashed }
.compare .mark.selected, .compare .mark:focus-visible { outline: 3px solid #fff; outline-offset: 2px;
  box-shadow: 0 0 0 1.5px #000, 0 0 0 7px rgba(0, 0, 0, .6) }
.painter { margin-top: 8px }
.painter .bar { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; justify-content: center;
  padding: 6px 0 }
.painter .bar[hidden] { display: none }
.painter .help { opacity: .75; font-size: 14px }
.painter button { min-height: 32px; padding: 2px 12px; border: 1px solid var(--border-color-primary);
  border-radius: 6px; font-size: 14px; color: var(--body-text-color);
  background: var(--button-secondary-background-fill) }
.painter button:disabled { opacity: .4 }
.painter button[aria-pressed=true] { outline: 2px solid var(--body-text-color) }
.painter .likely { display: flex; gap: 6px }
.painter .likely button { width: 36px; min-height: 36px; padding: 0; border-radius: 50% }
.painter .any { display: flex; gap: 6px; align-items: center; font-size: 14px }
.painter input[type=color] { width: 36px; height: 32px; padding: 0; border: 1px solid var(--border-color-primary);
  border-radius: 6px; background: none }
.painter .all { max-width: 520px; margin: 4px auto; font-size: 14px } .painter .all summary { text-align: center }
.painter .all li { display: flex; gap: 8px; align-items: center; justify-content: center; margin: 6px 0 }
.painter .all input[type=number] { width: 72px; height: 32px; border: 1px solid var(--border-color-primary);
  border-radius: 6px; padding: 0 6px; color: inherit; background: var(--input-background-fill) }
.painter .live { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
"""

_SCRIPT = """
const GRAY = '#808080', EDGE = [0.01, 0.5, 0.99];
const painter = find('.painter'), marks = find('.marks'), rows = find('.all ol'), color = find('.any input');
let mine = { hints: [] };       // the value as it stands here
let past = [], lastEdit = '';   // for undo: a drag or a walk through the colours is one step
let chosen = -1, point = null;  // the hint that is selected, or a place that has no colour yet
let dropping = false;

function show() {
  const news = Object.entries(props.value || {}).filter(([, value]) => value !== null);
  if (!props.value) mine = { hints: [] };
  const fresh = Object.fromEntries(news);
  if (fresh.hints && fresh.hints !== mine.hints && fresh.given) {
    if (fresh.given === 'anew') { past = []; lastEdit = ''; } else remember('load');
    chosen = -1;
    point = null;
  } else delete fresh.hints;
  delete fresh.given;
  mine = { ...mine, ...fresh };
  showPictures(mine);
  painter.hidden = marks.hidden = figure.hidden || !mine.steerable;
  stage.classList.toggle('paintable', !painter.hidden);
  draw();
}
function draw() {
  const { hints } = mine, all = point ? [...hints, point] : hints;
  const at = document.activeElement && marks.contains(document.activeElement)
    ? [...marks.children].indexOf(document.activeElement) : -1;
  while (marks.children.length > all.length) marks.lastChild.remove();
  while (marks.children.length < all.length) marks.append(newMark());
  all.forEach((hint, i) => {
    const mark = marks.children[i];
    mark.style.left = `${100 * hint.x}%`;
    mark.style.top = `${100 * hint.y}%`;
    mark.style.background = hint.color || '';
    mark.classList.toggle('open', !hint.color);
    mark.classList.toggle('selected', hint === point || i === chosen);
    mark.setAttribute('aria-label', hint.color ? `${words.hint} ${i + 1}: ${hint.color}` : words.unknown_place);
  });
  if (at >= all.length) find('.add').focus();
  find('.chosen').hidden = chosen < 0 && !point;
  find('.remove').hidden = chosen < 0;
  if (chosen >= 0) color.value = hints[chosen].color;
  find('.undo').disabled = !past.length;
  find('.clear').disabled = !hints.length;
  find('.dropper').setAttribute('aria-pressed', dropping);
  find('.help').textContent = dropping ? words.drop_help : words.help;
  find('.likely').replaceChildren(...(mine.swatches || []).map(swatch));
  find('.all').hidden = !hints.length;
  find('.all summary').textContent = `${words.list} (${hints.length})`;
  // A row that is being typed in stays.
  if (rows.children.length !== hints.length || !rows.contains(document.activeElement)) {
    rows.replaceChildren(...hints.map(row));
  }
}
function swatch(shade) {
  const button = document.createElement('button');
  button.type = 'button';
  button.style.background = shade;
  button.setAttribute('aria-label', `${words.likely}: ${shade}`);
  button.title = shade;
  button.onclick = () => paint(shade);
  return button;
}
function row(hint, i) {
  const item = document.createElement('li'), number = document.createElement('span');
  number.textContent = `${i + 1}.`;
  const field = (type, value, label, change) => {
    const input = document.createElement('input');
    Object.assign(input, { type, value, min: 0, max: 100, step: 1 });
    input.setAttribute('aria-label', `${words.hint} ${i + 1}, ${label}`);
    input.title = label;
    input.onchange = () => edit(i, change(input.value));
    return input;
  };
  const share = value => Math.max(0, Math.min(1, value / 100 || 0));
  const remove = document.createElement('button');
  remove.type = 'button';
  remove.textContent = '×';
  remove.setAttribute('aria-label', `${words.remove}: ${words.hint} ${i + 1}`);
  remove.onclick = () => drop(i);
  item.append(number,
    field('number', Math.round(100 * hint.x), words.across, value => ({ x: share(value) })),
    field('number', Math.round(100 * hint.y), words.down, value => ({ y: share(value) })),
    field('color', hint.color, words.colour, value => ({ color: value })), remove);
  return item;
}

function remember(edit) {
  if (edit === '' || edit !== lastEdit) past.push(mine.hints);
  lastEdit = edit;
}
function set(hints, edit = '') {
  remember(edit);
  send(hints);
}
function send(hints) {
  mine = { ...mine, hints };
  chosen = Math.min(chosen, hints.length - 1);
  draw();
  find('.live').textContent = words.hints_now + hints.length;
  props.value = { ...mine };
  trigger('hint', {});
}
function paint(shade, edit = '') {
  dropping = false;
  if (chosen >= 0) return set(mine.hints.map((hint, i) => i === chosen ? { ...hint, color: shade } : hint), edit);
  if (!point) return;
  const added = { ...point, color: shade };
  point = null;
  chosen = mine.hints.length;
  set([...mine.hints, added], edit && `color ${chosen}`);
}
function edit(i, change, name = '') {
  set(mine.hints.map((hint, j) => j === i ? { ...hint, ...change } : hint), name);
}
function drop(i) {
  chosen = -1;
  set(mine.hints.filter((_, j) => j !== i));
}
function ask({ x, y }) {
  mine.swatches = [];
  draw();
  trigger('point', { x, y, hint: chosen });
}
function mark({ x, y }) {
  point = { x, y };
  chosen = -1;
  if (!mine.hints.length && range.value > 0) {  // what one does is to be seen
    range.value = 0;
    place();
  }
  ask(point);
}
function select(i) {
  if (i >= mine.hints.length || i === chosen) return;
  chosen = i;
  point = null;
  ask(mine.hints[i]);
}
function move(i, { x, y }) {
  if (i < mine.hints.length) return edit(i, { x, y }, `move ${i}`);
  point = { x, y };
  ask(point);
}
function newMark() {
  const mark = document.createElement('button');
  mark.type = 'button';
  mark.className = 'mark';
  const index = () => [...marks.children].indexOf(mark);
  let start = null, moved = false;
  mark.addEventListener('pointerdown', event => {
    event.stopPropagation();
    mark.setPointerCapture(event.pointerId);
    start = [event.clientX, event.clientY];
    moved = false;
  });
  mark.addEventListener('pointermove', event => {
    if (!start) return;
    moved ||= Math.hypot(event.clientX - start[0], event.clientY - start[1]) > 4;
    if (!moved) return;
    const to = placeOf(event);
    mark.style.left = `${100 * to.x}%`;
    mark.style.top = `${100 * to.y}%`;
  });
  mark.addEventListener('pointerup', event => {
    event.stopPropagation();
    start = null;
    if (!moved) return select(index());
    lastEdit = '';
    move(index(), placeOf(event));
  });
  mark.addEventListener('keydown', event => {
    const i = index(), all = point ? [...mine.hints, point] : mine.hints, step = event.shiftKey ? 0.05 : 0.01;
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const inside = value => Math.max(0, Math.min(1, value));
    if (way) move(i, { x: inside(all[i].x + step * way[0]), y: inside(all[i].y + step * way[1]) });
    else if (event.key === 'Delete' || event.key === 'Backspace') i < mine.hints.length ? drop(i) : leave();
    else if (event.key === 'Enter' || event.key === ' ') select(i);
    else return;
    event.preventDefault();
  });
  return mark;
}
function leave() {
  point = null;
  chosen = -1;
  dropping = false;
  draw();
}
function undo() {
  if (!past.length) return;
  lastEdit = '';
  chosen = -1;
  point = null;
  send(past.pop());
}
function shadeAt({ x, y }) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const context = canvas.getContext('2d');
  context.drawImage(after, -Math.min(Math.floor(x * after.naturalWidth), after.naturalWidth - 1),
    -Math.min(Math.floor(y * after.naturalHeight), after.naturalHeight - 1));
  const hex = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map(v => v.toString(16).padStart(2, '0'));
  return '#' + hex.join('');
}

taken = event => {
  if (painter.hidden) return false;
  if (dropping) paint(shadeAt(placeOf(event)));
  else mark(placeOf(event));
  return true;
};
color.addEventListener('input', () => paint(color.value, `color ${chosen}`));
find('.gray').onclick = () => paint(GRAY);
find('.remove').onclick = () => drop(chosen);
find('.undo').onclick = undo;
find('.clear').onclick = () => { leave(); set([]); };
find('.dropper').onclick = () => { dropping = !dropping; draw(); };
find('.add').onclick = () => { mark({ x: 0.5, y: 0.5 }); marks.lastChild.focus(); };
find('.border').onclick = () => {
  leave();
  const edge = EDGE.flatMap(x => EDGE.map(y => ({ x, y, color: GRAY }))).filter(({ x, y }) => x !== 0.5 || y !== 0.5);
  set([...mine.hints, ...edge]);
};
element.addEventListener('keydown', event => {
  if (event.key === 'z' && (event.ctrlKey || event.metaKey)) undo();
  else if (event.key === 'Escape') leave();
  else return;
  event.preventDefault();
});
watch('value', show);
show();
"""


class Hint(GradioModel):
    """A place whose colour is known: x and y as fractions of width and height, color as '#rrggbb'."""

    x: float
    y: float
    color: str


class Painted(GradioModel):
    """What the painter shows; a field that is None stays as it is in the browser.

    `steerable` says whether hints may be given, `swatches` are likely colours for the place that was asked about.
    `given` comes with hints from Python: 'anew' with a new photo, 'loaded' where they can be undone.
    """

    before: ImageData | None = None
    after: ImageData | None = None
    steerable: bool | None = None
    swatches: list[str] | None = None
    hints: list[Hint] | None = None
    given: str | None = None


class HintPainter(gr.HTML):
    """The photo before and after, with hints: to Python a list of dict; from Python a dict of `Painted`'s fields."""

    data_model = Painted

    def __init__(self, value=None, **settings):
        super().__init__(
            value=value,
            html_template=slider.TEMPLATE + _TEMPLATE,
            css_template=slider.STYLE + _STYLE,
            js_on_load=slider.SCRIPT + _SCRIPT,
            apply_default_css=False,
            **settings,
        )

    def preprocess(self, payload):
        return [] if payload is None else [hint.model_dump() for hint in payload.hints or []]

    def postprocess(self, value):
        if value is None:
            return None
        pictures = {
            name: ImageData(path=str(value[name]), orig_name=Path(value[name]).name)
            for name in ('before', 'after')
            if name in value
        }
        return Painted(**value | pictures)

    def api_info(self):
        return Painted.model_json_schema()

    def example_payload(self):
        return None

    def example_value(self):
        return None
    from collections.abc import Callable, Sequence
    from typing import TYPE_CHECKING, Any, Literal

    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component