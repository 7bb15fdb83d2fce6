// Takes photos, folders and ZIPs, and uploads them as they are chosen, three at a time.

const picker = find('.picker'), inputs = [find('.photos'), find('.folder')];
let files = [], bytes = 0, busy = 0, round = 0;
find('.limit').textContent = words.album_limit.replace('{count}', LIMIT);
find('.choose-folder').hidden = !('webkitdirectory' in inputs[1]);
inputs[0].accept = `image/*,${ZIP}`;

function say(text) { find('.state').textContent = text; }
function send() {
  find('.names').hidden = !files.length;
  find('.names ol').replaceChildren(...files.map(({ name }) => {
    const item = document.createElement('li');
    item.textContent = name;
    return item;
  }));
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
// Of a folder only what is a photo by its name, as Python does it with a ZIP, and hints as the page names them.
function belongs(name) {
  if (!name.includes('/')) return true;
  const suffix = name.slice(name.lastIndexOf('.')).toLowerCase();
  const known = SUFFIXES.includes(suffix) || name.endsWith('-hints.json');
  return known && !name.split('/').some(part => part.startsWith('.'));
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
// Only Gradio sets it otherwise: what a tab shows for the first time it sets back to what it was, one frame later.
watch('value', send);
// What was dropped beside the picker, or before the album was opened for the first time.
function takeWaiting() {
  const files = window.lumachromeAlbum;
  window.lumachromeAlbum = null;
  if (files) take(files);
}
addEventListener('lumachrome-album', takeWaiting);
takeWaiting();
