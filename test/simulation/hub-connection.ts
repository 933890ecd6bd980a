/** One connection between a node and the hub: each direction keeps its order, however long a message takes. */
import type { VirtualTime } from './virtual-time.ts';

export interface ConnectionTimes {
  /** Milliseconds that the next message takes one way. */
  readonly latency: () => number;
  readonly nodeDeafUntil: () => number;
  readonly hubDeafUntil: () => number;
}

/** A deafness may end earlier than was announced. */
const EARS_TRIED_EVERY_MS = 250;

class Lane {
  readonly queue: (() => void)[] = [];
  /** How many of the queue are there and only wait to be heard. */
  arrived = 0;
  isWaiting = false;
  lastAt = 0;
}

export class Connection {
  readonly #time: VirtualTime;
  readonly #times: ConnectionTimes;
  readonly #up = new Lane();
  readonly #down = new Lane();
  readonly #closing: (() => void)[] = [];
  /** What is stored while a stale reader waits for the rest of a log, by log. */
  readonly #held = new Map<string, (() => void)[]>();
  #isOpen = true;

  constructor(time: VirtualTime, times: ConnectionTimes) {
    this.#time = time;
    this.#times = times;
  }

  toHub(arrive: () => void): void {
    if (this.#isOpen) this.#carry(this.#up, this.#times.hubDeafUntil, arrive);
  }

  /** @param log of a message of a log: it waits while that log is held */
  toNode(arrive: () => void, log?: string): void {
    if (!this.#isOpen) return;
    const held = log === undefined ? undefined : this.#held.get(log);
    if (held !== undefined) held.push(arrive);
    else this.#carry(this.#down, this.#times.nodeDeafUntil, arrive);
  }

  /** @returns lets what was held go on */
  hold(log: string): () => void {
    const held: (() => void)[] = [];
    this.#held.set(log, held);
    return () => {
      if (this.#held.get(log) === held) this.#held.delete(log);
      for (const arrive of held) this.toNode(arrive);
    };
  }

  onClose(tell: () => void): void {
    this.#closing.push(tell);
  }

  /** @returns what was on its way to the hub */
  close(): readonly (() => void)[] {
    this.#isOpen = false;
    const late = this.#up.queue.splice(0);
    this.#down.queue.length = 0;
    for (const tell of this.#closing.splice(0)) tell();
    return late;
  }

  #carry(lane: Lane, deafUntil: () => number, arrive: () => void): void {
    lane.queue.push(arrive);
    lane.lastAt = Math.max(lane.lastAt, this.#time.now() + this.#times.latency());
    this.#time.at(lane.lastAt, () => {
      lane.arrived += 1;
      this.#deliver(lane, deafUntil);
    });
  }

  /** What arrives at deaf ears is kept, as TCP keeps it, and comes all at once when they open. */
  #deliver(lane: Lane, deafUntil: () => number): void {
    if (lane.isWaiting) return;
    const wait = deafUntil() - this.#time.now();
    if (wait > 0) {
      lane.isWaiting = true;
      this.#time.after(Math.min(wait, EARS_TRIED_EVERY_MS), () => {
        lane.isWaiting = false;
        this.#deliver(lane, deafUntil);
      });
      return;
    }
    for (; lane.arrived > 0; lane.arrived -= 1) lane.queue.shift()?.();
  }
}
