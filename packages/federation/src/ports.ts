/** The ports of federation: what the reconciler sees (FactBus, MemberView, CaptureRegistry) and what federation needs (stores). */
import type {
  CaptureEpoch,
  CaptureKey,
  CaptureRecord,
  CaptureTransition,
  Liveness,
  OperatorOrder,
  Order,
  OrderSubject,
} from '@routerd/mobility';
import type { DurationMs, HostAddress, Instant, NodeName, PoolName, Result, SiteName } from '@routerd/resources';

import type { EventBus } from './event.ts';
import type { GroupClock } from './group-clock.ts';
import type { GroupMembership } from './federation-config.ts';
import type { IdentityFault } from './node-identity.ts';
import type { ReceivedRoster } from './roster-reader.ts';

export const FACT_TYPES = ['routerd.client.ipv4.observed', 'routerd.client.ipv4.expired'] as const;
export type FactType = (typeof FACT_TYPES)[number];

/** What a local source of facts says; identity, sequence and signature are added when it is recorded. */
export interface FactDraft {
  readonly type: FactType;
  readonly address: HostAddress;
  readonly pool: PoolName;
  readonly site: SiteName;
  readonly ttl: DurationMs;
  /** When the source saw it; now unless told. */
  readonly observedAt?: Instant;
  /** Where the fact comes from, for people: `lan-observer`, `operator`, `static`. */
  readonly origin: string;
}

/** A verified fact. On the wire: CloudEvents 1.0 structured JSON (`reference: docs/reference/facts.md`). */
export interface Fact {
  readonly id: string;
  readonly type: FactType;
  readonly source: NodeName;
  readonly group: string;
  readonly pool: PoolName;
  readonly site: SiteName;
  readonly address: HostAddress;
  readonly observedAt: Instant;
  readonly ttl: DurationMs;
  /** Per-source, strictly growing, also over restarts. */
  readonly sequence: number;
  readonly origin: string;
}

export type FactFault =
  /** The address is captured by a router of this site, or is a router's own: recording it would claim ownership of a capture. */
  | { readonly code: 'fact.self-capture'; readonly address: HostAddress; readonly detail: string }
  | { readonly code: 'fact.outside-pool'; readonly address: HostAddress; readonly pool: PoolName }
  | { readonly code: 'fact.unknown-pool'; readonly pool: PoolName }
  /** This node speaks for another site in the pool, or for none: every receiver would refuse the fact. */
  | { readonly code: 'fact.wrong-site'; readonly pool: PoolName; readonly site: SiteName; readonly detail: string }
  | { readonly code: 'fact.not-stored'; readonly detail: string };

/**
 * A fact as this node accepted it. TTL runs from `acceptedAt`, which is the receiver's steady clock: it looks like wall-clock time and is
 * comparable within one run of the process only.
 */
export interface AcceptedFact {
  readonly fact: Fact;
  readonly acceptedAt: Instant;
  /** Start of the uninterrupted run of `observed` facts of this (source, address). */
  readonly firstAcceptedAt: Instant;
}

export interface FactBus {
  /** Durable when it returns ok (outbox, synced); published without waiting. Own facts also come back through `onAccepted`, at once. */
  record(draft: FactDraft): Result<Fact, FactFault>;
  /** As {@link record}, together: one write to the disk and few signatures. Outcomes in the order given; what cannot be recorded costs only itself. */
  recordAll(drafts: readonly FactDraft[]): readonly Result<Fact, FactFault>[];
  /** Last accepted fact per (source, address), from all nodes including this one. */
  accepted(): readonly AcceptedFact[];
  /** Of these the one of that source about that address; cheap. */
  latest(source: NodeName, address: HostAddress): AcceptedFact | undefined;
  /** Told of each batch of newly accepted facts, in order, never concurrently. @returns stops telling */
  onAccepted(listener: (facts: readonly AcceptedFact[]) => void): () => void;
}

export interface MemberView {
  /** Every configured peer and this node itself (always `alive`). */
  members(): ReadonlyMap<NodeName, Liveness>;
  /** Whether the node's own document of the pool takes it out of service, by its last word; undefined while it has told nothing. */
  drains?(node: NodeName, pool: PoolName): boolean | undefined;
  /** Peers that are silent, or have not told yet that they have read what this node has read of the logs. */
  unread?(): ReadonlySet<NodeName>;
  onChange(listener: () => void): () => void;
  /** Told when there is a peer less in {@link unread}. @returns stops telling */
  onRead?(listener: () => void): () => void;
}

export type AppendOutcome =
  | { readonly kind: 'won'; readonly record: CaptureRecord }
  /** Another record came first, or the fold refused ours; `current` is what stands. */
  | { readonly kind: 'lost'; readonly current: CaptureRecord | undefined; readonly because: string }
  /** No answer from a quorum before the deadline. The write may or may not take effect later; `records()` will tell. */
  | { readonly kind: 'unreachable'; readonly detail: string };

export interface CaptureRegistry {
  /** The fold of the log as far as it was read. Stale by at most what the connection is behind; never used as a fence. */
  records(): ReadonlyMap<CaptureKey, CaptureRecord>;
  /**
   * Appends the next record of each key and waits to see it come back in the log.
   * Independent per transition; outcomes in the order given. Cancellation yields `unreachable`.
   */
  append(transitions: readonly CaptureTransition[], signal: AbortSignal): Promise<readonly AppendOutcome[]>;
  onChange(listener: (keys: readonly CaptureKey[]) => void): () => void;
}

export type OrderOutcome =
  | { readonly kind: 'won'; readonly order: OperatorOrder }
  /** Another order about the subject came first; it stands. */
  | { readonly kind: 'lost'; readonly current: OperatorOrder | undefined; readonly because: string }
  /** No answer before the deadline. The order may or may not take effect later; `orders()` will tell. */
  | { readonly kind: 'unreachable'; readonly detail: string };

/** Operators' orders: in the same totally ordered log as the capture records, folded by `foldOrder`. */
export interface OrderRegistry {
  /** What stands about each subject, as far as the log was read. Orders are level-triggered: the last one counts until the next. */
  orders(): ReadonlyMap<OrderSubject, OperatorOrder>;
  /** Appends the next version of the order's subject and waits to see it come back. Repeating what stands already is a new version too. */
  append(order: Order, by: { readonly who: string; readonly why: string }, signal: AbortSignal): Promise<OrderOutcome>;
  /** Told which subjects have a new order. @returns stops telling */
  onChange(listener: (subjects: readonly OrderSubject[]) => void): () => void;
}

export interface FederationStatus {
  /** Connected to a hub, and facts and registry read up to the end of their streams at least once since then. */
  readonly connected: boolean;
  readonly factsCaughtUp: boolean;
  readonly registryCaughtUp: boolean;
  readonly hub: string | undefined;
  readonly outboxDepth: number;
  readonly refused: Readonly<Record<string, number>>;
  /** The latest of what does not work; undefined as soon as the same works again. */
  readonly lastError: string | undefined;
  /** When there was an error last, also one that is over. */
  readonly lastErrorAt: Instant | undefined;
  /** What the clocks of the group say of this node's; undefined while no majority of them agrees, or nobody was heard. */
  readonly clock?: GroupClock | undefined;
}

/** What this node knows of one peer. */
export interface PeerReport {
  readonly node: NodeName;
  readonly liveness: Liveness;
  /** Since its last heartbeat, by this node's monotonic clock; undefined when none came yet. */
  readonly silentFor: DurationMs | undefined;
  /** Messages of the log that this node has read and the peer has not; negative where the peer is further. */
  readonly factsBehind: number | undefined;
  readonly capturesBehind: number | undefined;
  /** Estimate: wrong by the travelling time of the fastest heartbeat of the last minute. */
  readonly clockAheadMs: number | undefined;
  /** Pools that the peer defines in another way, or not at all, though both are members. */
  readonly differingPools: readonly PoolName[];
}

/** Where a fact of this node has got to. */
export interface Delivery {
  readonly fact: Fact;
  /** `outbox`: on this node's disk only. `sent`: in the log. */
  readonly state: 'outbox' | 'sent';
  /** Peers that have read the log beyond it, and those that have not or do not tell. */
  readonly read: readonly NodeName[];
  readonly unread: readonly NodeName[];
}

/** One node's connection to its group: the three ports over one transport. Nothing starts before `start`. */
export interface Federation {
  readonly facts: FactBus;
  readonly members: MemberView;
  readonly registry: CaptureRegistry;
  readonly orders: OrderRegistry;
  readonly events: EventBus;
  status(): FederationStatus;
  /** In the order of their names. */
  peers(): readonly PeerReport[];
  /** The last fact of this node about each address, oldest first. */
  deliveries(): readonly Delivery[];
  onStatus(listener: () => void): () => void;
  /**
   * Takes over who else is in the group, and where its hubs are, without a restart: newcomers are heard from now on, what the log holds of
   * them is read, who is gone is heard no more. Changes nothing when a key is not one.
   */
  reconfigure(membership: GroupMembership): Result<void, IdentityFault>;
  /** Told each newer list of members that the operator has signed. It changes nothing by itself: see {@link reconfigure}. @returns stops telling */
  onRoster(listener: (received: ReceivedRoster) => void): () => void;
  start(): Promise<void>;
  /** Stops consuming and closes the connection; undelivered facts stay in the outbox. */
  stop(): Promise<void>;
}

export interface FactRow {
  readonly fact: Fact;
  readonly wire: string;
}

/** Durable memory for facts; synchronous, because the adapter (SQLite) is. */
export interface FactStore {
  /**
   * Appends to the outbox; synced to disk before it returns. Throws when it could not.
   * The sequence is higher than every one given out before, also before a restart, and than `above`: the log may
   * remember more of this node than its own disk does.
   */
  appendLocal(make: (sequence: number) => FactRow, above: number): Fact;
  /** As {@link appendLocal}, all or none; sequences grow. Optional: without it each fact is appended by itself. */
  readonly appendLocalAll?: (
    count: number,
    make: (sequences: readonly number[]) => readonly FactRow[],
    above: number,
  ) => readonly Fact[];
  /** Oldest first, of a sequence above `after`; all unless told. Asked often: cost in proportion to `limit`. */
  unsent(limit: number, after?: number): readonly FactRow[];
  /** Need not be synced: a fact that is sent twice is known by its id. Unknown ids are ignored. */
  markSent(ids: readonly string[]): void;
  outboxDepth(): number;
  /** Keeps the last accepted fact per (source, address); need not be synced. */
  saveAccepted(facts: readonly AcceptedFact[]): void;
  loadAccepted(): readonly AcceptedFact[];
}

/** This node's own orders that stood when they were last seen, one for each subject; synced to disk before `save` returns. */
export interface OrderStore {
  save(order: OperatorOrder): void;
  /** Unknown subjects are ignored. */
  forget(subject: OrderSubject): void;
  load(): readonly OperatorOrder[];
}

/** Highest epoch ever seen per capture key; synced to disk before `raise` returns, and never lower than before. */
export interface HighWaterStore {
  raise(marks: readonly { readonly key: CaptureKey; readonly epoch: CaptureEpoch }[]): void;
  all(): ReadonlyMap<CaptureKey, CaptureEpoch>;
  /** Asked of each address that is planned: reads no disk and copies nothing. Undefined when none was seen. */
  epochOf(key: CaptureKey): CaptureEpoch | undefined;
}
