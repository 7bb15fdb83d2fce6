/** Puts the page together: one engine, two views, and what may come from anywhere on the page. */

import '../components';
import type { Slider } from '../components';
import { AS_THEY_COME } from './engine/adjustments';
import { Engine } from './engine/client';
import { Album } from './page/album';
import { canvasOf, complain, find, mention, say, sayNothing, spoken, whenChosen } from './page/dom';
import { Editor } from './page/editor';
import { comesAgain, keepAll, serviceWorker } from './page/offline';
import { choose, current, translate, word } from './page/words';

const examples = import.meta.glob<string>('../../examples/*.jpg', { query: '?url', import: 'default', eager: true });
const SAMPLE = 'old-grace-hopper';

const engine = new Engine((share) => {
  if (share < 1) say(() => word('loading', { percent: Math.round(100 * share) }));
  else sayNothing();
});
translate();
const editor = new Editor(engine);
const album = new Album();
const views = ['photo', 'album'] as const;

function show(view: (typeof views)[number]): void {
  for (const name of views) {
    find(`#${name}`).hidden = name !== view;
    const tab = find(`#tab-${name}`);
    tab.setAttribute('aria-selected', String(name === view));
    tab.tabIndex = name === view ? 0 : -1;
  }
  document.body.classList.toggle('editing', view === 'photo' && find('#start').hidden === true);
  complain(null);
}

for (const name of views) {
  const tab = find(`#tab-${name}`);
  tab.addEventListener('click', () => show(name));
  tab.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    const other = views[1 - views.indexOf(name)];
    show(other);
    find(`#tab-${other}`).focus();
  });
}

// Photos from wherever they come

async function take(transfer: DataTransfer | null): Promise<void> {
  if (!transfer) return;
  const files = [...transfer.files];
  const isFolder = [...transfer.items].some((item) => item.webkitGetAsEntry()?.isDirectory);
  const isMany = files.length > 1 || isFolder || files.some(({ name }) => /\.zip$/i.test(name));
  if (isMany || (files.length === 1 && !find('#album').hidden)) {
    show('album');
    await album.drop(transfer);
  } else if (files.length === 1) await open(files[0]);
  else mention(() => word('nothing_came'));
}

async function open(file: File): Promise<void> {
  show('photo');
  await editor.open(file);
}

document.addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dragging');
});
for (const ended of ['dragleave', 'drop', 'dragend'] as const) {
  document.addEventListener(ended, (event) => {
    if (ended !== 'dragleave' || !event.relatedTarget) document.body.classList.remove('dragging');
  });
}
document.addEventListener('drop', (event) => {
  event.preventDefault();
  void take(event.dataTransfer);
});
document.addEventListener('paste', (event) => {
  const [node] = event.composedPath(); // in a component, too
  if (node instanceof HTMLElement && node.matches('input:not([type=range])')) return;
  if (event.clipboardData?.files.length) void take(event.clipboardData);
  else mention(() => word('nothing_pasted'));
});
for (const id of ['#file', '#camera', '#another']) whenChosen(id, ([file]) => file && void open(file));

async function example(url: string): Promise<File> {
  const response = await fetch(url);
  return new File(
    [await response.blob()],
    url
      .split('/')
      .pop()
      ?.replace(/-[\w-]{8}(\.\w+)$/, '$1') ?? 'photo.jpg',
    { type: 'image/jpeg' },
  );
}

const buttons = Object.entries(examples).map(([path, url]) => {
  const button = document.createElement('button');
  button.type = 'button';
  button.dataset.name = path.split('/').pop()?.replace('.jpg', '') ?? '';
  const image = new Image();
  Object.assign(image, { src: url, alt: '', loading: 'lazy', decoding: 'async' });
  button.append(image);
  button.addEventListener('click', async () => open(await example(url)));
  return button;
});
find('#examples').append(...buttons);

// Language

const language = find<HTMLButtonElement>('#language');
function speak(): void {
  translate();
  const other = current() === 'zh' ? 'en' : 'zh';
  language.lang = other;
  language.textContent = other === 'zh' ? '中文' : 'English';
  for (const button of buttons) {
    const name = (button.dataset.name ?? '').replace(/^old-/, () => `${word('old')} `).replaceAll('-', ' ');
    button.setAttribute('aria-label', word('example', { name }));
  }
  spoken();
  editor.spoken();
  album.spoken();
}
language.addEventListener('click', () => {
  choose(current() === 'zh' ? 'en' : 'zh');
  speak();
});

// A page without any colour would promise nothing: one of the examples is coloured as soon as that can be done.

const sample = find<Slider>('#sample');
speak();

async function showSample(): Promise<void> {
  const url = Object.entries(examples).find(([path]) => path.includes(SAMPLE))?.[1];
  if (!url) return;
  const opened = await engine.ask('open', { file: await example(url) });
  if (find('#start').hidden) return;
  sample.begin(opened.width, opened.height);
  void sample.show('before', canvasOf(opened.before));
  const { after } = await engine.ask('look', { adjustments: AS_THEY_COME });
  void sample.show('after', canvasOf(after));
}

async function begin(): Promise<void> {
  const helper = await serviceWorker();
  if (comesAgain(helper)) return;
  const { threads } = await engine.start();
  document.body.dataset.threads = String(threads);
  if (!find('#start').hidden) await showSample().catch(console.error); // nobody has asked for it
  document.body.dataset.ready = 'yes';
  keepAll(helper);
}

begin().catch((error) => complain(error));
