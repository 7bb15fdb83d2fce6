"""Two components for albums: `AlbumPicker` takes photos, folders and ZIPs, `AlbumReport` says how far an album is.

Gradio's own file input forgets the folders that photos lie in, and keeps a row on the page for each one. Like all of
this page's components these have static templates: names of files reach the page as text, never as markup.
"""

import json
from pathlib import Path

import gradio as gr
from gradio.data_classes import FileData, GradioModel, ListFiles
from pydantic import model_validator

from demo.page import words
from lumachrome import photofile, zipfiles

_PICKER = f"""
<div class="picker">
  <p class="ask" data-word="album_drop"></p>
  <p class="limit"></p>
  <div class="ways">
    <button type="button" class="choose-photos" data-word="choose_photos"></button>
    <button type="button" class="choose-folder" data-word="choose_folder"></button>
    <button type="button" class="forget" data-word="forget" hidden></button>
  </div>
  <p class="state" role="status"></p>
  <input type="file" class="photos" multiple accept="image/*,{zipfiles.SUFFIX}" hidden>
  <input type="file" class="folder" webkitdirectory hidden>
</div>
"""
_PICKER_STYLE = """
.picker { display: flex; flex-direction: column; gap: 12px; align-items: center; justify-content: center;
  min-height: 240px; padding: 24px 16px; text-align: center; border: 1px dashed var(--border-color-primary);
  border-radius: 8px; background: var(--block-background-fill) }
.picker.over { border-color: var(--body-text-color) }
.picker p { margin: 0; overflow-wrap: anywhere }
.picker .ask { font-size: 20px }
.picker .limit { opacity: .75; font-size: 14px }
.picker .state:empty { display: none }
.picker .ways { display: flex; flex-wrap: wrap; gap: 8px; justify-content: center }
.picker button { min-height: 40px; padding: 4px 16px; border: 1px solid var(--border-color-primary);
  border-radius: 6px; color: var(--body-text-color); background: var(--button-secondary-background-fill) }
.picker [hidden] { display: none }
"""
_PICKER_SCRIPT = """
const picker = find('.picker'), inputs = [find('.photos'), find('.folder')];
let files = [], bytes = 0, busy = 0, round = 0;
find('.limit').textContent = words.album_limit.replace('{count}', LIMIT);
find('.choose-folder').hidden = !('webkitdirectory' in inputs[1]);

function say(text) { find('.state').textContent = text; }
function send() {
  props.value = { files: busy ? [] : files.slice() };
  find('.forget').hidden = !busy && !files.length;
  trigger('picked', {});
}
function forget() {
  round += 1;
  files = [];
  bytes = busy = 0;
  say('');
}
// Of a folder only what is a photo by its name, as Python does it with a ZIP.
function belongs(name) {
  if (!name.includes('/')) return true;
  const suffix = name.slice(name.lastIndexOf('.')).toLowerCase();
  return SUFFIXES.includes(suffix) && !name.split('/').some(part => part.startsWith('.'));
}
async function take(given) {
  const mine = round, wanted = given.filter(({ name }) => belongs(name)), missing = [];
  wanted.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
  const count = files.length + wanted.length;
  if (!wanted.length) return say(words.nothing_there);
  if (count > LIMIT) return say(words.album_too_many.replace('{limit}', LIMIT));
  const stored = Array(wanted.length);
  let next = 0, done = 0;
  busy += 1;
  send();
  const carry = async () => {
    while (next < wanted.length && mine === round) {
      const i = next++, { file, name } = wanted[i];
      try {
        const { path } = await upload(file);
        stored[i] = { file: { path, orig_name: file.name, meta: { _type: 'gradio.FileData' } }, name };
      } catch { missing.push(name); }
      done += 1;
      if (mine === round) say(words.uploading.replace('{done}', done).replace('{count}', wanted.length));
    }
  };
  say(words.uploading.replace('{done}', 0).replace('{count}', wanted.length));
  await Promise.all([carry(), carry(), carry()]);
  if (mine !== round) return;
  busy -= 1;
  files = [...files, ...stored.filter(Boolean)];
  bytes += wanted.reduce((sum, { file }, i) => sum + (stored[i] ? file.size : 0), 0);
  const size = bytes < 1e6 ? (bytes / 1e6).toFixed(1) : Math.round(bytes / 1e6);
  const ready = files.length ? words.ready.replace('{count}', files.length).replace('{size}', size) : '';
  const lost = missing.length ? words.not_uploaded.replace('{names}', missing.join(', ')) : '';
  say([ready, lost].filter(Boolean).join('. '));
  send();
}
async function below(entry, path = entry.name) {
  if (entry.isFile) return [{ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), name: path }];
  const reader = entry.createReader(), found = [];
  for (;;) {  // a reader gives a hundred at a time
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    for (const child of some) found.push(...await below(child, `${path}/${child.name}`));
  }
}
find('.choose-photos').onclick = () => inputs[0].click();
find('.choose-folder').onclick = () => inputs[1].click();
find('.forget').onclick = () => { forget(); send(); };
for (const input of inputs) {
  input.onchange = () => {
    take([...input.files].map(file => ({ file, name: file.webkitRelativePath || file.name })));
    input.value = '';  // the same ones may be chosen again
  };
}
picker.addEventListener('dragover', event => { event.preventDefault(); picker.classList.add('over'); });
picker.addEventListener('dragleave', () => picker.classList.remove('over'));
picker.addEventListener('drop', async event => {
  event.preventDefault();
  picker.classList.remove('over');
  const entries = [...event.dataTransfer.items].map(item => item.webkitGetAsEntry()).filter(Boolean);
  take((await Promise.all(entries.map(entry => below(entry)))).flat());
});
watch('value', () => { if (!props.value) { forget(); find('.forget').hidden = true; } });
"""

_REPORT = """
<div class="report" hidden>
  <progress max="1" data-label="album"></progress>
  <p class="line" role="status"></p>
  <div class="problems" hidden><p></p><ul></ul></div>
</div>
"""
_REPORT_STYLE = """
.report progress { appearance: none; display: block; width: 100%; height: 8px; border: 0; border-radius: 4px;
  overflow: hidden; background: var(--border-color-primary) }
.report progress::-webkit-progress-bar { background: var(--border-color-primary) }
.report progress::-webkit-progress-value { background: var(--body-text-color) }
.report progress::-moz-progress-bar { background: var(--body-text-color) }
.report p { margin: 8px 0 0 }
.report .line { text-align: center }
.report .problems { max-height: 240px; overflow: auto; margin-top: 8px; padding: 8px 12px; font-size: 14px;
  border: 1px solid var(--border-color-primary); border-radius: 8px }
.report .problems p { margin: 0; font-weight: 600 }
.report ul { margin: 4px 0 0; padding-left: 18px; list-style: disc }
.report li { overflow-wrap: anywhere }
.report [hidden] { display: none }
"""
_REPORT_SCRIPT = """
const line = find('.line'), bar = find('progress');
function show() {
  const value = props.value;
  find('.report').hidden = !value;
  if (!value) return;
  bar.hidden = value.share === null;
  bar.value = value.share || 0;
  // A screen reader hears how it ended, not every photo.
  line.setAttribute('aria-live', bar.hidden ? 'polite' : 'off');
  line.textContent = value.line;
  find('.problems').hidden = !value.problems.length;
  find('.problems p').textContent = words.album_problems;
  find('.problems ul').replaceChildren(...value.problems.map(problem => {
    const item = document.createElement('li');
    item.textContent = problem;
    return item;
  }));
}
watch('value', show);
show();
"""


class PickedFile(GradioModel):
    """A file on the server, and its name with the folders that it lay in."""

    file: FileData
    name: str


class Picked(GradioModel):
    """What was chosen."""

    files: list[PickedFile]


class Reported(GradioModel):
    """How far an album is: a line of text, the share of it that is done (None where it has ended), and sentences."""

    line: str
    share: float | None = None
    problems: tuple[str, ...] = ()


class _Component(gr.HTML):
    """What both have in common: no value of their own for the API pages."""

    def __init__(self, template, style, script, **settings):
        super().__init__(
            html_template=template,
            css_template=style,
            js_on_load=words.IN_BROWSER + script,
            apply_default_css=False,
            **settings,
        )

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


class AlbumPicker(_Component):
    """Photos, folders and ZIPs, uploaded as they are chosen: to Python a list of (path, name). Event `picked`."""

    data_model = Picked

    def __init__(self, limit, **settings):
        suffixes = sorted(photofile.PHOTO_SUFFIXES)
        constants = f'const LIMIT = {limit}, SUFFIXES = {json.dumps(suffixes)};'
        super().__init__(_PICKER, _PICKER_STYLE, constants + _PICKER_SCRIPT, **settings)

    def preprocess(self, payload):
        return [] if payload is None else [(picked.file.path, picked.name) for picked in payload.files]

    def postprocess(self, value):
        return None if value is None else Picked(files=value)

    def api_info(self):
        return Picked.model_json_schema()
    from collections.abc import Callable, Sequence
    from typing import TYPE_CHECKING, Any, Literal

    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component


class AlbumReport(_Component):
    """A bar, a line, and what is to be said about single photos; from Python a `Reported`."""

    data_model = Reported

    def __init__(self, **settings):
        super().__init__(_REPORT, _REPORT_STYLE, _REPORT_SCRIPT, **settings)

    def preprocess(self, payload):
        return payload

    def postprocess(self, value):
        return value

    def api_info(self):
        return Reported.model_json_schema()
    from collections.abc import Callable, Sequence
    from typing import TYPE_CHECKING, Any, Literal

    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component


class _Files(ListFiles):
    @model_validator(mode='before')
    @classmethod
    def _one_is_a_list_of_one(cls, value):
        return [value] if isinstance(value, dict) else value


class AlbumFiles(gr.File):
    """Gradio's input for several files, for the API: to Python a list of (path, name), as they were called before."""

    is_template = True

    def __init__(self, label):
        super().__init__(label=label, file_count='multiple')
        self.data_model = _Files

    def example_payload(self):
        return [{'path': 'album.zip', 'meta': {'_type': 'gradio.FileData'}}]

    def preprocess(self, payload):
        return [] if payload is None else [(file.path, file.orig_name or Path(file.path).name) for file in payload]
    from collections.abc import Callable, Sequence
    from typing import TYPE_CHECKING, Any, Literal

    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component