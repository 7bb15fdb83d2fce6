// A before/after slider that works from the keyboard and tells a screen reader what it shows: Gradio's own ImageSlider
// has a handle that no key reaches, and pictures without alternative texts. painter.js builds on it: both run in one
// function.

const figure = find('.compare'), frame = find('.frame'), stage = find('.stage');
const before = find('.before'), after = find('.after'), range = find('.range'), line = find('.line');
let zoom = 1, whole = 0, pressed = null, dragged = false;
// Whether somebody else wants a click.
// biome-ignore lint/style/useConst: painter.js sets it
let taken = _event => false;

function place() {
  after.style.clipPath = `inset(0 0 0 ${range.value}%)`;
  line.style.left = `${range.value}%`;
  find('.left').style.opacity = range.value > 15 ? 1 : 0;
  find('.right').style.opacity = range.value < 85 ? 1 : 0;
  range.setAttribute('aria-valuetext',
    `${range.value} % ${words.before.toLowerCase()}, ${100 - range.value} % ${words.after.toLowerCase()}`);
}
// biome-ignore lint/correctness/noUnusedVariables: painter.js calls it
function showPictures(value) {
  figure.hidden = !(value?.before && value.after);
  if (figure.hidden) return;
  if (before.src !== value.before.url) {
    before.src = value.before.url;
    zoomTo(1);
  }
  after.src = value.after.url;
  before.alt = words.before_alt;
  after.alt = words.after_alt;
  place();
}
function zoomTo(wanted) {
  if (zoom === 1) whole = stage.clientWidth;
  const x = (frame.scrollLeft + frame.clientWidth / 2) / frame.scrollWidth;
  const y = (frame.scrollTop + frame.clientHeight / 2) / frame.scrollHeight;
  zoom = Math.max(1, Math.min(8, wanted));
  // The frame keeps its size while the photo grows in it.
  if (zoom > 1 && !frame.style.height) {
    frame.style.height = `${frame.clientHeight}px`;
    frame.style.width = `${frame.clientWidth}px`;
  }
  if (zoom === 1) frame.style.height = frame.style.width = '';
  stage.classList.toggle('zoomed', zoom > 1);
  stage.style.width = zoom > 1 ? `${whole * zoom}px` : '';
  frame.scrollLeft = x * frame.scrollWidth - frame.clientWidth / 2;
  frame.scrollTop = y * frame.scrollHeight - frame.clientHeight / 2;
  frame.tabIndex = zoom > 1 ? 0 : -1;  // for the arrow keys
  find('.zoom-out').disabled = zoom === 1;
  find('.zoom-in').disabled = zoom === 8;
}
function placeOf(event) {
  const box = stage.getBoundingClientRect();
  const inside = (position, length) => Math.max(0, Math.min(1, position / length));
  return { x: inside(event.clientX - box.left, box.width), y: inside(event.clientY - box.top, box.height) };
}
function drag(event) {
  range.value = Math.round(100 * placeOf(event).x);
  place();
}
range.addEventListener('input', place);
find('.zoom-in').addEventListener('click', () => zoomTo(zoom * 2));
find('.zoom-out').addEventListener('click', () => zoomTo(zoom / 2));
let room = innerWidth;
addEventListener('resize', () => {
  if (innerWidth !== room) zoomTo(1);  // a phone's address bar changes the height alone
  room = innerWidth;
});
stage.addEventListener('pointerdown', event => {
  stage.setPointerCapture(event.pointerId);
  pressed = event.clientX;
  dragged = false;
  event.preventDefault();
});
stage.addEventListener('pointermove', event => {
  if (!event.buttons || pressed === null) return;
  dragged ||= Math.abs(event.clientX - pressed) > 4;  // less is a hand that shakes
  if (dragged) drag(event);
});
stage.addEventListener('pointerup', event => {
  if (pressed !== null && !dragged && !taken(event)) drag(event);
  pressed = null;
});
stage.addEventListener('dragstart', event => event.preventDefault());
stage.addEventListener('pointercancel', () => { pressed = null; });  // a finger that scrolls
