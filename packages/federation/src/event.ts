/** Events of any type, for subscriptions: a history that is kept for a time. What decides about addresses are facts, not these. */
import type { Brand, DurationMs, Instant, NodeName, Result } from '@routerd/resources';
import { FACT_TYPES } from './ports.ts';

export type EventId = Brand<string, 'EventId'>;

export interface EventDraft {
  /** Reverse-DNS, `com.example.backup.finished`; not the type of a fact. */
  readonly type: string;
  /** What it is about; subscriptions match on its beginning. */
  readonly subject: string;
  /** Of the events with one key the latest says all; the event's own id unless told. */
  readonly dedupeKey?: string;
  readonly payload: Readonly<Record<string, string>>;
  readonly ttl: DurationMs;
  /** When it happened; now unless told. */
  readonly observedAt?: Instant;
}

/** A verified event, as this node accepted it. */
export interface GroupEvent {
  readonly id: EventId;
  readonly group: string;
  readonly sourceNode: NodeName;
  readonly type: string;
  readonly subject: string;
  readonly dedupeKey: string;
  readonly payload: Readonly<Record<string, string>>;
  readonly observedAt: Instant;
  readonly ttl: DurationMs;
  /** By this node's clock. */
  readonly acceptedAt: Instant;
  /** Acceptance plus TTL. */
  readonly expiresAt: Instant;
}

export type EventFault =
  | { readonly code: 'event.reserved-type'; readonly type: string }
  | { readonly code: 'event.malformed'; readonly detail: string }
  | { readonly code: 'event.not-stored'; readonly detail: string };

/** Every member must hold; an empty or absent one holds always. */
export interface EventFilter {
  readonly types?: readonly string[];
  readonly subjectPrefixes?: readonly string[];
  readonly sourceNodes?: readonly NodeName[];
}

export interface EventBus {
  /** Durable when it returns ok (outbox, synced). Own events also come back through `onEvents`, at once. */
  emit(draft: EventDraft): Result<GroupEvent, EventFault>;
  /** What retention has left, in the order of acceptance. */
  events(filter?: EventFilter): readonly GroupEvent[];
  /** Told of each batch of newly accepted events, each once also over restarts. @returns stops telling */
  onEvents(listener: (events: readonly GroupEvent[]) => void): () => void;
}

export interface EventRetention {
  readonly maxEvents: number;
  readonly maxAge: DurationMs;
}

export interface EventRow {
  readonly event: GroupEvent;
  readonly wire: string;
}

/** Durable memory for events; synchronous. A method that cannot do its work throws and has changed nothing. */
export interface EventStore {
  /** Into the outbox and the history; synced to disk before it returns. */
  appendLocal(row: EventRow): void;
  /** Oldest first. Asked often: cost in proportion to `limit`. */
  unsent(limit: number): readonly EventRow[];
  /** Unknown ids are ignored. */
  markSent(ids: readonly string[]): void;
  /** Into the history; need not be synced. Events that are there stay as they are. */
  save(events: readonly GroupEvent[]): void;
  /** In the order of acceptance. */
  load(): readonly GroupEvent[];
  /** Drops from the history what was accepted before, and the oldest beyond `keep`; what is unsent stays in the outbox. */
  forget(bounds: { readonly acceptedBefore: Instant; readonly keep: number }): void;
}

export function isReservedType(type: string): boolean {
  return FACT_TYPES.some((fact) => fact === type) || type.startsWith('routerd.client.');
}

export function matchesEvent({ types, subjectPrefixes, sourceNodes }: EventFilter, event: GroupEvent): boolean {
  return (
    holds(types, (type) => type === event.type) &&
    holds(subjectPrefixes, (prefix) => event.subject.startsWith(prefix)) &&
    holds(sourceNodes, (node) => node === event.sourceNode)
  );
}

function holds<T>(allowed: readonly T[] | undefined, isSo: (item: T) => boolean): boolean {
  return allowed === undefined || allowed.length === 0 || allowed.some(isSo);
}
