/** The page's end of a worker: questions as promises, and another worker where one ended or was told to. */

import { PhotoError } from './photo';
import type { Answer, Asks, Name, Opened } from './protocol';
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
  #ready: Promise<{ threads: number }> | null = null; // of a worker that runs, or is being started
  #isRunning = false;
  #waiting = new Map<number, Waiting>();
  #count = 0;
  #stops = 0;
  #threads = Math.max(1, Math.min(4, navigator.hardwareConcurrency || 1));
  #turn: Promise<unknown> = Promise.resolve(); // of the question that is to be sent next
  #file: Blob | null = null; // the last that could be opened
  #held: Blob | null = null; // that the worker has open: none after one that could not be opened, or in a new worker

  /** @param loading Is told the share of the network that has come. */
  constructor(private readonly loading: (share: number) => void = () => undefined) {}

  /** Begin to load, if nothing has yet. */
  start(): Promise<{ threads: number }> {
    if (this.#ready) return this.#ready;
    const ready = this.#begin().catch((error) => {
      if (this.#ready === ready) this.#ready = null;
      throw error;
    });
    this.#ready = ready;
    return ready;
  }

  /** Ask a question when all photos that were chosen before are open, or are known not to open. */
  async ask<Key extends Name>(ask: Key, of: Asks[Key][0], progress?: (share: number) => void): Promise<Asks[Key][1]> {
    if (ask === 'open') return this.#inTurn(() => this.#open((of as Asks['open'][0]).file));
    const sent = await this.#inTurn(async () => {
      await this.start();
      if (ask !== 'palette' && this.#file && this.#held !== this.#file) (await this.#open(this.#file)).before.close();
      return { answer: this.#send(ask, of, progress) }; // the next question is sent before it comes
    });
    return sent.answer;
  }

  /** End all that is being done; the next question gets another worker, with the same photo. */
  stop(): void {
    this.#stops++;
    this.#ready = null;
    this.#dismiss(new Cancelled());
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const stops = this.#stops;
    const done = this.#turn.then(() => {
      if (stops !== this.#stops) throw new Cancelled();
      return work();
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #open(file: Blob): Promise<Opened> {
    await this.start();
    this.#held = null;
    const opened = await this.#send('open', { file });
    this.#file = this.#held = file;
    return opened;
  }

  async #begin(): Promise<{ threads: number }> {
    for (;;) {
      const worker = new EngineWorker();
      worker.onmessage = ({ data }: MessageEvent<Answer>) => this.#answered(data);
      worker.onerror = (event) => {
        event.preventDefault();
        this.#dismiss(new PhotoError('worker_ended'));
      };
      this.#worker = worker;
      try {
        const started = await this.#send('start', { base: document.baseURI, threads: this.#threads }, this.loading);
        if (this.#worker !== worker) throw new Cancelled();
        this.#isRunning = true;
        return started;
      } catch (error) {
        if (error instanceof Cancelled) throw error;
        this.#dismiss(error as Error); // onnxruntime cannot be started twice in one worker
        if (this.#threads === 1 || (error as Error).message.startsWith('model_')) throw error;
        this.#threads = 1;
      }
    }
  }

  /** Have no worker any more: while one is being started, another is tried, and later with the next question. */
  #dismiss(reason: Error): void {
    if (this.#isRunning) this.#ready = null;
    this.#isRunning = false;
    this.#worker?.terminate();
    this.#worker = this.#held = null;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { fail } of waiting) fail(reason);
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
    if (lacksMemory) this.#dismiss(new PhotoError('memory_here'));
    else if (data.word === 'failed') console.error(data.detail);
  }
}
