/** Carries the outbox to the hub: at once when something is recorded, again when it failed, each address in its order. */
import type { HostAddress, Monotonic } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import type { Fact, FactStore } from './ports.ts';
import { factSubject, type GroupName } from './subjects.ts';
import type { Transport } from './transport.ts';

/** Facts under way at most: enough to fill a link of 100 ms round trip with 2,500 facts a second. */
const WINDOW = 256;
const RETRY_MS_FIRST = 250;
const RETRY_MS_MAX = 5000;

export interface FactPublisherOptions {
  readonly group: GroupName;
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Pick<FactStore, 'unsent' | 'markSent'>;
  readonly transport: Pick<Transport, 'publishFact'>;
  readonly trouble: (detail: string) => void;
}

interface Outgoing {
  readonly fact: Fact;
  readonly wire: string;
  /** The hub stores two messages of one id once; the fact's own id unless told. */
  readonly messageId?: string;
}

/**
 * Several facts are under way at once, but never two about one address: the stream keeps the last message of a subject, and
 * a retried older one must not come last.
 */
export class FactPublisher {
  readonly #options: FactPublisherOptions;
  readonly #underWay = new Map<HostAddress, string>();
  /** Facts that the outbox has finished with, but the hub has lost. */
  readonly #again = new Map<HostAddress, Outgoing>();
  readonly #acknowledged: string[] = [];
  readonly #stopping = new AbortController();
  #connected = false;
  #moreWaiting = false;
  #settling = false;
  #failures = 0;
  #pauseUntil: Monotonic | undefined;

  constructor(options: FactPublisherOptions) {
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

  /** The outbox has a new fact about this address. */
  recorded(address: HostAddress): void {
    this.#again.delete(address);
    this.pump();
  }

  /** Publishes facts again that are not in the outbox. Not kept over a restart: the next catch-up looks again. */
  republish(facts: readonly Outgoing[]): void {
    for (const outgoing of facts) this.#again.set(outgoing.fact.address, outgoing);
    this.pump();
  }

  /** Starts whatever may start. Cheap when there is nothing. */
  pump(): void {
    if (!this.#connected || this.#pauseUntil !== undefined || this.#underWay.size >= WINDOW) return;
    const limit = WINDOW + this.#underWay.size;
    const unsent = this.#withStore((store) => store.unsent(limit));
    if (unsent === undefined) return;
    this.#moreWaiting = unsent.length === limit;
    const blocked = new Set<HostAddress>();
    for (const outgoing of unsent) {
      const { address, id } = outgoing.fact;
      if (this.#underWay.get(address) === id) continue;
      if (blocked.has(address) || this.#underWay.has(address) || this.#underWay.size >= WINDOW) {
        this.#moreWaiting = true;
        blocked.add(address);
      } else {
        void this.#publish(outgoing);
      }
    }
    for (const [address, outgoing] of this.#again) {
      if (this.#underWay.size >= WINDOW) {
        this.#moreWaiting = true;
        return;
      }
      if (this.#underWay.has(address)) continue;
      this.#again.delete(address);
      void this.#publish(outgoing);
    }
  }

  async #publish({ fact, wire, messageId = fact.id }: Outgoing): Promise<void> {
    const { address, id } = fact;
    this.#underWay.set(address, id);
    const subject = factSubject(this.#options.group, fact);
    const answer = await this.#options.transport.publishFact({ subject, id: messageId, text: wire });
    this.#underWay.delete(address);
    if (answer.ok) {
      this.#failures = 0;
      this.#acknowledged.push(id);
      this.#settleSoon();
      return;
    }
    if (this.#stopping.signal.aborted || !this.#connected) return;
    const detail = `publishing ${id} about ${address}: ${answer.error.code}: ${answer.error.detail}`;
    this.#options.log.warn('fact not published, will retry', { event: 'federation.fact.not-published', detail });
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
  #withStore<T>(use: (store: FactPublisherOptions['store']) => T): T | undefined {
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
