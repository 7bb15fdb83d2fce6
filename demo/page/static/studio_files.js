// What a visitor takes away: the photo in colour, a comparison, the hints; and the palette that is brought along.

let fetching = null;   // the button whose file is awaited
let lookThen = null, placed = null;  // the look that a file was asked for with, and the one that lies in the album
function ask(button, event, word, about = () => ({})) {
  button.onclick = () => {
    if (fetching || !photo && !own) return;
    fetching = button;
    lookThen = look;
    button.setAttribute('aria-disabled', true);
    button.textContent = words[word];
    find('.busy').hidden = false;
    find('.busy span').textContent = words[word];
    tell(event, about());
  };
}
function fetched() {
  if (fetching) {
    fetching.removeAttribute('aria-disabled');
    fetching.textContent = words[fetching.dataset.word];
  }
  fetching = null;
  wait('');
}
function give(address, name) {
  Object.assign(document.createElement('a'), { href: address, download: name }).click();
}
function fetchReady({ url, orig_name }) {
  fetched();
  give(url, orig_name);
}
ask(find('.download'), 'save', 'downloading');
ask(find('.share'), 'compared', 'working');
ask(find('.put-back'), 'put_back', 'working', () => ({ came }));
function putBack() {
  fetched();
  placed = lookThen;
  say(words.is_back);
  openTab(1);
}

find('.save-hints').onclick = () => {
  const file = Lumachrome.hintFile(own?.name ?? '', look.hints), address = URL.createObjectURL(file);
  give(address, file.name);
  setTimeout(() => URL.revokeObjectURL(address), 1000);
};
find('.load-hints').onclick = () => find('.hints-file').click();
find('.hints-file').onchange = async () => {
  const [file] = find('.hints-file').files;
  find('.hints-file').value = '';
  const hints = await Lumachrome.hintsOf(file);
  if (hints) change({ ...look, hints }, '', true);
  else say(filled(words.no_hints, { name: file.name }));
};
find('.palette').onclick = () => find('.palette-file').click();
find('.palette-file').onchange = async () => {
  const [file] = find('.palette-file').files;
  find('.palette-file').value = '';
  try {
    tell('borrow', { palette: await stored(file) });
  } catch {
    say(filled(words.not_uploaded, { names: file.name }));
  }
};
find('.no-palette').onclick = () => {
  change({ ...look, palette: null }, '', false);
  find('.palette').focus();
};
addEventListener('lumachrome-answer', ({ detail }) => show(detail));
