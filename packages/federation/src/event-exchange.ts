/** The EventBus over a transport: signs and sends own events, judges everybody's, and keeps a history for a time. */
import { err, ok, type Instant, type NodeName, type Result } from '@routerd/resources';
import type { Log } from '@routerd/runtime';
import {
  isReservedType,
  matchesEvent,
  type EventBus,
  type EventDraft,
  type EventFault,
  type EventFilter,
  type EventId,
  type EventRow,
  type EventStore,
  type GroupEvent,
} from './event.ts';
import type { FederationConfig, FederationPorts, RandomBytes } from './federation-config.ts';
import { Listeners } from './listeners.ts';
import type { Signer, VerifySignature } from './node-identity.ts';
import { OutboxPublisher, type OutgoingRow } from './outbox-publisher.ts';
import type { Refusal, Refusals } from './refusals.ts';
import { eventSubject, parseEventSubject } from './subjects.ts';
import type { LogMessage, LogReader, Transport } from './transport.ts';
import { acceptedEvent, encodeEvent, parseEvent } from './wire/event-wire.ts';
import type { Trouble } from './troubles.ts';

export interface EventExchangeOptions {
  /** How many milliseconds a node's clock is ahead of ours. */
  readonly clockAheadMs: (source: NodeName) => number;
  readonly config: FederationConfig;
  readonly ports: Pick<FederationPorts, 'clock' | 'eventStore'>;
  readonly log: Log;
  readonly random: RandomBytes;
  readonly signer: Signer;
  readonly verifiers: ReadonlyMap<NodeName, VerifySignature>;
  readonly transport: Pick<Transport, 'publishEvent'>;
  readonly refusals: Refusals;
  /** With the outbox, and with keeping what was accepted. */
  readonly trouble: Trouble;
  readonly keepingTrouble: Trouble;
}

const MAX_EVENTS = 100_000;
const MAX_AGE_MS = 86_400_000;
/** The history is cut when it is longer than allowed by this part, so that cutting costs little for each event. */
const SLACK = 0.1;

export class EventExchange implements EventBus, LogReader {
  readonly #options: EventExchangeOptions;
  readonly #store: EventStore | undefined;
  readonly #publisher: OutboxPublisher<EventRow> | undefined;
  readonly #listeners = new Listeners<readonly GroupEvent[]>();
  /** In the order of acceptance. */
  readonly #kept = new Map<EventId, GroupEvent>();

  constructor(options: EventExchangeOptions) {
    this.#options = options;
    const { ports, log, trouble, transport } = options;
    const { clock, eventStore: store } = ports;
    const publish = transport.publishEvent;
    this.#store = publish === undefined ? undefined : store;
    if (store === undefined || publish === undefined) return;
    for (const event of store.load()) this.#kept.set(event.id, event);
    const outgoing = (row: EventRow): OutgoingRow => this.#outgoing(row);
    this.#publisher = new OutboxPublisher({ clock, log, store, outgoing, publish, trouble });
  }

  /** Whether events are to be read at all. */
  get isKeeping(): boolean {
    return this.#store !== undefined;
  }

  emit(draft: EventDraft): Result<GroupEvent, EventFault> {
    const { config, ports, random, signer } = this.#options;
    if (this.#store === undefined) return err({ code: 'event.not-stored', detail: 'this node keeps no events' });
    if (isReservedType(draft.type)) return err({ code: 'event.reserved-type', type: draft.type });
    const id = Buffer.from(random(16)).toString('hex') as EventId;
    const now = ports.clock.now();
    const { type, subject, payload, ttl, dedupeKey = id, observedAt = now } = draft;
    const { group, self: sourceNode } = config;
    const sent = { id, group, sourceNode, type, subject, dedupeKey, payload, observedAt, ttl };
    const wire = encodeEvent(sent, signer.sign);
    if (!wire.ok) return err({ code: 'event.malformed', detail: wire.error.detail });
    const event = acceptedEvent(sent, now);
    try {
      this.#store.appendLocal({ event, wire: wire.value });
    } catch (cause) {
      return err({ code: 'event.not-stored', detail: cause instanceof Error ? cause.message : String(cause) });
    }
    this.#publisher?.recorded([id]);
    this.#tell([event]);
    return ok(event);
  }

  events(filter: EventFilter = {}): readonly GroupEvent[] {
    const oldest = this.#oldest();
    return [...this.#kept.values()].filter((event) => event.acceptedAt >= oldest && matchesEvent(filter, event));
  }

  onEvents(listener: (events: readonly GroupEvent[]) => void): () => void {
    return this.#listeners.add(listener);
  }

  connected(): void {
    this.#publisher?.connected();
  }

  disconnected(): void {
    this.#publisher?.disconnected();
  }

  stop(): void {
    this.#publisher?.stop();
  }

  restarted(): void {
    // What is read again is known by its id.
  }

  received(batch: readonly LogMessage[]): void {
    const now = this.#options.ports.clock.now();
    const fresh = new Map<EventId, GroupEvent>();
    for (const message of batch) {
      const judged = this.#judge(message, now);
      if (judged === undefined || fresh.has(judged.id)) continue;
      fresh.set(judged.id, judged);
    }
    if (fresh.size === 0) return;
    const events = [...fresh.values()];
    try {
      this.#store?.save(events);
      this.#options.keepingTrouble(undefined);
    } catch (cause) {
      const detail = `keeping events: ${cause instanceof Error ? cause.message : String(cause)}`;
      this.#options.log.error('events not kept', { event: 'federation.event.not-kept', detail });
      this.#options.keepingTrouble(detail);
    }
    this.#tell(events);
  }

  caughtUp(): void {
    this.#forget();
  }

  #tell(events: readonly GroupEvent[]): void {
    for (const event of events) this.#kept.set(event.id, event);
    this.#listeners.tell(events);
    const { maxEvents } = this.#retention();
    if (this.#kept.size > maxEvents * (1 + SLACK)) this.#forget();
  }

  #forget(): void {
    const { maxEvents } = this.#retention();
    const oldest = this.#oldest();
    for (const [id, { acceptedAt }] of this.#kept) {
      if (this.#kept.size <= maxEvents && acceptedAt >= oldest) break;
      this.#kept.delete(id);
    }
    try {
      this.#store?.forget({ acceptedBefore: oldest, keep: maxEvents });
    } catch (cause) {
      this.#options.keepingTrouble(`forgetting events: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }

  #oldest(): Instant {
    return (this.#options.ports.clock.now() - this.#retention().maxAge) as Instant;
  }

  #retention() {
    const { maxEvents = MAX_EVENTS, maxAge = MAX_AGE_MS } = this.#options.config.retention ?? {};
    return { maxEvents, maxAge };
  }

  #outgoing({ event, wire }: EventRow): OutgoingRow {
    const { group, self } = this.#options.config;
    return {
      id: event.id,
      key: event.id,
      message: { subject: eventSubject(group, self, event.type), id: event.id, text: wire },
    };
  }

  /** @returns undefined when it is known, too old to be kept, or refused */
  #judge({ subject, data }: LogMessage, now: Instant): GroupEvent | undefined {
    const { config, verifiers } = this.#options;
    const source = parseEventSubject(config.group, subject);
    if (source === undefined) return this.#refuse('event.wrong-subject', 'unknown', subject);
    const parsed = parseEvent(data);
    if (!parsed.ok) return this.#refuse('event.malformed', source, `${parsed.error.code}: ${parsed.error.detail}`);
    const { event, signed, signature } = parsed.value;
    if (this.#kept.has(event.id)) return undefined;
    if (event.group !== config.group) return this.#refuse('event.wrong-group', source, `group ${event.group}`);
    if (event.sourceNode !== source) return this.#refuse('event.wrong-source', source, `says ${event.sourceNode}`);
    if (subject !== eventSubject(config.group, source, event.type))
      return this.#refuse('event.wrong-subject', source, `${event.type} on ${subject}`);
    if (isReservedType(event.type)) return this.#refuse('event.reserved-type', source, event.type);
    const verify = verifiers.get(source);
    if (verify === undefined) return this.#refuse('event.unknown-source', source, `${source} is no peer of this node`);
    if (!verify(signed, signature)) return this.#refuse('event.bad-signature', source, event.id);
    const ahead = event.observedAt - now - this.#options.clockAheadMs(source);
    if (ahead > config.replayWindow) return this.#refuse('event.from-the-future', source, `${ahead} ms ahead`);
    // A newcomer reads all that the hub kept; what happened longer ago than it would keep is not news.
    return event.observedAt < this.#oldest() ? undefined : acceptedEvent(event, now);
  }

  #refuse(reason: Refusal['reason'], source: string, detail: string): undefined {
    this.#options.refusals.add({ reason, source, detail });
    return undefined;
  }
}
