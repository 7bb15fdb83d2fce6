// Marks on the slider's photo, and what one does with them: see painter.py. What it does not declare, slider.js does.

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
    field('color', hint.color, words.color, value => ({ color: value })), remove);
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
  return `#${hex.join('')}`;
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
