// The work (the photo's file and its look) lies in the browser's own storage, so that a reload does not lose it, and is
// gone with "another photo". Each tab keeps its own, under a name that it has through reloads; a new tab offers what was
// worked on last. A browser may refuse all of it, as to a page within a page: then nothing is kept.

const MOST_KEPT = 4;   // tabs whose work lies there: photos are large
const database = new Promise((resolve, reject) => {
  const request = indexedDB.open('lumachrome', 2);
  request.onupgradeneeded = ({ oldVersion }) => {
    if (oldVersion) request.result.deleteObjectStore('work');   // it had one place for all tabs
    request.result.createObjectStore('work');
  };
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
}).catch(() => null);
let laid = null;       // the file that lies there
let unfit = null;      // one that does not fit there
let keeping = 0;

// The tab's name, which its reload finds.
function nameNow(name) {
  try {
    if (name) sessionStorage.setItem('lumachrome', name);
    else sessionStorage.removeItem('lumachrome');
  } catch { }
}
function nameBefore() {
  try {
    return sessionStorage.getItem('lumachrome');
  } catch {
    return null;
  }
}
// Whether no other tab has this name, which is this one's from now on; null where the browser does not tell.
function taken(name) {
  return new Promise(resolve => {
    const hold = lock => { resolve(Boolean(lock)); return lock && new Promise(() => {}); };
    Promise.resolve().then(() => navigator.locks.request(`lumachrome ${name}`, { ifAvailable: true }, hold))
      .catch(() => resolve(null));
  });
}
const before = nameBefore();
let tab = ownName();
async function ownName() {
  if (before && await taken(before) !== false) return before;   // else this tab is a copy of another
  const name = Math.random().toString(36).slice(2);
  taken(name);
  return name;
}

// Resolves to a list with the result of the request that `act` makes, once it is on the disk; to null if it is not.
async function transact(mode, act) {
  const found = await database;
  return new Promise(resolve => {
    const transaction = found.transaction('work', mode), request = act(transaction.objectStore('work'));
    transaction.oncomplete = () => resolve([request.result]);
    transaction.onabort = () => resolve(null);   // the disk is full, too
  }).catch(() => null);
}
const looks = store => store.getAll(IDBKeyRange.bound(['look'], ['photo']));
function drop(store, name) {
  store.delete(['photo', name]);
  return store.delete(['look', name]);
}
function dropOldest(store, mine) {
  looks(store).onsuccess = ({ target }) => {
    const others = target.result.filter(work => work.tab !== mine).sort((one, other) => other.when - one.when);
    for (const work of others.slice(MOST_KEPT - 1)) drop(store, work.tab);
  };
}
function remember() {
  clearTimeout(keeping);
  studio.dataset.kept = '';   // whether what is seen now lies there: not yet known
  keeping = setTimeout(keep, 200);
}
async function keep() {
  const file = own, mine = keeping, name = await tab;
  const said = answer => { if (mine === keeping) studio.dataset.kept = answer; };
  if (!file || file === unfit) return said('no');
  const work = { tab: name, when: Date.now(), look: { ...look, palette: null }, model, sample };
  const done = await transact('readwrite', store => {
    store.count(['photo', name]).onsuccess = ({ target }) => {
      if (laid === file && target.result) return;   // other tabs may have dropped it as the oldest
      store.put(file, ['photo', name]);
      dropOldest(store, name);
    };
    return store.put(work, ['look', name]);
  });
  if (own !== file) return;
  if (done) {
    laid = file;
    said('yes');
    nameNow(name);
  } else {
    unfit = file;
    said('no');
    transact('readwrite', store => drop(store, name));   // the photo before, which would come back with this one's look
  }
}
async function forget() {
  clearTimeout(keeping);
  own = laid = null;
  nameNow('');
  const name = await tab;
  transact('readwrite', store => drop(store, name));
}
async function resume() {
  const [works] = await transact('readonly', looks) ?? [[]];
  const work = works.sort((one, other) => other.when - one.when).find(({ tab }) => !before || tab === before);
  if (!work) return;
  const [file] = await transact('readonly', store => store.get(['photo', work.tab])) ?? [];
  if (!file || own) return;
  const wanted = { ...firstLook(), ...work.look };
  const again = () => work.sample ? beginExample(file, work.sample, wanted, work.model) : bring(file, wanted, work.model);
  if (before) return again();
  find('.resume').hidden = false;
  find('.resume').textContent = filled(words.resume, { name: file.name });
  find('.resume').onclick = async () => {
    if (await taken(work.tab)) tab = work.tab;   // of a tab that was closed: it is not kept twice
    again();
  };
}
resume();
addEventListener('beforeunload', event => { if (own && past.changed && studio.dataset.kept !== 'yes') event.preventDefault(); });
