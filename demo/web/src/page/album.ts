/** Many photos: one at a time in memory, into a ZIP that is written as they come, or straight into a folder. */

import { AS_THEY_COME, type Adjustments } from '../engine/adjustments';
import { Cancelled, Engine } from '../engine/client';
import { named } from '../files/encode';
import { canvasOf, complain, find, SLIDERS, sentence, slider } from './dom';
import { fromFiles, fromTransfer, type Source } from './sources';
import { word } from './words';

interface Directory {
  getDirectoryHandle(name: string, options: { create: boolean }): Promise<Directory>;
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

const picker = (window as { showDirectoryPicker?: (options: object) => Promise<Directory> }).showDirectoryPicker;

export class Album {
  #sources: Source[] = [];
  #set: Adjustments = AS_THEY_COME;
  #engine: Engine | null = null; // its own, and gone when it has done: memory that WebAssembly took comes back so
  #done = 0;
  #colored = 0;
  #cancelled = false;

  constructor() {
    for (const name of SLIDERS) {
      find('#album-settings .sliders').append(
        slider(name, 'album-', (value) => {
          this.#set = { ...this.#set, [name]: value };
        }),
      );
    }
    for (const id of ['#files', '#folder']) {
      const input = find<HTMLInputElement>(id);
      input.addEventListener('change', async () => {
        const files = [...(input.files ?? [])];
        input.value = '';
        await this.add(() => fromFiles(files));
      });
    }
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
    if (this.isRunning) return;
    complain(null);
    try {
      const found = await read();
      if (!found.length) find('#count').textContent = word('nothing_there');
      this.#sources.push(...found);
      this.#draw();
    } catch (error) {
      complain(error);
    }
  }

  #forget(): void {
    this.#sources = [];
    this.#clear();
    this.#draw();
  }

  #clear(): void {
    const link = find<HTMLAnchorElement>('#zip');
    URL.revokeObjectURL(link.href);
    link.hidden = find('#problems').hidden = find('#results-title').hidden = true;
    find('#problems ul').replaceChildren();
    find('#results').replaceChildren();
  }

  #draw(): void {
    const count = this.#sources.length;
    find('#list').hidden = !count;
    find('#album .drop').classList.toggle('small-drop', count > 0);
    find('#count').textContent = this.isRunning
      ? word('album_done', { done: this.#done, photos: count })
      : word('files_ready', { count });
    const names = this.#sources.slice(0, 200).map(({ name }) => {
      const item = document.createElement('li');
      item.textContent = name;
      return item;
    });
    find('#names').replaceChildren(...names);
    for (const id of ['#colour', '#into-folder', '#forget'])
      find(id).hidden = this.isRunning || (id === '#into-folder' && !picker);
    find('#cancel').hidden = find('#progress').hidden = !this.isRunning;
  }

  async #run(write: (photos: AsyncIterable<Colored>) => Promise<void>): Promise<void> {
    if (this.isRunning || !this.#sources.length) return;
    this.#clear();
    complain(null);
    this.#engine = new Engine();
    this.#done = this.#colored = 0;
    this.#cancelled = false;
    this.#draw();
    find('#cancel').focus();
    try {
      await write(this.#photos(this.#engine));
      const said = [word('album_finished', { colored: this.#colored, photos: this.#sources.length })];
      const left = this.#sources.length - this.#done;
      if (left) said.push(word('album_stopped', { left }));
      this.#end();
      find('#count').textContent = said.join(' ');
    } catch (error) {
      complain(error);
    } finally {
      this.#end();
    }
  }

  #end(): void {
    if (!this.#engine) return;
    this.#engine.stop();
    this.#engine = null;
    this.#draw();
  }

  async *#photos(engine: Engine): AsyncGenerator<Colored> {
    const taken = new Set<string>();
    for (const source of this.#sources) {
      if (this.#cancelled) return;
      try {
        const { notes } = await engine.ask('open', { file: await source.read() });
        const { file, format, thumbnail } = await engine.ask('save', { adjustments: this.#set });
        for (const note of notes) this.#problem(source.name, `${word(note)}`);
        this.#show(source.name, thumbnail);
        this.#colored++;
        yield { name: unique(named(source.name, { format }), taken), file, modified: source.modified };
      } catch (error) {
        if (error instanceof Cancelled) return;
        this.#problem(source.name, sentence(error, source.name));
      }
      this.#done++;
      find<HTMLProgressElement>('#progress').value = this.#done / this.#sources.length;
      find('#count').textContent = word('album_done', { done: this.#done, photos: this.#sources.length });
    }
  }

  #problem(name: string, text: string): void {
    const item = document.createElement('li');
    item.textContent = text.includes(name) ? text : `${name}: ${text}`;
    find('#problems ul').append(item);
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
    find('#results').prepend(figure);
    find('#results-title').hidden = false;
  }

  async #zip(photos: AsyncIterable<Colored>): Promise<void> {
    const { downloadZip } = await import('client-zip');
    async function* entries() {
      for await (const { name, file, modified } of photos) {
        // Its length is known and its bytes are at hand: so are those of an entry that is written as it comes.
        yield { name, input: new Uint8Array(await file.arrayBuffer()), lastModified: modified };
      }
    }
    const zip = await downloadZip(entries()).blob(); // the browser puts it on the disk where it is large
    if (!this.#colored) return;
    const link = find<HTMLAnchorElement>('#zip');
    link.href = URL.createObjectURL(zip);
    link.download = 'lumachrome.zip';
    link.hidden = false;
  }

  async #intoFolder(): Promise<void> {
    let root: Directory;
    try {
      root = await (picker as NonNullable<typeof picker>)({ id: 'album', mode: 'readwrite' });
    } catch {
      return; // nobody chose one
    }
    await this.#run(async (photos) => {
      for await (const { name, file } of photos) {
        const folders = name.split('/');
        const last = folders.pop() ?? name;
        let folder = root;
        for (const each of folders) folder = await folder.getDirectoryHandle(each, { create: true });
        const target = await (await folder.getFileHandle(last, { create: true })).createWritable();
        await file.stream().pipeTo(target); // which closes it: until then the old file is there
      }
    });
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
