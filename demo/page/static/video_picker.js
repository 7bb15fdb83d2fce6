// Takes one clip, and uploads it if it is within the limits, as far as the browser can tell.

const MEASURING = 4000;   // ms that a browser may look at a clip: some never say that they cannot play it
const most = PIXELS.join(' × ');
let clip = null;
find('.limit').textContent = filled(words.video_limit, { seconds: SECONDS, megabytes: MEGABYTES, pixels: most });
find('.choose-clip').onclick = () => find('.clip').click();

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
// How long and how large a video is; null where this browser cannot play it.
function measured(file) {
  const video = document.createElement('video'), address = URL.createObjectURL(file);
  return new Promise(resolve => {
    video.onloadedmetadata = () => resolve([video.duration, video.videoWidth, video.videoHeight]);
    video.onerror = () => resolve(null);
    setTimeout(() => resolve(null), MEASURING);
    video.src = address;
  }).finally(() => URL.revokeObjectURL(address));
}
async function refusal(file) {
  const { name } = file, size = Math.ceil(file.size / 2 ** 20);
  if (size > MEGABYTES) return filled(words.video_too_large, { name, size, limit: MEGABYTES });
  const [seconds, width, height] = await measured(file) ?? [0, 0, 0];
  // A recording may not say how long it is.
  if (Number.isFinite(seconds) && seconds > SECONDS + 0.5) {
    return filled(words.video_too_long, { name, seconds: Math.round(seconds), limit: SECONDS });
  }
  if (width * height > PIXELS[0] * PIXELS[1]) return filled(words.video_too_wide, { name, width, height, limit: most });
  return '';
}
async function take([first]) {
  if (!first) return;
  const { file } = first, { name } = file;
  forget();
  send();
  const mine = round, refused = await refusal(file);
  if (mine !== round) return;
  if (refused) return say(refused);
  say(words.uploading_photo);
  find('.forget').hidden = false;
  let there = null;
  try {
    there = await stored(file);
  } catch { }
  if (mine !== round) return;
  clip = there;
  say(clip ? filled(words.video_ready, { name, size: megabytes(file.size) }) : filled(words.not_uploaded, { names: name }));
  send();
}
receive('video');
