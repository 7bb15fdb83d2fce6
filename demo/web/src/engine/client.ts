/** The page's end of a worker: questions as promises, and another worker where one ended or was told to. */

import { PhotoError } from './photo';
import type { Answer, Asks, Name } from './protocol';
import EngineWorker from './worker?worker';

interface Waiting {
  readonly done: (answer: never) => void;
  readonly fail: (error: Error) => void;
  readonly progress?: (share: number) => void;
}

/** Somebody has cancelled what was asked. */
export class Cancelled extends Error {}

export class Engine {
  #worker: Worker | null = null;
  #ready: Promise<{ threads: number }> | null = null;
  #waiting = new Map<number, Waiting>();
  #count = 0;
  #threads = Math.max(1, Math.min(4, navigator.hardwareConcurrency || 1));
  #file: Blob | null = null; // that is open, to be opened anew by another worker

  /** @param loading Is told the share of the network that has come. */
  constructor(private readonly loading: (share: number) => void = () => undefined) {}

  /** Begin to load, if nothing has yet. */
  start(): Promise<{ threads: number }> {
    this.#ready ??= this.#begin().catch((error) => {
      this.#ready = null;
      throw error;
    });
    return this.#ready;
  }

  async ask<Key extends Name>(ask: Key, of: Asks[Key][0], progress?: (share: number) => void): Promise<Asks[Key][1]> {
    const known = this.#ready !== null;
    await this.start();
    if (!known && this.#file && ask !== 'open' && ask !== 'palette') await this.#send('open', { file: this.#file });
    if (ask !== 'open') return this.#send(ask, of, progress);
    const before = this.#file;
    this.#file = null;
    try {
      const answer = await this.#send(ask, of, progress);
      this.#file = (of as Asks['open'][0]).file;
      return answer;
    } catch (error) {
      this.#file = before;
      if (before && this.#ready) this.#send('open', { file: before }).catch(() => undefined);
      throw error;
    }
  }

  /** End all that is being done; the next question gets another worker, with the same photo. */
  stop(reason: Error = new Cancelled()): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#ready = null;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { fail } of waiting) fail(reason);
  }

  async #begin(): Promise<{ threads: number }> {
    this.#worker = new EngineWorker();
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => this.#answered(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.stop(new PhotoError('worker_ended'));
    };
    try {
      return await this.#send('start', { base: document.baseURI, threads: this.#threads }, this.loading);
    } catch (error) {
      if (error instanceof Cancelled || this.#threads === 1 || (error as Error).message.startsWith('model_'))
        throw error;
      this.stop(); // onnxruntime cannot be started twice in one worker
      this.#threads = 1;
      return this.#begin();
    }
  }

  #send<Key extends Name>(ask: Key, of: Asks[Key][0], progress?: (share: number) => void): Promise<Asks[Key][1]> {
    return new Promise((done, fail) => {
      this.#waiting.set(++this.#count, { done, fail, progress });
      this.#worker?.postMessage({ id: this.#count, ask, of });
    });
  }

  #answered(data: Answer): void {
    const waiting = this.#waiting.get(data.id);
    if (!waiting) return;
    if ('progress' in data) {
      waiting.progress?.(data.progress);
      return;
    }
    this.#waiting.delete(data.id);
    if ('answer' in data) {
      waiting.done(data.answer as never);
      return;
    }
    const lacksMemory = /memory|alloc|RangeError|Array buffer|OrtRun/i.test(data.detail) && data.word === 'failed';
    waiting.fail(new PhotoError(lacksMemory ? 'memory_here' : data.word, data.values));
    // What WebAssembly has taken it never gives back, and after such an end nothing in it can be relied on.
    if (lacksMemory) this.stop(new PhotoError('memory_here'));
    else if (data.word === 'failed') console.error(data.detail);
  }
}
