/** When each address is to be looked at again, the earliest first. A binary heap: setting one costs the logarithm of how many there are. */
import type { HostAddress, Instant } from '@routerd/resources';

interface Entry {
  readonly address: HostAddress;
  readonly at: Instant;
}

export class LookAgain {
  /** What counts; the heap may hold older entries of an address, which are dropped when they come up. */
  readonly #at = new Map<HostAddress, Instant>();
  #heap: Entry[] = [];

  set(address: HostAddress, at: Instant | undefined): void {
    if (this.#at.get(address) === at) return;
    if (at === undefined) return void this.#at.delete(address);
    this.#at.set(address, at);
    this.#push({ address, at });
    if (this.#heap.length > 2 * this.#at.size + STALE_MAX) this.#rebuild();
  }

  /** The earliest instant; undefined when nothing waits for time alone. */
  next(): Instant | undefined {
    for (;;) {
      const [first] = this.#heap;
      if (first === undefined || this.#at.get(first.address) === first.at) return first?.at;
      this.#pop();
    }
  }

  /** Whose instant has come, in the order of instants; each stays until it is set anew. */
  due(now: Instant): readonly HostAddress[] {
    const due: Entry[] = [];
    for (let next = this.next(); next !== undefined && next <= now; next = this.next()) {
      const first = this.#pop();
      if (first !== undefined) due.push(first);
      if (first !== undefined) this.#at.delete(first.address);
    }
    for (const { address, at } of due) this.set(address, at);
    return due.map(({ address }) => address);
  }

  #rebuild(): void {
    this.#heap = [];
    for (const [address, at] of this.#at) this.#push({ address, at });
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.at <= entry.at) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const child = (heap[left + 1]?.at ?? Infinity) < (heap[left]?.at ?? Infinity) ? left + 1 : left;
      const below = heap[child];
      if (below === undefined || below.at >= last.at) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

/** Stale entries that are worth keeping rather than building the heap anew. */
const STALE_MAX = 64;
