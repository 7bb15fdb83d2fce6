/** Many photos: one at a time in memory, into a ZIP that is written as they come, or straight into a folder. */

import { AS_THEY_COME, type Adjustments } from '../engine/adjustments';
import { Cancelled, Engine } from '../engine/client';
import { PhotoError } from '../engine/photo';
import { named } from '../files/encode';
import { canvasOf, complain, control, find, SLIDERS, sentence, type Text, whenChosen } from './dom';
import { fromFiles, fromTransfer, type Source } from './sources';
import { joined, word } from './words';

interface Directory {
  readonly name: string;
  getDirectoryHandle(name: string, options?: { create: boolean }): Promise<Directory>;
  getFileHandle(
    name: string,
    options: { create: boolean },
  ): Promise<{ createWritable(): Promise<WritableStream & { close(): Promise<void> }> }>;
}
interface Colored {
  readonly name: string;
  readonly file: Blob;
  readonly modified: Date;
}

const NAME = 'lumachrome'; // of the ZIP, and of the folder in the one that a visitor chooses
const MOST_SHOWN = 24; // pictures, the last ones

const picker = (window as { showDirectoryPicker?: (options: object) => Promise<Directory> }).showDirectoryPicker;

export class Album {
  #sources: Source[] = [];
  #set: Adjustments = AS_THEY_COME;
  #engine: Engine | null = null; // its own, and gone when it has done: memory that WebAssembly took comes back so
  #done = 0;
  #colored = 0;
  #cancelled = false;
  #problems: Text[] = [];
  readonly #settings = SLIDERS.map((name) =>
    control(name, 'album-', (value) => {
      this.#set = { ...this.#set, [name]: value };
    }),
  );
  readonly #ready: Text = () => word('files_ready', { count: this.#sources.length });
  #message = this.#ready; // made anew when another language is chosen

  constructor() {
    find('#album .folder').hidden = !('webkitdirectory' in HTMLInputElement.prototype);
    find('#album-settings .sliders').append(...this.#settings);
    for (const id of ['#files', '#folder']) whenChosen(id, (files) => void this.add(() => fromFiles(files)));
    find('#colour').addEventListener('click', () => void this.#run((photos) => this.#zip(photos)));
    find('#into-folder').addEventListener('click', () => void this.#intoFolder());
    find('#into-folder').hidden = !picker;
    find('#forget').addEventListener('click', () => this.#forget());
    find('#cancel').addEventListener('click', () => {
      this.#cancelled = true;
      this.#engine?.stop();
    });
    this.spoken();
  }

  get isRunning(): boolean {
    return this.#engine !== null;
  }

  spoken(): void {
    this.#draw();
  }

  async drop(transfer: DataTransfer): Promise<void> {
    await this.add(() => fromTransfer(transfer));
  }

  async add(read: () => Promise<Source[]>): Promise<void> {
    complain(null);
    try {
      if (this.isRunning) throw new PhotoError('album_busy');
      const found = await read();
      if (!found.length) throw new PhotoError('nothing_there');
      if (this.isRunning) throw new PhotoError('album_busy');
      this.#sources.push(...found);
      this.#message = this.#ready;
      this.#draw();
    } catch (error) {
      complain(error);
    }
  }

  #forget(): void {
    this.#sources = [];
    this.#message = this.#ready;
    this.#clear();
    this.#draw();
    find('#files').focus(); // the button that was pressed is gone
  }

  #clear(): void {
    const link = find<HTMLAnchorElement>('#zip');
    URL.revokeObjectURL(link.href);
    link.hidden = find('#results-title').hidden = true;
    this.#problems = [];
    find('#results').replaceChildren();
  }

  #draw(): void {
    const count = this.#sources.length;
    find('#list').hidden = !count;
    find('#album .drop').classList.toggle('small-drop', count > 0);
    find('#count').textContent = this.#message();
    find('#names').replaceChildren(...this.#sources.slice(0, 200).map(({ name }) => listed(name)));
    find('#problems ul').replaceChildren(...this.#problems.map((problem) => listed(problem())));
    find('#problems').hidden = !this.#problems.length;
    for (const id of ['#colour', '#into-folder', '#forget'])
      find(id).hidden = this.isRunning || (id === '#into-folder' && !picker);
    find('#cancel').hidden = find('#progress').hidden = !this.isRunning;
    for (const setting of this.#settings) setting.disabled = this.isRunning; // all photos of an album get the same
  }

  /** Color all photos; `write` gives what is to be said besides. */
  async #run(write: (photos: AsyncIterable<Colored>) => Promise<Text>): Promise<void> {
    if (this.isRunning || !this.#sources.length) return;
    this.#clear();
    complain(null);
    this.#engine = new Engine();
    this.#done = this.#colored = 0;
    this.#cancelled = false;
    const photos = this.#sources.length;
    this.#message = () => word('album_done', { done: this.#done, photos });
    this.#draw();
    find('#cancel').focus();
    try {
      const written = await write(this.#photos(this.#engine));
      const [colored, left] = [this.#colored, photos - this.#done];
      this.#message = () => {
        const stopped = left ? word('album_stopped', { left }) : '';
        return joined([word('album_finished', { colored, photos }), stopped, written()]);
      };
    } catch (error) {
      complain(error);
    } finally {
      this.#end();
    }
  }

  #end(): void {
    const isHeld = document.activeElement === find('#cancel');
    this.#engine?.stop();
    this.#engine = null;
    this.#draw();
    const zip = find('#zip');
    if (isHeld) (zip.hidden ? find('#colour') : zip).focus();
  }

  async *#photos(engine: Engine): AsyncGenerator<Colored> {
    const taken = new Set<string>();
    for (const source of this.#sources) {
      if (this.#cancelled) return;
      try {
        const { notes } = await engine.ask('open', { file: await source.read() });
        const { file, format, thumbnail } = await engine.ask('save', { adjustments: this.#set });
        for (const note of notes) this.#problem(source.name, () => word(note));
        this.#show(source.name, thumbnail);
        this.#colored++;
        yield { name: unique(named(source.name, { format }), taken), file, modified: source.modified };
      } catch (error) {
        if (error instanceof Cancelled) return;
        this.#problem(source.name, sentence(error, source.name));
      }
      this.#done++;
      find<HTMLProgressElement>('#progress').value = this.#done / this.#sources.length;
      find('#count').textContent = this.#message();
    }
  }

  #problem(name: string, text: Text): void {
    const problem = (): string => (text().includes(name) ? text() : word('problem', { name, text: text() }));
    this.#problems.push(problem);
    find('#problems ul').append(listed(problem()));
    find('#problems').hidden = false;
  }

  #show(name: string, picture: ImageBitmap): void {
    const figure = document.createElement('figure');
    const canvas = canvasOf(picture);
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', name);
    const caption = document.createElement('figcaption');
    caption.textContent = name.split('/').pop() ?? name;
    figure.append(canvas, caption);
    const results = find('#results');
    results.prepend(figure);
    if (results.children.length > MOST_SHOWN) results.lastElementChild?.remove();
    find('#results-title').hidden = false;
  }

  async #zip(photos: AsyncIterable<Colored>): Promise<Text> {
    const { downloadZip } = await import('client-zip');
    async function* entries() {
      for await (const { name, file, modified } of photos) {
        // Its length is known and its bytes are at hand: so are those of an entry that is written as it comes.
        yield { name, input: new Uint8Array(await file.arrayBuffer()), lastModified: modified };
      }
    }
    const zip = await downloadZip(entries()).blob(); // the browser puts it on the disk where it is large
    if (this.#colored) {
      const link = find<HTMLAnchorElement>('#zip');
      link.href = URL.createObjectURL(zip);
      link.download = `${NAME}.zip`;
      link.hidden = false;
    }
    return () => '';
  }

  async #intoFolder(): Promise<void> {
    let chosen: Directory;
    try {
      chosen = await (picker as NonNullable<typeof picker>)({ id: 'album', mode: 'readwrite' });
    } catch {
      return; // nobody chose one
    }
    await this.#run(async (photos) => {
      const root = await fresh(chosen);
      for await (const { name, file } of photos) {
        const folders = name.split('/');
        const last = folders.pop() ?? name;
        let folder = root;
        for (const each of folders) folder = await folder.getDirectoryHandle(each, { create: true });
        const target = await (await folder.getFileHandle(last, { create: true })).createWritable();
        await file.stream().pipeTo(target); // which closes it
      }
      return () => word('album_written', { name: root.name });
    });
  }
}

function listed(text: string): HTMLElement {
  const item = document.createElement('li');
  item.textContent = text;
  return item;
}

/** A new folder in another one: what lies there, perhaps the photos as they came, stays as it is. */
async function fresh(above: Directory): Promise<Directory> {
  for (let i = 1; ; i++) {
    const name = i === 1 ? NAME : `${NAME} (${i})`;
    try {
      await above.getDirectoryHandle(name);
    } catch (error) {
      const { name: kind } = error as DOMException;
      if (kind === 'NotFoundError') return above.getDirectoryHandle(name, { create: true });
      if (kind !== 'TypeMismatchError') throw error; // that is a file
    }
  }
}

/** A name that no other photo has: of two formats may have become one. */
function unique(name: string, taken: Set<string>): string {
  const [, stem = name, suffix = ''] = /^(.*?)(\.\w+)?$/s.exec(name) ?? [];
  let free = name;
  for (let i = 2; taken.has(free.toLowerCase()); i++) free = `${stem} (${i})${suffix}`;
  taken.add(free.toLowerCase());
  return free;
}
