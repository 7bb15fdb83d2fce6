/** Where an album's photos come from: files, folders that were dropped or chosen, and ZIPs, read one by one. */

import { PhotoError } from '../engine/photo';

const MOST_BYTES = 1 << 30; // of one photo in a ZIP; larger ones are not unpacked

export interface Source {
  /** With the folders above it, apart by slashes. */
  readonly name: string;
  readonly modified: Date;
  read(): Promise<Blob>;
}

const isHidden = (name: string): boolean => /(^|\/)(\.|__MACOSX\/|Thumbs\.db$)/.test(name);

/** What was chosen. */
export async function fromFiles(files: Iterable<File>): Promise<Source[]> {
  const found: Source[] = [];
  for (const file of files) found.push(...(await unpacked(file, file.webkitRelativePath || file.name)));
  return found;
}

/** What was dropped or pasted: folders are walked. */
export async function fromTransfer(transfer: DataTransfer): Promise<Source[]> {
  // All of these are gone after the first wait.
  const items = [...transfer.items].filter((item) => item.kind === 'file');
  const all = items.map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const found: Source[] = [];
  for (const { entry, file } of all) {
    // What was pasted lies in no folder: WebKit has an entry for it that leads nowhere.
    if (entry?.isDirectory) found.push(...(await walked(entry)));
    else if (file) found.push(...(await fromFiles([file])));
  }
  return found;
}

async function walked(entry: FileSystemEntry): Promise<Source[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((done, fail) => (entry as FileSystemFileEntry).file(done, fail));
    return unpacked(file, entry.fullPath.replace(/^\//, ''));
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Source[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((done, fail) => reader.readEntries(done, fail)); // a hundred at a time
    if (!some.length) return found;
    for (const each of some) found.push(...(await walked(each)));
  }
}

async function unpacked(file: File, name: string): Promise<Source[]> {
  if (isHidden(name)) return [];
  if (!/\.zip$/i.test(name)) return [{ name, modified: new Date(file.lastModified), read: async () => file }];
  const { BlobReader, BlobWriter, configure, ZipReader } = await import('@zip.js/zip.js');
  configure({ useWebWorkers: false });
  let entries: Awaited<ReturnType<InstanceType<typeof ZipReader>['getEntries']>>;
  try {
    entries = await new ZipReader(new BlobReader(file)).getEntries();
  } catch {
    throw new PhotoError('zip_damaged', { name });
  }
  return entries
    .filter((entry) => !entry.directory && !isHidden(entry.filename))
    .map((entry) => ({
      name: entry.filename.replace(/\\/g, '/').replace(/^(\.{0,2}\/)+/, ''),
      modified: entry.lastModDate,
      read: async () => {
        if (entry.encrypted) throw new PhotoError('file_locked');
        if (entry.uncompressedSize > MOST_BYTES || !('getData' in entry) || !entry.getData)
          throw new PhotoError('file_damaged');
        const { uncompressedSize } = entry;
        const control = new AbortController();
        try {
          const content = await entry.getData(new BlobWriter(), {
            signal: control.signal,
            checkSignature: true,
            // What unpacks to more than it says is not to fill the disk.
            onprogress: async (got) => {
              if (got > uncompressedSize + 65536) control.abort();
            },
          });
          return new File([content], entry.filename); // its name may tell that it is no photo
        } catch {
          throw new PhotoError('file_damaged');
        }
      },
    }));
}
