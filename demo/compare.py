"""A before/after slider for the page that works from the keyboard and tells a screen reader what it shows.

Gradio's own ImageSlider has a handle that no key reaches and pictures without alternative texts. The template is
static: a value reaches the page only as an address or as text, never as markup.
"""

from pathlib import Path

import gradio as gr
from gradio.data_classes import GradioModel, ImageData

_TEMPLATE = """
<figure class="compare" hidden>
  <div class="stage">
    <img class="before"><img class="after">
    <span class="tag left" aria-hidden="true">Before</span><span class="tag right" aria-hidden="true">After</span>
    <div class="line" aria-hidden="true"></div>
  </div>
  <input type="range" min="0" max="100" value="50" step="1" aria-label="Compare before and after">
</figure>
"""

_STYLE = """
.compare { margin: 0 }
.compare .stage { position: relative; width: fit-content; margin: 0 auto; line-height: 0; touch-action: pan-y;
  cursor: ew-resize; user-select: none; overflow: hidden; border-radius: 6px }
.compare img { display: block; max-width: 100%; max-height: 68vh; width: auto; height: auto }
.compare .after { position: absolute; inset: 0; width: 100%; height: 100% }
.compare .line { position: absolute; top: 0; bottom: 0; width: 2px; margin-left: -1px; background: #fff;
  box-shadow: 0 0 4px rgba(0, 0, 0, .7); pointer-events: none }
.compare .line::after { content: '↔'; position: absolute; top: 50%; left: -16px; width: 34px; height: 34px;
  margin-top: -17px; border-radius: 50%; background: #fff; color: #333; font: 18px/34px sans-serif; text-align: center;
  box-shadow: 0 0 4px rgba(0, 0, 0, .5) }
.compare .tag { position: absolute; top: 10px; padding: 3px 8px; border-radius: 4px; background: rgba(0, 0, 0, .5);
  color: #fff; font-size: 12px; line-height: 1.4; pointer-events: none }
.compare .left { left: 10px } .compare .right { right: 10px }
.compare input { display: block; width: min(100%, 480px); height: 32px; margin: 6px auto 0 }
"""

_SCRIPT = """
const find = selector => element.querySelector(selector);
const figure = find('.compare'), stage = find('.stage'), before = find('.before'), after = find('.after');
const range = find('input'), line = find('.line');
function place() {
  after.style.clipPath = `inset(0 0 0 ${range.value}%)`;
  line.style.left = `${range.value}%`;
  find('.left').style.opacity = range.value > 15 ? 1 : 0;
  find('.right').style.opacity = range.value < 85 ? 1 : 0;
  range.setAttribute('aria-valuetext', `${range.value} % before, ${100 - range.value} % after`);
}
function show() {
  const value = props.value;
  figure.hidden = !(value && value.before && value.after);
  if (figure.hidden) return;
  if (before.src !== value.before.url) before.src = value.before.url;
  after.src = value.after.url;
  before.alt = 'The photo as it came';
  after.alt = 'The photo in colour';
  place();
}
function drag(event) {
  const box = stage.getBoundingClientRect();
  range.value = Math.round((event.clientX - box.left) / box.width * 100);
  place();
}
range.addEventListener('input', place);
stage.addEventListener('pointerdown', event => {
  stage.setPointerCapture(event.pointerId);
  drag(event);
  event.preventDefault();
});
stage.addEventListener('pointermove', event => { if (event.buttons) drag(event); });
watch('value', show);
show();
"""


class Pictures(GradioModel):
    """The two pictures of a slider; as large as each other."""

    before: ImageData | None = None
    after: ImageData | None = None


class CompareSlider(gr.HTML):
    """Two pictures, the second uncovered from the right; its value is a pair of paths, or None."""

    data_model = Pictures

    def __init__(self, value=None, **settings):
        super().__init__(
            value=value,
            html_template=_TEMPLATE,
            css_template=_STYLE,
            js_on_load=_SCRIPT,
            apply_default_css=False,
            **settings,
        )

    def preprocess(self, payload):
        if payload is None or payload.before is None or payload.after is None:
            return None
        return payload.before.path, payload.after.path

    def postprocess(self, value):
        if value is None:
            return None
        before, after = (ImageData(path=str(path), orig_name=Path(path).name) for path in value)
        return Pictures(before=before, after=after)

    def api_info(self):
        return Pictures.model_json_schema()

    def example_payload(self):
        return None

    def example_value(self):
        return None
