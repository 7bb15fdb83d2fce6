/** Stands in for the worker: photos are named by their text, and 'damaged' cannot be opened. */

import type { Answer, Ask } from '../src/engine/protocol';

export class Stand {
  static all: Stand[] = [];
  static most = 1; // threads for which there is memory
  onmessage: (event: { data: Answer }) => void = () => undefined;
  onerror: (event: { preventDefault(): void }) => void = () => undefined;
  readonly asked: string[] = [];
  isOver = false;
  photo = '';
  closed = 0;
  #turn = Promise.resolve();

  constructor() {
    Stand.all.push(this);
  }

  terminate(): void {
    this.isOver = true;
  }

  postMessage({ id, ask, of }: Ask): void {
    this.asked.push(ask);
    this.#turn = this.#turn.then(async () => {
      const say = (answer: object) => this.isOver || this.onmessage({ data: { id, values: {}, ...answer } as Answer });
      if (ask === 'start') {
        if (of.threads > Stand.most) say({ word: 'failed', detail: 'RangeError: could not allocate memory' });
        else say({ answer: { threads: of.threads } });
      } else if (ask === 'open') {
        this.photo = '';
        const name = await of.file.text();
        if (name === 'damaged') return say({ word: 'file_damaged', detail: '' });
        this.photo = name;
        say({ answer: { before: { close: () => this.closed++ } } });
      } else if (this.photo) say({ answer: { after: this.photo } });
      else say({ word: 'choose_first', detail: '' });
    }) as Promise<void>;
  }
}
