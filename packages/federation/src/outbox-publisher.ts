/** Carries an outbox to the hub: at once when something is recorded, again when it failed, what belongs together in its order. */
import type { Monotonic, Result } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import type { OutgoingMessage, TransportFault } from './transport.ts';

/** Messages under way at most: enough to fill a link of 100 ms round trip with 2,500 of them a second. */
const WINDOW = 256;
const RETRY_MS_FIRST = 250;
const RETRY_MS_MAX = 5000;

export interface OutboxPublisherOptions<Row> {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: {
    /** Oldest first. */
    unsent(limit: number): readonly Row[];
    markSent(ids: readonly string[]): void;
  };
  /** Of two rows with one key the older is on its way first, and alone. */
  readonly outgoing: (row: Row) => OutgoingRow;
  readonly publish: (message: OutgoingMessage) => Promise<Result<number, TransportFault>>;
  readonly trouble: (detail: string) => void;
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
  #connected = false;
  #moreWaiting = false;
  #settling = false;
  #failures = 0;
  #pauseUntil: Monotonic | undefined;

  constructor(options: OutboxPublisherOptions<Row>) {
    this.#options = options;
  }

  stop(): void {
    this.#connected = false;
    this.#stopping.abort();
  }

  connected(): void {
    this.#connected = true;
    this.#failures = 0;
    this.#pauseUntil = undefined;
    this.pump();
  }

  disconnected(): void {
    this.#connected = false;
  }

  /** The outbox has something new with these keys. */
  recorded(keys: readonly string[]): void {
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
    if (!this.#connected || this.#pauseUntil !== undefined || this.#underWay.size >= WINDOW) return;
    const limit = WINDOW + this.#underWay.size;
    const unsent = this.#withStore((store) => store.unsent(limit));
    if (unsent === undefined) return;
    this.#moreWaiting = unsent.length === limit;
    const blocked = new Set<string>();
    for (const row of unsent) {
      const outgoing = this.#options.outgoing(row);
      const { key, id } = outgoing;
      if (this.#underWay.get(key) === id) continue;
      if (blocked.has(key) || this.#underWay.has(key) || this.#underWay.size >= WINDOW) {
        this.#moreWaiting = true;
        blocked.add(key);
      } else {
        void this.#publish(outgoing);
      }
    }
    for (const [key, outgoing] of this.#again) {
      if (this.#underWay.size >= WINDOW) {
        this.#moreWaiting = true;
        return;
      }
      if (this.#underWay.has(key)) continue;
      this.#again.delete(key);
      void this.#publish(outgoing);
    }
  }

  async #publish({ id, key, message }: OutgoingRow): Promise<void> {
    this.#underWay.set(key, id);
    const answer = await this.#options.publish(message);
    this.#underWay.delete(key);
    if (answer.ok) {
      this.#failures = 0;
      this.#acknowledged.push(id);
      this.#settleSoon();
      return;
    }
    if (this.#stopping.signal.aborted || !this.#connected) return;
    const detail = `publishing ${id} on ${message.subject}: ${answer.error.code}: ${answer.error.detail}`;
    this.#options.log.warn('not published, will retry', { event: 'federation.outbox.not-published', detail });
    this.#options.trouble(detail);
    void this.#pause();
  }

  /** Acknowledgements that came together are written to the store together. */
  #settleSoon(): void {
    if (this.#settling) return;
    this.#settling = true;
    queueMicrotask(() => {
      this.#settling = false;
      if (this.#stopping.signal.aborted) return;
      const sent = this.#acknowledged.splice(0);
      this.#withStore((store) => store.markSent(sent));
      // Refilling at half saves asking the store after every single acknowledgement of a long queue.
      if (this.#moreWaiting && this.#underWay.size <= WINDOW / 2) this.pump();
    });
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
