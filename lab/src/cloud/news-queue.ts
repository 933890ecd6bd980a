/**
 * A queue of what a cloud tells, as the vendors' queues are to their readers: at least once, hidden from the others for a while after it was
 * received, and there again after that while unless it was removed. A reader that is killed while it waits takes what comes next along with it.
 */
import { randomUUID } from 'node:crypto';
import type { Monotonic } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';

export interface QueuedMessage {
  readonly id: string;
  readonly body: string;
  /** Wall clock, milliseconds. */
  readonly sentAt: number;
  /** This one included. */
  readonly receipts: number;
  /** Of this time that it was received; an earlier one removes nothing any more. */
  readonly receipt: string;
}

interface Stored extends QueuedMessage {
  /** Monotonic. */
  readonly visibleAt: number;
}

export interface ReceiveOptions {
  readonly max: number;
  readonly hiddenForMs: number;
  readonly waitMs: number;
}

/** Whoever tells more to nobody has forgotten to read. */
const MESSAGES_MAX = 10_000;

export class NewsQueue {
  readonly #clock: Clock;
  readonly #stopped: AbortSignal;
  readonly #messages = new Map<string, Stored>();
  #told = new AbortController();

  constructor(clock: Clock, stopped: AbortSignal) {
    this.#clock = clock;
    this.#stopped = stopped;
  }

  put(body: string): void {
    if (this.#messages.size >= MESSAGES_MAX) return;
    const id = randomUUID();
    const visibleAt = this.#clock.monotonic();
    this.#messages.set(id, { id, body, sentAt: this.#clock.now(), receipts: 0, receipt: '', visibleAt });
    this.#wake();
  }

  /** What was received and not removed shows now, before its time: delivery is at least once. */
  showAgain(): void {
    const visibleAt = this.#clock.monotonic();
    for (const message of this.#messages.values()) this.#messages.set(message.id, { ...message, visibleAt });
    this.#wake();
  }

  /** @returns as soon as there is something, nothing when the time is over */
  async receive({ max, hiddenForMs, waitMs }: ReceiveOptions): Promise<readonly QueuedMessage[]> {
    const until = this.#clock.monotonic() + waitMs;
    for (;;) {
      const now = this.#clock.monotonic();
      const visible = [...this.#messages.values()].filter(({ visibleAt }) => visibleAt <= now).slice(0, max);
      if (visible.length > 0 || now >= until || this.#stopped.aborted) {
        return visible.map((message) => this.#hide(message, now + hiddenForMs));
      }
      const next = Math.min(until, ...[...this.#messages.values()].map(({ visibleAt }) => visibleAt));
      await this.#clock.sleepUntil(next as Monotonic, AbortSignal.any([this.#told.signal, this.#stopped]));
    }
  }

  /** @returns false for a receipt that is not the last one of a message */
  remove(receipt: string): boolean {
    const message = [...this.#messages.values()].find((each) => each.receipt === receipt);
    return message !== undefined && this.#messages.delete(message.id);
  }

  /** Messages that are not removed, hidden ones included. */
  get length(): number {
    return this.#messages.size;
  }

  #wake(): void {
    this.#told.abort();
    this.#told = new AbortController();
  }

  #hide(message: Stored, visibleAt: number): QueuedMessage {
    const { id, body, sentAt, receipts } = message;
    const received = { id, body, sentAt, receipts: receipts + 1, receipt: randomUUID() };
    this.#messages.set(id, { ...received, visibleAt });
    return received;
  }
}
