// Files come in here: chosen, dropped or pasted anywhere, or from a camera. One photo is opened; several go to the album,
// and a clip to the video, whose tabs may be open already.

const SUFFIX = /\.[^.]+$/;
const suffixOf = name => (name.match(SUFFIX)?.[0] ?? '').toLowerCase();
const isPhoto = ({ name, type }) => type.startsWith('image/') || SUFFIXES.includes(suffixOf(name));
const isClip = ({ name, type }) => type.startsWith('video/') || !type && CLIPS.includes(suffixOf(name));
async function take(files) {
  const picker = document.querySelector('#album .picker');
  const album = picker?.checkVisibility() || files.length > 1
    || files.some(({ name }) => name.includes('/') || name.toLowerCase().endsWith(ZIP));
  if (!files.length) return say(words.nothing_came);
  if (album) return hand('album', files, 1);
  const [{ file }] = files;
  if (CLIPS.length && isClip(file)) return hand('video', files, 2);
  if (file.size > MOST_BYTES) return say(filled(words.not_uploaded, { names: file.name }));
  if (!isPhoto(file)) return say(filled(words.no_photo, { name: file.name }));
  openTab(0);
  if (await agreed()) bring(file);
}
// To a picker in another tab, which is made when that is opened for the first time: see picker.js.
function hand(kind, files, which) {
  window[`lumachrome-${kind}`] = files;
  window.dispatchEvent(new CustomEvent(`lumachrome-${kind}`));
  openTab(which);
}
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
  take(await dropped(event));
});
addEventListener('paste', event => {
  const [field] = event.composedPath();   // within the shadow of an element, too
  if (field.matches?.('input:not([type=range]), textarea')) return;
  const files = named(event.clipboardData?.files ?? []);
  event.preventDefault();
  if (files.length) take(files);
  else say(words.nothing_pasted);
});
