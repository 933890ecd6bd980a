/** Whether a received fact is believed. Pure: the same for every transport. */
import {
  prefixContains,
  type DurationMs,
  type HostAddress,
  type Instant,
  type NodeName,
  type PoolName,
} from '@routerd/resources';
import type { PoolMembership } from './federation-config.ts';
import type { VerifyFact } from './batch-memory.ts';
import type { Fact } from './ports.ts';
import { factSubject, parseFactSubject, type FactSubject, type GroupName } from './subjects.ts';
import { parseFact } from './wire/fact-wire.ts';

export const FACT_REFUSALS = [
  'fact.wrong-subject',
  'fact.malformed',
  'fact.wrong-group',
  'fact.wrong-source',
  'fact.unknown-source',
  'fact.superseded',
  'fact.bad-signature',
  'fact.unknown-pool',
  'fact.outside-pool',
  'fact.wrong-site',
  'fact.from-the-future',
  'fact.self-capture',
] as const;
export type FactRefusal = (typeof FACT_REFUSALS)[number];

export type FactVerdict =
  | { readonly kind: 'accepted'; readonly fact: Fact }
  /** Known already: news of nothing. */
  | { readonly kind: 'duplicate'; readonly fact: Fact }
  /** Sound but for its date, which may be the fault of a clock that is not known well yet. */
  | { readonly kind: 'early'; readonly fact: Fact; readonly detail: string }
  | { readonly kind: 'refused'; readonly reason: FactRefusal; readonly source: string; readonly detail: string };

export interface FactSituation {
  readonly group: GroupName;
  readonly now: Instant;
  readonly replayWindow: DurationMs;
  /** How many milliseconds the clock of a node, by which it dates its facts, is ahead of ours. */
  readonly clockAheadMs: (source: NodeName) => number;
  readonly pools: ReadonlyMap<PoolName, PoolMembership>;
  /** The site that this node speaks for in a pool. */
  readonly self: NodeName;
  readonly verifiers: ReadonlyMap<NodeName, VerifyFact>;
  /** The last accepted fact of this source about this address. */
  readonly last: (source: NodeName, address: HostAddress) => Fact | undefined;
  readonly isCapturedHere: (address: HostAddress) => string | undefined;
}

/**
 * Cheap tests come first, and the sequence before the signature, so that reading a whole stream again costs no cryptography.
 * A fact that a sender other than the subject's node put there fails the signature; the subject itself is guarded by the hub.
 */
export function judgeFact(subject: string, data: Uint8Array, situation: FactSituation): FactVerdict {
  const parsed = parseFact(data);
  const spoken = subjectOf(subject, parsed.ok ? parsed.value.fact : undefined, situation.group);
  if (spoken === undefined) return refused('fact.wrong-subject', 'unknown', subject);
  if (!parsed.ok) return refused('fact.malformed', spoken.source, `${parsed.error.code}: ${parsed.error.detail}`);
  const { fact } = parsed.value;
  const { source } = spoken;
  if (fact.group !== situation.group) return refused('fact.wrong-group', source, `group ${fact.group}`);
  if (fact.source !== source) return refused('fact.wrong-source', source, `says it is from ${fact.source}`);
  if (fact.pool !== spoken.pool || fact.address !== spoken.address) {
    return refused('fact.wrong-subject', source, `${fact.pool} ${fact.address} on ${subject}`);
  }
  const verify = situation.verifiers.get(source);
  if (verify === undefined) return refused('fact.unknown-source', source, `${source} is no peer of this node`);
  const last = situation.last(source, fact.address);
  if (last !== undefined && fact.sequence <= last.sequence) {
    if (fact.id === last.id) return { kind: 'duplicate', fact: last };
    return refused('fact.superseded', source, `sequence ${fact.sequence} after ${last.sequence} of ${fact.address}`);
  }
  if (!verify(parsed.value)) return refused('fact.bad-signature', source, `${fact.id} about ${fact.address}`);
  return judgeClaim(fact, situation);
}

/** The subject that a sound fact has is known by writing it, which costs less than reading it. */
function subjectOf(subject: string, fact: Fact | undefined, group: GroupName): FactSubject | undefined {
  return fact !== undefined && factSubject(group, fact) === subject ? fact : parseFactSubject(group, subject);
}

/** What does not depend on how the fact came here; asked again of facts that were kept over a restart. */
export function judgeClaim(fact: Fact, situation: FactSituation): FactVerdict {
  const { source, address } = fact;
  const pool = situation.pools.get(fact.pool);
  if (pool === undefined) return refused('fact.unknown-pool', source, `pool ${fact.pool}`);
  if (!prefixContains(pool.prefix, address)) {
    return refused('fact.outside-pool', source, `${address} is outside ${pool.prefix}`);
  }
  const site = pool.sites.get(source);
  if (site !== fact.site) {
    return refused('fact.wrong-site', source, `speaks for ${fact.site}; its site is ${site ?? 'none of this pool'}`);
  }
  if (fact.type === 'routerd.client.ipv4.observed' && site === pool.sites.get(situation.self)) {
    // Another router of our site saw what we attract ourselves: believing it would make the capture its own owner.
    const captured = situation.isCapturedHere(address);
    if (captured !== undefined) return refused('fact.self-capture', source, `${address}: ${captured}`);
  }
  // By the clock that dated it: a clock that is wrong, ours or its own, makes no fact untrue (ADR 0021).
  const ahead = source === situation.self ? 0 : fact.observedAt - situation.now - situation.clockAheadMs(source);
  if (ahead > situation.replayWindow)
    return { kind: 'early', fact, detail: `${ahead} ms ahead of the clock of ${source}` };
  return { kind: 'accepted', fact };
}

function refused(reason: FactRefusal, source: string, detail: string): FactVerdict {
  return { kind: 'refused', reason, source, detail };
}
