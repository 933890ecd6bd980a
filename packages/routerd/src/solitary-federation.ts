/** The federation of a node that belongs to none: hand-written claims on two sites need no facts, members or registry. */
import type { Federation, FederationStatus } from '@routerd/federation';
import { err, ok } from '@routerd/resources';

const STATUS: FederationStatus = {
  connected: false,
  factsCaughtUp: true,
  registryCaughtUp: true,
  hub: undefined,
  outboxDepth: 0,
  refused: {},
  lastError: undefined,
  lastErrorAt: undefined,
};

export function solitaryFederation(): Federation {
  const silent = () => () => undefined;
  return {
    facts: {
      record: ({ pool }) => err({ code: 'fact.unknown-pool', pool }),
      recordAll: (drafts) => drafts.map(({ pool }) => err({ code: 'fact.unknown-pool', pool })),
      accepted: () => [],
      latest: () => undefined,
      onAccepted: silent,
    },
    members: { members: () => new Map(), onChange: silent },
    registry: {
      records: () => new Map(),
      append: async (transitions) =>
        transitions.map(() => ({ kind: 'unreachable', detail: 'no EventGroup is declared' }) as const),
      onChange: silent,
    },
    orders: {
      orders: () => new Map(),
      append: async () => ({ kind: 'unreachable', detail: 'no EventGroup is declared' }),
      onChange: silent,
    },
    events: {
      emit: () => err({ code: 'event.not-stored', detail: 'no EventGroup is declared' }),
      events: () => [],
      onEvents: silent,
    },
    status: () => STATUS,
    peers: () => [],
    deliveries: () => [],
    onStatus: silent,
    reconfigure: () => ok(undefined),
    onRoster: silent,
    start: async () => undefined,
    stop: async () => undefined,
  };
}
