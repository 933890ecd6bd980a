/** Time that passes only when everything that can happen now has happened. Real time is not consulted. */
import type { Monotonic } from '@routerd/resources';

interface Due {
  readonly at: number;
  /** Of events at one instant the one scheduled first happens first. */
  readonly order: number;
  readonly run: () => void;
  isCancelled: boolean;
}

export class VirtualTime {
  /** A binary heap, the earliest first. */
  readonly #heap: Due[] = [];
  #now = 0;
  #order = 0;
  #instants = 0;

  /** Milliseconds since the simulation began. */
  now(): number {
    return this.#now;
  }

  /** How many instants something has happened at so far. */
  instants(): number {
    return this.#instants;
  }

  /** @returns cancels it */
  at(milliseconds: number, run: () => void): () => void {
    const due: Due = { at: Math.max(milliseconds, this.#now), order: this.#order, run, isCancelled: false };
    this.#order += 1;
    this.#push(due);
    return () => {
      due.isCancelled = true;
    };
  }

  after(milliseconds: number, run: () => void): () => void {
    return this.at(this.#now + milliseconds, run);
  }

  async sleep(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.after(milliseconds, resolve);
    });
  }

  /** As a clock's `sleepUntil`, on this time's own scale. */
  async sleepUntil(until: number, signal: AbortSignal): Promise<void> {
    if (until <= this.#now || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const onAbort = (): void => {
        cancel();
        resolve();
      };
      const cancel = this.at(until, () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  monotonic(): Monotonic {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this is the clock that makes them
    return this.#now as Monotonic;
  }

  /** Lets time pass up to `end`; at each instant, all that is due and all work that follows from it is done before the next. */
  async runUntil(end: number): Promise<void> {
    await settle();
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      if (next.isCancelled) {
        this.#pop();
        continue;
      }
      this.#now = next.at;
      this.#instants += 1;
      while (this.#heap[0] !== undefined && this.#heap[0].at <= this.#now) {
        const due = this.#pop();
        if (due !== undefined && !due.isCancelled) due.run();
      }
      await settle();
    }
    this.#now = Math.max(this.#now, end);
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let index = heap.push(due) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfLater(parent, index)) break;
      index = parent;
    }
  }

  #pop(): Due | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    heap[0] = last;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const least = this.#isLater(left, left + 1) ? left + 1 : left;
      if (!this.#swapIfLater(index, least)) return first;
      index = least;
    }
  }

  #swapIfLater(a: number, b: number): boolean {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first === undefined || second === undefined || !this.#isLater(a, b)) return false;
    this.#heap[a] = second;
    this.#heap[b] = first;
    return true;
  }

  #isLater(a: number, b: number): boolean {
    const [first, second] = [this.#heap[a], this.#heap[b]];
    if (first === undefined || second === undefined) return false;
    return first.at > second.at || (first.at === second.at && first.order > second.order);
  }
}

/** A macrotask comes after every microtask: nothing in a simulated node waits for anything else. */
async function settle(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}
