// One photo: what is set (the look), what Python is asked, and what its answers show. See studio.py.
// The scripts that follow it are in the same function: studio_say.js speaks, studio_keep.js keeps the work,
// studio_open.js opens photos, studio_examples.js shows some, studio_take.js takes files in, studio_files.js gives them out.

const studio = find('.studio'), painter = find('lumachrome-painter'), past = find('lumachrome-history');
const panel = find('.panel'), sliders = {};
const features = new Set();
let photo = null;          // the file on the server, as Gradio knows it
let model = MODELS[0]?.[1] ?? '', steps = 0;
let look = firstLook();
painter.words = words;
past.words = words;

function firstLook() {
  const settings = Object.fromEntries(Object.entries(SETTINGS).map(([name, number]) => [name, number.default]));
  return { hints: [], settings, palette: null };
}
function tell(event, detail = {}) {
  props.value = { photo, model, look: { ...look }, detail };
  trigger(event, {});
}
// What has changed goes into the history and to Python: hints and the like need the network, the rest does not.
const NETWORK = new Set(['variant', 'render_size', 'reach']);
let settled = 0;
function change(next, edit, needsNetwork) {
  look = next;
  past.push({ look, model }, edit);
  showLook();
  refresh(needsNetwork);
  remember();
}
function refresh(needsNetwork) {
  clearTimeout(settled);
  if (needsNetwork) return tell('look');
  tell('tint', { rough: true });
  settled = setTimeout(() => tell('tint', { rough: false }), 250);
}
past.addEventListener('restore', ({ detail: { state } }) => {
  const network = state.model !== model || state.look.hints !== look.hints
    || [...NETWORK].some(name => state.look.settings[name] !== look.settings[name]);
  ({ look, model } = state);
  showLook();
  if (network) tell('look');
  else refresh(false);
  remember();
});
painter.addEventListener('hints', ({ detail }) => change({ ...look, hints: detail.hints }, detail.edit, true));
painter.addEventListener('point', ({ detail }) => tell('point', detail));
function set(name, value) {
  change({ ...look, settings: { ...look.settings, [name]: value } }, `set ${name}`, NETWORK.has(name));
}

// Controls
function slider(name) {
  const label = document.createElement('lumachrome-setting').begin(name, SETTINGS[name]);
  label.words = words;
  label.className = name;
  label.addEventListener('set', ({ detail: { value } }) => set(name, value));
  sliders[name] = { label, show(value) { label.value = value; } };
  return label;
}
function choice(name, options, chosen) {
  const label = document.createElement('label'), select = document.createElement('select');
  label.append(words[name], select);
  label.className = `set ${name}`;
  for (const [text, value] of options) select.add(new Option(text, value));
  select.onchange = () => chosen(select.value);
  sliders[name] = { label, show(value) { select.value = value; } };
  return label;
}
find('.sliders').append(...SLIDERS.map(slider));
for (const name of ['reach', 'strength']) find(`.${name}`).append(slider(name));
function explained(label, text) {
  const help = Object.assign(document.createElement('span'), { className: 'small', textContent: text });
  label.append(help);
  return label;
}
const sizes = SETTINGS.render_size.presets.map(size => [words[`render_size_${size}`], size]);
const networks = choice('model', MODELS, value => { model = value; change({ ...look }, '', true); });
find('.models').append(
  MODELS.some(([name]) => name === EXPLAINED) ? explained(networks, words.model_help) : networks,
  explained(choice('render_size', sizes, value => set('render_size', Number(value))), words.render_size_help),
);
sliders.model.label.hidden = MODELS.length < 2;
const EMPTY = 'data:image/gif;base64,R0lGODlhAQABAAAAACw=';   // until there is a picture
function card(text, source, chosen) {
  const button = document.createElement('button'), name = document.createElement('span');
  button.type = 'button';
  name.textContent = text;
  if (source) button.append(Object.assign(document.createElement('img'), { src: source, alt: '' }));
  button.append(name);
  button.onclick = chosen;
  return button;
}
const presets = Object.entries(PRESETS).map(([preset, given]) => {
  const button = card(words[`preset_${preset}`], EMPTY, () =>
    change({ ...look, settings: { ...look.settings, ...given } }, '', false));
  return { button, given };
});
find('.presets').append(...presets.map(({ button }) => button));
const variants = SETTINGS.variant.presets.map(variant =>
  card(words[`variant_${variant}`], EMPTY, () => set('variant', variant)));
find('.choices').append(...variants);
function showVariants() {
  const { open, hidden } = find('.variants');
  if (open && !hidden && own) tell('variants');
}
find('.variants').ontoggle = showVariants;

function showLook() {
  if (painter.hints !== look.hints) painter.hints = look.hints;
  for (const [name, { show }] of Object.entries(sliders)) show(name === 'model' ? model : look.settings[name]);
  for (const { button, given } of presets) {
    const is = Object.entries(given).every(([name, value]) => look.settings[name] === value);
    button.setAttribute('aria-pressed', is);
  }
  variants.forEach((button, i) => {
    button.setAttribute('aria-pressed', look.settings.variant === SETTINGS.variant.presets[i]);
  });
  find('.reach').hidden = !look.hints.length;
  find('.no-palette').hidden = find('.swatchbook').hidden = find('.strength').hidden = !look.palette;
  if (look.palette) find('.swatchbook').src = look.palette.url ?? '';
}
function has(need) { return !need || features.has(need); }

// Answers
const waiting = new Map();   // parts of the photo that were asked for
function read(region, own, signal) {
  steps += 1;
  const asked = steps;
  return new Promise(answer => {
    waiting.set(asked, answer);
    signal.addEventListener('abort', () => { waiting.delete(asked); answer(null); });
    tell('part', { ...region, own, asked });
  });
}
function show(answer) {
  const news = Object.fromEntries(Object.entries(answer || {}).filter(([, value]) => value !== null));
  if (news.failed) return failed();
  if (news.hero) hero(news.hero);
  if (news.size) opened(news.size);
  if (news.before) painter.slider.show('before', news.before.url);
  if (news.rough) painter.slider.show('after', news.rough);
  if (news.after) painter.slider.show('after', news.after.url);
  if (news.features) {
    features.clear();
    for (const feature of news.features) features.add(feature);
    painter.steerable = features.has(HINTS);
    for (const [name, { label }] of Object.entries(sliders)) {
      if (name !== 'model') label.hidden = !has(SETTINGS[name].needs);
    }
    find('.variants').hidden = !has(SETTINGS.variant.needs);
    find('.keep').hidden = !painter.steerable;
  }
  if (news.palette && own) change({ ...look, palette: news.palette }, '', false);
  if (news.swatches) painter.swatches = news.swatches;
  if (news.presets) {   // what is set has come to rest
    presets.forEach(({ button }, i) => { button.querySelector('img').src = news.presets[i]; });
    showVariants();
  }
  if (news.variants) variants.forEach((button, i) => { button.querySelector('img').src = news.variants[i]; });
  if ('warning' in news) find('.warning').textContent = news.warning;
  if ('status' in news) find('.status').textContent = news.status;
  if (news.patch) {
    waiting.get(news.asked)?.({ before: news.patch[0].url, after: news.patch[1].url });
    waiting.delete(news.asked);
  }
  if (news.ready) fetchReady(news.ready);
  if (news.missed) fetched();
  if (news.brought) brought(news.brought);
  if (news.put_back) putBack();
}
