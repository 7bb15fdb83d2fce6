// Photos come in here: chosen, dropped or pasted anywhere, from a camera, an example, or kept from before a reload.
// The work (the photo's file and its look) lies in the browser's own storage, and is gone with "another photo".

const SUFFIX = /\.[^.]+$/;
const opened_db = new Promise((resolve, reject) => {
  const request = indexedDB.open('lumachrome', 1);
  request.onupgradeneeded = () => request.result.createObjectStore('work');
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
}).catch(() => null);   // a private window may have none
let kept = false, own = null, remembering = 0, resumed = null;   // `own`: the photo's file here
let came = null;   // where in an album the photo was opened
let sample = '';   // the example's name: its file is on the server, and `own` is a small picture of it

async function stored(mode, act) {
  const db = await opened_db;
  if (!db) return undefined;
  return new Promise(resolve => {
    const request = act(db.transaction('work', mode).objectStore('work'));
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => resolve(undefined);
  });
}
function remember(all = false) {
  clearTimeout(remembering);
  remembering = setTimeout(async () => {
    if (!own) return;
    const done = await stored('readwrite', store => {
      if (all) store.put(own, 'photo');
      return store.put({ look: { ...look, palette: null }, model, sample }, 'look');
    });
    kept = done !== undefined;
    sessionStorage.setItem('lumachrome', '1');
  }, all ? 0 : 200);
}
function forget() {
  clearTimeout(remembering);
  own = null;
  sessionStorage.removeItem('lumachrome');
  stored('readwrite', store => store.clear());
}
async function resume(now) {
  const [file, work] = [await stored('readonly', store => store.get('photo')),
    await stored('readonly', store => store.get('look'))];
  if (!file || !work || own) return;
  const wanted = { ...firstLook(), ...work.look };
  const again = () => work.sample ? beginExample(file, work.sample, wanted, work.model) : bring(file, wanted, work.model);
  if (now) return again();
  find('.resume').hidden = false;
  find('.resume').textContent = words.resume.replace('{name}', file.name);
  find('.resume').onclick = again;
}
resume(sessionStorage.getItem('lumachrome'));
addEventListener('beforeunload', event => { if (own && past.changed && !kept) event.preventDefault(); });

// What came: one photo is shown, several go to the album
const said = find('.said');
let saying = 0;
studio.closest('main')?.append(said);   // to be seen whichever tab is open
function say(text) {
  clearTimeout(saying);
  said.hidden = false;
  said.textContent = text;
  saying = setTimeout(() => { said.hidden = true; }, 6000);
}
const wait = text => {
  find('.busy').hidden = !text;
  find('.busy span').textContent = text;
};
function isPhoto({ name, type }) {
  return type.startsWith('image/') || SUFFIXES.includes((name.match(SUFFIX)?.[0] ?? '').toLowerCase());
}
// Gradio has a second row of tabs, unseen, to measure them.
function openTab(which) {
  [...document.querySelectorAll('[role=tab]')].filter(tab => tab.checkVisibility())[which]?.click();
}
async function take(files) {
  const picker = document.querySelector('#album .picker');
  const album = picker?.checkVisibility() || files.length > 1 || files.some(({ name }) => name.includes('/') || name.toLowerCase().endsWith(ZIP));
  if (!files.length) return say(words.nothing_came);
  if (album) {
    window.lumachromeAlbum = files;
    window.dispatchEvent(new CustomEvent('lumachrome-album'));
    openTab(1);
    return;
  }
  const [{ file }] = files;
  if (CLIPS && file.type.startsWith('video/')) {
    window.lumachromeVideo = file;
    window.dispatchEvent(new CustomEvent('lumachrome-video'));
    openTab(2);
    return;
  }
  if (file.size > MOST_BYTES) return say(words.not_uploaded.replace('{names}', file.name));
  if (!isPhoto(file)) return say(words.no_photo.replace('{name}', file.name));
  openTab(0);
  if (await agreed()) bring(file);
}
async function bring(file, wanted = null, network = null) {
  wait(words.uploading_photo);
  studio.classList.remove('empty');
  painter.hidden = true;
  find('.drop').hidden = find('.examples').hidden = true;
  try {
    const { path, url } = await upload(file);
    photo = { path, url, orig_name: file.name, size: file.size, meta: { _type: 'gradio.FileData' } };
  } catch {
    say(words.not_uploaded.replace('{names}', file.name));
    return failed();
  }
  begin(file, wanted, network, {});
}
function begin(file, wanted, network, detail) {
  own = file;
  sample = detail.example ?? '';
  came = detail.came ?? null;
  find('.put-back').hidden = !came;
  resumed = wanted;
  look = wanted ?? firstLook();
  model = MODELS.some(([, value]) => value === network) ? network : MODELS[0]?.[1] ?? '';
  wait(words.working);
  tell('begin', detail);
}
function beginExample(file, name, wanted = null, network = null) {
  photo = null;
  begin(file, wanted, network, { example: name });
}
// A photo of an album, to be looked at by itself.
async function brought(given) {
  openTab(0);
  if (!await agreed()) return;
  const file = await (await fetch(given.photo.url)).blob(), plain = firstLook();
  photo = given.photo;
  begin(new File([file], photo.orig_name), { ...plain, settings: { ...plain.settings, ...given.settings } },
    given.model, { came: given.came });
  resumed = null;  // so it came
}
function opened([width, height]) {
  wait('');
  studio.classList.remove('empty');
  painter.hidden = panel.hidden = false;
  find('.drop').hidden = find('.examples').hidden = true;
  painter.leave();
  painter.slider.begin(width, height, read);
  const first = { look: firstLook(), model };
  if (resumed) past.begin(first, { look, model });
  else past.begin({ look, model });
  showLook();
  remember(true);
}
function failed() {
  wait('');
  photo = own = null;
  studio.classList.add('empty');
  panel.hidden = true;
  find('.drop').hidden = find('.examples').hidden = false;
  find('.warning').textContent = find('.status').textContent = '';
  painter.hidden = true;
  hero();
}
function agreed() {
  if (!own || !past.changed) return true;
  const box = find('.sure');
  box.querySelector('p').textContent = words.sure.replace('{name}', own.name);
  box.showModal();
  return new Promise(answer => {
    find('.stay').onclick = () => box.close();
    find('.leave').onclick = () => box.close('leave');
    // The last one's close may come after it was opened again
    box.onclose = () => { if (box.open) return; answer(box.returnValue === 'leave'); box.returnValue = ''; };
  });
}
find('.another').onclick = async () => {
  if (!await agreed()) return;
  forget();
  failed();
  find('.choose').focus();
};
const named = files => [...files].map(file => ({ file, name: file.name }));
find('.choose').onclick = () => find('.file').click();
find('.drop').onclick = ({ target }) => { if (!target.closest('button, input')) find('.file').click(); };
find('.camera').hidden = !matchMedia('(pointer: coarse)').matches;
find('.camera').onclick = () => find('.shot').click();
for (const input of [find('.file'), find('.shot')]) {
  input.onchange = () => { take(named(input.files)); input.value = ''; };
}
find('.file').accept = `image/*,${SUFFIXES.join()},${ZIP}`;
const carries = event => event.dataTransfer?.types.includes('Files');
let inside = 0;
addEventListener('dragenter', event => {
  if (!carries(event)) return;
  inside += 1;
  find('.anywhere').hidden = false;
});
addEventListener('dragleave', event => {
  if (carries(event)) inside -= 1;
  if (inside <= 0) find('.anywhere').hidden = true;
});
addEventListener('dragover', event => { if (carries(event)) event.preventDefault(); });
addEventListener('drop', async event => {
  inside = 0;
  find('.anywhere').hidden = true;
  if (!carries(event) || event.defaultPrevented) return;
  event.preventDefault();
  const entries = [...event.dataTransfer.items].map(item => item.webkitGetAsEntry?.()).filter(Boolean);
  const whole = entries.length ? (await Promise.all(entries.map(entry => below(entry)))).flat()
    : named(event.dataTransfer.files);
  take(whole);
});
addEventListener('paste', event => {
  if (event.target.matches?.('input:not([type=range]), textarea')) return;
  const files = named(event.clipboardData?.files ?? []);
  event.preventDefault();
  if (files.length) take(files);
  else say(words.nothing_pasted);
});
const examples = EXAMPLES.map(([name, source]) => {
  const button = card('', source, async () => {
    const file = await (await fetch(source)).blob();
    beginExample(new File([file], `${name}.jpg`), name);
  });
  const text = name.replace(/^old-/, `${words.old} `).replaceAll('-', ' ');
  button.setAttribute('aria-label', words.example.replace('{name}', text));
  return button;
});
find('.examples .row').append(...examples);

// An empty page shows at once what it does.
let example = null;
function hero(given = example) {
  example = given;
  if (!example || !studio.classList.contains('empty')) return;
  painter.steerable = false;
  painter.hints = [];
  painter.hidden = false;
  painter.slider.begin(example.width, example.height);
  painter.slider.show('before', example.before);
  painter.slider.show('after', example.after);
}
