/** What the federation shows of itself: its connection, its peers, and where its own facts have got to. */
import type { Delivery, Federation, GroupEvent, PeerReport } from '@routerd/federation';

export function federationStatusView(federation: Federation): unknown {
  const { connected, factsCaughtUp, registryCaughtUp, hub, outboxDepth, refused, lastError, lastErrorAt, clock } =
    federation.status();
  return {
    connected,
    hub: hub ?? null,
    factsCaughtUp,
    registryCaughtUp,
    outboxDepth,
    facts: federation.facts.accepted().length,
    captureRecords: federation.registry.records().size,
    orders: federation.orders.orders().size,
    refused,
    lastError: lastError ?? null,
    lastErrorAt: lastErrorAt ?? null,
    clock: clock === undefined ? null : { state: clock.isSkewed ? 'ClockSkewed' : 'Agrees', ...clock },
    poolsDiffer: federation
      .peers()
      .filter(({ differingPools }) => differingPools.length > 0)
      .map(({ node, differingPools }) => ({ node, pools: differingPools })),
  };
}

export function peersView(peers: readonly PeerReport[]): unknown {
  const items = peers.map(
    ({ node, liveness, silentFor, factsBehind, capturesBehind, clockAheadMs, differingPools }) => ({
      node,
      liveness,
      silentForMs: silentFor ?? null,
      factsBehind: factsBehind ?? null,
      capturesBehind: capturesBehind ?? null,
      clockAheadMs: clockAheadMs ?? null,
      differingPools,
    }),
  );
  return { items };
}

export function customEventsView(events: readonly GroupEvent[]): unknown {
  const items = events.map(
    ({ id, type, subject, sourceNode, dedupeKey, payload, observedAt, acceptedAt, expiresAt }) => ({
      id,
      type,
      subject,
      source: sourceNode,
      dedupeKey,
      payload,
      observedAt,
      acceptedAt,
      expiresAt,
    }),
  );
  return { items };
}

export function deliveriesView(deliveries: readonly Delivery[]): unknown {
  const items = deliveries.map(({ fact, state, read, unread }) => ({
    id: fact.id,
    type: fact.type,
    subject: fact.address,
    pool: fact.pool,
    sequence: fact.sequence,
    observedAt: fact.observedAt,
    state,
    read,
    unread,
  }));
  return { items };
}
