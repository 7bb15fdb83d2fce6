// A photo is opened: uploaded, an example, one of an album, or the one from before a reload. One at a time: of those that
// are chosen while another is being opened, the last one follows.

let own = null;          // the photo's file here
let sample = '';         // the example's name: its file is on the server, and `own` is a small picture of it
let came = null;         // where in an album the photo was opened
let resumed = null;      // how it looked before a reload
let opening = false, following = null, chosen = 0, uploading = false;

async function bring(file, wanted = null, network = null) {
  chosen += 1;
  const mine = chosen;
  uploading = true;
  hold();
  studio.classList.remove('empty');
  painter.hidden = true;
  find('.drop').hidden = find('.examples').hidden = true;
  let there = null;
  try {
    there = await stored(file);
  } catch { }
  if (mine !== chosen) return;
  uploading = false;
  if (there) return begin({ file, there, wanted, network });
  say(filled(words.not_uploaded, { names: file.name }));
  if (opening) hold();
  else failed();
}
function beginExample(file, name, wanted = null, network = null) {
  begin({ file, wanted, network, detail: { example: name } });
}
// A photo of an album, to be looked at by itself.
async function brought(given) {
  openTab(0);
  if (!await agreed()) return;
  const content = await (await fetch(given.photo.url)).blob(), plain = firstLook();
  const first = { ...plain, settings: { ...plain.settings, ...given.settings } };
  begin({ file: new File([content], given.photo.orig_name), there: given.photo, first, network: given.model,
    place: given.came });
}
// `wanted` is how it was left, `first` how it comes.
function begin(job) {
  chosen += 1;   // what is still being uploaded is not wanted any more
  uploading = false;
  if (opening) {
    following = job;
    return;
  }
  const { file, there = null, first = null, wanted = null, network = null, place = null, detail = {} } = job;
  opening = true;
  own = file;
  photo = there;
  sample = detail.example ?? '';
  came = place;
  find('.put-back').hidden = !came;
  resumed = wanted;
  look = wanted ?? first ?? firstLook();
  model = MODELS.some(([, value]) => value === network) ? network : MODELS[0]?.[1] ?? '';
  hold();
  tell('begin', detail);
}
// What is set while another photo comes would be lost, or be set for that one.
function hold() {
  wait(uploading ? words.uploading_photo : opening ? words.working : '');
  painter.inert = panel.inert = uploading || opening;
}
function ended() {
  opening = false;
  hold();
  const job = following;
  following = null;
  if (job) begin(job);
}
function opened([width, height]) {
  studio.classList.remove('empty');
  painter.hidden = panel.hidden = false;
  find('.drop').hidden = find('.examples').hidden = true;
  painter.leave();
  painter.slider.begin(width, height, read);
  const first = { look: firstLook(), model };
  if (resumed) past.begin(first, { look, model });
  else past.begin({ look, model });
  showLook();
  remember();
  ended();
}
function failed() {
  photo = own = came = null;
  studio.classList.add('empty');
  panel.hidden = true;
  find('.drop').hidden = find('.examples').hidden = false;
  find('.warning').textContent = find('.status').textContent = '';
  painter.hidden = true;
  hero();
  ended();
}
find('.another').onclick = async () => {
  if (!await agreed()) return;
  forget();
  failed();
  find('.choose').focus();
};
