// Takes one clip, and uploads it if it is within the limits, as far as the browser can tell.

const picker = find('.picker'), input = find('.clip'), most = PIXELS.join(' × ');
let clip = null, round = 0;
find('.limit').textContent = words.video_limit.replace('{seconds}', SECONDS).replace('{megabytes}', MEGABYTES)
  .replace('{pixels}', most);

function say(text) { find('.state').textContent = text; }
function send() {
  props.value = { file: clip };
  find('.forget').hidden = !clip;
  trigger('picked', {});
}
function forget() {
  round += 1;
  clip = null;
  say('');
}
function filled(word, values) {
  return Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, value), word);
}
// How long and how large a video is; null where this browser cannot play it.
function measured(file) {
  const video = document.createElement('video'), address = URL.createObjectURL(file);
  return new Promise(resolve => {
    video.onloadedmetadata = () => resolve([video.duration, video.videoWidth, video.videoHeight]);
    video.onerror = () => resolve(null);
    video.src = address;
  }).finally(() => URL.revokeObjectURL(address));
}
async function refusal(file) {
  const { name } = file;
  const megabytes = Math.ceil(file.size / 2 ** 20);
  if (megabytes > MEGABYTES) return filled(words.video_too_large, { name, size: megabytes, limit: MEGABYTES });
  const [seconds, width, height] = await measured(file) ?? [0, 0, 0];
  // A recording may not say how long it is.
  if (Number.isFinite(seconds) && seconds > SECONDS + 0.5) {
    return filled(words.video_too_long, { name, seconds: Math.round(seconds), limit: SECONDS });
  }
  if (width * height > PIXELS[0] * PIXELS[1]) return filled(words.video_too_wide, { name, width, height, limit: most });
  return '';
}
async function take(file) {
  forget();
  send();
  const mine = round, refused = await refusal(file);
  if (mine !== round) return;
  if (refused) return say(refused);
  say(words.uploading_photo);
  find('.forget').hidden = false;
  let stored = null;
  try {
    const { path } = await upload(file);
    stored = { path, orig_name: file.name, meta: { _type: 'gradio.FileData' } };
  } catch { }
  if (mine !== round) return;
  clip = stored;
  const size = (file.size / 1e6).toFixed(file.size < 1e7 ? 1 : 0);
  say(clip ? filled(words.video_ready, { name: file.name, size }) : words.not_uploaded.replace('{names}', file.name));
  send();
}
find('.choose-clip').onclick = () => input.click();
find('.forget').onclick = () => { forget(); send(); };
input.onchange = () => {
  if (input.files.length) take(input.files[0]);
  input.value = '';  // the same one may be chosen again
};
picker.addEventListener('dragover', event => { event.preventDefault(); picker.classList.add('over'); });
picker.addEventListener('dragleave', () => picker.classList.remove('over'));
picker.addEventListener('drop', event => {
  event.preventDefault();
  picker.classList.remove('over');
  if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
});
// Only Gradio sets it otherwise: what a tab shows for the first time it sets back to what it was, one frame later.
watch('value', send);
// What was dropped beside the picker, or before the tab was opened for the first time.
function takeWaiting() {
  const file = window.lumachromeVideo;
  window.lumachromeVideo = null;
  if (file) take(file);
}
addEventListener('lumachrome-video', takeWaiting);
takeWaiting();
