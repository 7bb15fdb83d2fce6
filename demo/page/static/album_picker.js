// Takes photos, folders and ZIPs, and uploads them as they are chosen, three at a time.

let files = [], bytes = 0, busy = 0;
find('.limit').textContent = filled(words.album_limit, { count: LIMIT });
find('.choose-folder').hidden = !('webkitdirectory' in find('.folder'));
find('.photos').accept = `image/*,${ZIP}`;
find('.choose-photos').onclick = () => find('.photos').click();
find('.choose-folder').onclick = () => find('.folder').click();

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
  if (count > LIMIT) return say(filled(words.album_too_many, { limit: LIMIT }));
  const there = Array(wanted.length);
  let next = 0, done = 0;
  busy += 1;
  send();
  const carry = async () => {
    while (next < wanted.length && mine === round) {
      const i = next++, { file, name } = wanted[i];
      try {
        there[i] = { file: await stored(file), name };
      } catch { missing.push(name); }
      done += 1;
      if (mine === round) say(filled(words.uploading, { done, count: wanted.length }));
    }
  };
  say(filled(words.uploading, { done: 0, count: wanted.length }));
  await Promise.all([carry(), carry(), carry()]);
  if (mine !== round) return;
  busy -= 1;
  files = [...files, ...there.filter(Boolean)];
  bytes += wanted.reduce((sum, { file }, i) => sum + (there[i] ? file.size : 0), 0);
  const ready = files.length ? filled(words.ready, { count: files.length, size: megabytes(bytes) }) : '';
  const lost = missing.length ? filled(words.not_uploaded, { names: missing.join(', ') }) : '';
  say([ready, lost].filter(Boolean).join(' · '));
  send();
}
receive('album');
