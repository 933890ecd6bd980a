/** Carries an outbox to the hub: at once when something is recorded, again when it failed, what belongs together in its order. */
import type { Monotonic, Result } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import type { OutgoingMessage, TransportFault } from './transport.ts';
import type { Trouble } from './troubles.ts';

/** Messages under way at most: enough to fill a link of 100 ms round trip with 10,000 of them a second. */
const WINDOW = 1024;
/** Acknowledged messages are marked in the store together: when they are as many, or nothing is under way any more. */
const MARK_AT = 64;
const RETRY_MS_FIRST = 250;
const RETRY_MS_MAX = 5000;

export interface OutboxPublisherOptions<Row> {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: {
    /** Oldest first; a store that knows no `after` gives all from the oldest on. */
    unsent(limit: number, after: Row | undefined): readonly Row[];
    markSent(ids: readonly string[]): void;
  };
  /** Of two rows with one key the older is on its way first, and alone. */
  readonly outgoing: (row: Row) => OutgoingRow;
  readonly publish: (message: OutgoingMessage) => Promise<Result<number, TransportFault>>;
  readonly trouble: Trouble;
}

export interface OutgoingRow {
  /** As the store knows it. */
  readonly id: string;
  readonly key: string;
  readonly message: OutgoingMessage;
}

/**
 * Several messages are under way at once, but never two of one key: the stream of facts keeps the last message of a subject, and
 * a retried older one must not come last.
 */
export class OutboxPublisher<Row> {
  readonly #options: OutboxPublisherOptions<Row>;
  readonly #underWay = new Map<string, string>();
  /** What the outbox has finished with, but the hub has lost. */
  readonly #again = new Map<string, OutgoingRow>();
  readonly #acknowledged: string[] = [];
  readonly #stopping = new AbortController();
  /** Read from the outbox and not under way yet, oldest first. */
  #waiting: OutgoingRow[] = [];
  /** The outbox was read up to this row; undefined: from the oldest on. */
  #readTo: Row | undefined;
  /** Of what was read: waiting, under way, or acknowledged and not marked yet. */
  readonly #inHand = new Set<string>();
  #connected = false;
  #mayHaveMore = true;
  #looking = false;
  #failures = 0;
  #pauseUntil: Monotonic | undefined;

  constructor(options: OutboxPublisherOptions<Row>) {
    this.#options = options;
  }

  stop(): void {
    this.#mark();
    this.#connected = false;
    this.#stopping.abort();
  }

  connected(): void {
    this.#connected = true;
    this.#failures = 0;
    this.#pauseUntil = undefined;
    this.#startOver();
    this.pump();
  }

  disconnected(): void {
    this.#connected = false;
  }

  /** The outbox has something new with these keys. */
  recorded(keys: readonly string[]): void {
    this.#mayHaveMore = true;
    for (const key of keys) this.#again.delete(key);
    this.pump();
  }

  /** Publishes again what is not in the outbox. Not kept over a restart: the next catch-up looks again. */
  republish(rows: readonly OutgoingRow[]): void {
    for (const outgoing of rows) this.#again.set(outgoing.key, outgoing);
    this.pump();
  }

  /** Starts whatever may start. Cheap when there is nothing. */
  pump(): void {
    if (!this.#connected || this.#pauseUntil !== undefined) return;
    this.#startWaiting();
    while (this.#mayHaveMore && this.#underWay.size < WINDOW && this.#waiting.length < WINDOW) {
      if (!this.#readMore()) return;
      this.#startWaiting();
    }
    for (const [key, outgoing] of this.#again) {
      if (this.#underWay.size >= WINDOW) return;
      if (this.#underWay.has(key)) continue;
      this.#again.delete(key);
      void this.#publish(outgoing);
    }
  }

  /** What waits for an older message of its key stays where it is. */
  #startWaiting(): void {
    const blocked = new Set<string>();
    const kept: OutgoingRow[] = [];
    for (const outgoing of this.#waiting) {
      const { key } = outgoing;
      if (this.#underWay.size < WINDOW && !this.#underWay.has(key) && !blocked.has(key)) {
        void this.#publish(outgoing);
      } else {
        blocked.add(key);
        kept.push(outgoing);
      }
    }
    this.#waiting = kept;
  }

  /** Each row is read once, however long the outbox is. @returns false when the store failed */
  #readMore(): boolean {
    const limit = WINDOW + this.#inHand.size;
    const rows = this.#withStore((store) => store.unsent(limit, this.#readTo));
    if (rows === undefined) return false;
    this.#mayHaveMore = rows.length === limit;
    this.#readTo = rows.at(-1) ?? this.#readTo;
    for (const row of rows) {
      const outgoing = this.#options.outgoing(row);
      if (this.#inHand.has(outgoing.id)) continue;
      this.#inHand.add(outgoing.id);
      this.#waiting.push(outgoing);
    }
    return true;
  }

  /** After a failure the oldest is tried first again; what is under way stays in hand until it is answered. */
  #startOver(): void {
    this.#mark();
    for (const { id } of this.#waiting) this.#inHand.delete(id);
    this.#waiting = [];
    this.#rewind();
  }

  #rewind(): void {
    this.#readTo = undefined;
    this.#mayHaveMore = true;
  }

  async #publish({ id, key, message }: OutgoingRow): Promise<void> {
    this.#underWay.set(key, id);
    const answer = await this.#options.publish(message);
    this.#underWay.delete(key);
    if (answer.ok) {
      this.#failures = 0;
      this.#acknowledged.push(id);
      this.#lookSoon();
      return;
    }
    this.#inHand.delete(id);
    if (this.#stopping.signal.aborted || !this.#connected) return;
    const detail = `publishing ${id} on ${message.subject}: ${answer.error.code}: ${answer.error.detail}`;
    // Of all that fail with it one is told: a thousand may be under way.
    if (this.#pauseUntil === undefined)
      this.#options.log.warn('not published, will retry', { event: 'federation.outbox.not-published', detail });
    this.#options.trouble(detail);
    this.#startOver();
    void this.#pause();
  }

  /** Acknowledgements that came together are seen to together. */
  #lookSoon(): void {
    if (this.#looking) return;
    this.#looking = true;
    queueMicrotask(() => {
      this.#looking = false;
      if (this.#stopping.signal.aborted) return;
      if (this.#acknowledged.length >= MARK_AT || this.#underWay.size === 0) this.#mark();
      // Refilling at half saves looking at what waits after every single acknowledgement of a long queue.
      if (this.#underWay.size <= WINDOW / 2) this.pump();
    });
  }

  #mark(): void {
    if (this.#acknowledged.length === 0) return;
    const sent = this.#acknowledged.splice(0);
    const isMarked = this.#withStore((store) => {
      store.markSent(sent);
      return true;
    });
    for (const id of sent) this.#inHand.delete(id);
    // What could not be marked is read, and sent, again.
    if (isMarked === undefined) this.#rewind();
    else this.#options.trouble(undefined);
  }

  /** A disk that fails costs a pause: what could not be marked as sent is sent again, and known by its id. */
  #withStore<T>(use: (store: OutboxPublisherOptions<Row>['store']) => T): T | undefined {
    try {
      return use(this.#options.store);
    } catch (cause) {
      const detail = `using the outbox: ${cause instanceof Error ? cause.message : String(cause)}`;
      this.#options.log.error('outbox failed, will retry', { event: 'federation.outbox.failed', detail });
      this.#options.trouble(detail);
      void this.#pause();
      return undefined;
    }
  }

  async #pause(): Promise<void> {
    if (this.#pauseUntil !== undefined) return;
    const wait = Math.min(RETRY_MS_FIRST * 2 ** this.#failures, RETRY_MS_MAX);
    this.#failures += 1;
    const until = (this.#options.clock.monotonic() + wait) as Monotonic;
    this.#pauseUntil = until;
    await this.#options.clock.sleepUntil(until, this.#stopping.signal);
    if (this.#pauseUntil !== until) return;
    this.#pauseUntil = undefined;
    this.pump();
  }
}
