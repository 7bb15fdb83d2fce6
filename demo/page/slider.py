"""A before/after slider for the page that works from the keyboard and tells a screen reader what it shows.

Gradio's own ImageSlider has a handle that no key reaches and pictures without alternative texts. The template is
static: a value reaches the page only as an address or as text, never as markup. `demo.page.painter` builds on it.
"""

from demo.page import words

TEMPLATE = """
<figure class="compare" hidden>
  <div class="frame">
    <div class="stage">
      <img class="before"><img class="after">
      <span class="tag left" aria-hidden="true" data-word="before"></span>
      <span class="tag right" aria-hidden="true" data-word="after"></span>
      <div class="line" aria-hidden="true"></div>
      <div class="marks"></div>
    </div>
  </div>
  <div class="under">
    <input class="range" type="range" min="0" max="100" value="50" step="1" data-label="compare">
    <button type="button" class="zoom-out" data-label="zoom_out" disabled>−</button>
    <button type="button" class="zoom-in" data-label="zoom_in">+</button>
  </div>
</figure>
"""

STYLE = """
.compare { margin: 0 }
.compare .frame { overflow: auto; max-height: 68vh; width: fit-content; max-width: 100%; margin: 0 auto;
  border-radius: 6px }
.compare .stage { position: relative; width: fit-content; line-height: 0; touch-action: pan-y; cursor: ew-resize;
  user-select: none; overflow: hidden }
.compare img { display: block; max-width: 100%; max-height: 68vh; width: auto; height: auto }
.compare .stage.zoomed img { max-width: none; max-height: none; width: 100% }
.compare .stage.zoomed { touch-action: auto }
.compare .stage .after { position: absolute; inset: 0; width: 100%; height: 100% }
.compare .line { position: absolute; top: 0; bottom: 0; width: 2px; margin-left: -1px; background: #fff;
  box-shadow: 0 0 4px rgba(0, 0, 0, .7); pointer-events: none }
.compare .line::after { content: '↔'; position: absolute; top: 50%; left: -16px; width: 34px; height: 34px;
  margin-top: -17px; border-radius: 50%; background: #fff; color: #333; font: 18px/34px sans-serif; text-align: center;
  box-shadow: 0 0 4px rgba(0, 0, 0, .5) }
.compare .tag { position: absolute; top: 10px; padding: 3px 8px; border-radius: 4px; background: rgba(0, 0, 0, .5);
  color: #fff; font-size: 12px; line-height: 1.4; pointer-events: none }
.compare .left { left: 10px } .compare .right { right: 10px }
.compare .under { display: flex; gap: 8px; align-items: center; justify-content: center; margin-top: 6px }
.compare .range { width: min(70%, 480px); height: 32px; accent-color: var(--body-text-color) }
.compare .under button { width: 32px; height: 32px; border: 1px solid var(--border-color-primary); border-radius: 6px;
  font-size: 18px; line-height: 1; color: var(--body-text-color); background: var(--button-secondary-background-fill) }
.compare .under button:disabled { opacity: .4 }
"""

# Both scripts run in one function: what is declared here is there for the painter's as well.
SCRIPT = (
    words.IN_BROWSER
    + """
const figure = find('.compare'), frame = find('.frame'), stage = find('.stage');
const before = find('.before'), after = find('.after'), range = find('.range'), line = find('.line');
let zoom = 1, whole = 0, pressed = null, dragged = false;
let taken = event => false;  // whether somebody else wants a click

function place() {
  after.style.clipPath = `inset(0 0 0 ${range.value}%)`;
  line.style.left = `${range.value}%`;
  find('.left').style.opacity = range.value > 15 ? 1 : 0;
  find('.right').style.opacity = range.value < 85 ? 1 : 0;
  range.setAttribute('aria-valuetext',
    `${range.value} % ${words.before.toLowerCase()}, ${100 - range.value} % ${words.after.toLowerCase()}`);
}
function showPictures(value) {
  figure.hidden = !(value && value.before && value.after);
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
"""
)
