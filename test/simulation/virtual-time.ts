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
    await new Promise<void>((resolve, reject) => {
      let isOver = false;
      const step = (): void => {
        try {
          if (isOver || this.#pass(end)) return;
          resolve();
        } catch (cause) {
          reject(cause);
        }
        isOver = true;
      };
      const go = (): void => {
        for (let index = 0; index < STEPS_AT_ONCE; index += 1) setImmediate(step);
        setImmediate(() => {
          if (!isOver) go();
        });
      };
      go();
    });
    this.#now = Math.max(this.#now, end);
  }

  /** Everything that is due at the next instant happens. @returns false when there is none up to `end` */
  #pass(end: number): boolean {
    const heap = this.#heap;
    while (heap[0]?.isCancelled === true) this.#pop();
    const next = heap[0];
    if (next === undefined || next.at > end) return false;
    this.#now = next.at;
    this.#instants += 1;
    for (let due = heap[0]; due !== undefined && due.at <= this.#now; due = heap[0]) {
      this.#pop();
      if (!due.isCancelled) due.run();
    }
    return true;
  }

  /** Moves later ones down until there is a place for it. */
  #push(due: Due): void {
    const heap = this.#heap;
    let index = heap.push(due) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isLater(above, due)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const [first, second] = [heap[left], heap[left + 1]];
      if (first === undefined) break;
      const isSecond = second !== undefined && isLater(first, second);
      const least = isSecond ? second : first;
      if (!isLater(last, least)) break;
      heap[index] = least;
      index = isSecond ? left + 1 : left;
    }
    heap[index] = last;
  }
}

function isLater(a: Due, b: Due): boolean {
  return a.at > b.at || (a.at === b.at && a.order > b.order);
}

/**
 * Each instant is a macrotask of its own, before which every microtask has run. A turn of the event loop costs more than most instants, so
 * many macrotasks are asked for at once; those that are left over when the end is reached do nothing.
 */
const STEPS_AT_ONCE = 64;

/** A macrotask comes after every microtask: nothing in a simulated node waits for anything else. */
async function settle(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}
