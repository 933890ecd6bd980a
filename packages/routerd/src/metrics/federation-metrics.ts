/** What the federation shows of itself in numbers. */
import { FACT_TYPES, REFUSAL_REASONS, type Federation } from '@routerd/federation';
import type { NodeName } from '@routerd/resources';
import { byLabel, countBy, single, type Family, type Metric } from './metric.ts';

const gauge = <Label extends string = never>(name: string, help: string, ...labels: Label[]): Metric<Label> => ({
  name: `routerd_federation_${name}`,
  kind: 'gauge',
  help,
  labels,
});
const counter = <Label extends string = never>(name: string, help: string, ...labels: Label[]): Metric<Label> => ({
  ...gauge(name, help, ...labels),
  kind: 'counter',
});

const CONNECTED = gauge(
  'connected',
  'Whether the node is connected to a hub and has read facts and captures to their ends since.',
);
const CONNECTIONS = counter(
  'connections_total',
  'How often it became so since the start; beyond the first, reconnections.',
);
const OUTBOX = gauge('outbox_facts', 'Facts of this node that no hub has acknowledged.');
const RECORDED = counter('facts_recorded_total', 'Facts of this node, by type.', 'type');
const ACCEPTED = counter('facts_accepted_total', 'Facts of others that were believed, by type.', 'type');
const KNOWN = gauge('facts_known', 'Addresses of which a last fact is known, counted once for each source.');
const REFUSED = counter('refused_total', 'Messages that were refused, by reason.', 'reason');
const DELIVERED = gauge('deliveries', "This node's last facts: on its disk only, or in the log.", 'state');
const ERROR_AT = gauge(
  'last_error_timestamp_seconds',
  'When there was an error last, also one that is over; 0 for never.',
);
const ERROR = gauge('error', 'Whether something is wrong now; `routerctl federation status` says what.');
const ALIVE = gauge('peer_alive', 'Whether the peer was heard of late enough.', 'peer');
const SILENT = gauge('peer_silent_seconds', 'Since its last heartbeat; none where none came yet.', 'peer');
const FACTS_BEHIND = gauge(
  'peer_facts_behind',
  'Messages of facts that this node has read and the peer has not.',
  'peer',
);
const CAPTURES_BEHIND = gauge('peer_captures_behind', 'The same of the log of captures.', 'peer');
const SKEW = gauge(
  'peer_clock_ahead_seconds',
  "How far the peer's clock is ahead of this one; negative: behind.",
  'peer',
);
const DIFFERING = gauge('peer_pools_differing', 'Pools that the peer defines in another way.', 'peer');

export const FEDERATION_METRICS: readonly Metric[] = [
  CONNECTED,
  CONNECTIONS,
  OUTBOX,
  RECORDED,
  ACCEPTED,
  KNOWN,
  REFUSED,
  DELIVERED,
  ERROR,
  ERROR_AT,
  ALIVE,
  SILENT,
  FACTS_BEHIND,
  CAPTURES_BEHIND,
  SKEW,
  DIFFERING,
];

/** Counts from when it is made; to be made before the federation starts. */
export class FederationMeter {
  readonly #federation: Federation;
  readonly #recorded = new Map<string, number>();
  readonly #accepted = new Map<string, number>();
  #isConnected = false;
  #connections = 0;

  constructor(federation: Federation, self: NodeName | undefined) {
    this.#federation = federation;
    federation.onStatus(() => this.#onStatus());
    federation.facts.onAccepted((facts) => {
      for (const { fact } of facts) {
        const counts = fact.source === self ? this.#recorded : this.#accepted;
        counts.set(fact.type, (counts.get(fact.type) ?? 0) + 1);
      }
    });
  }

  families(): readonly Family[] {
    const { connected, outboxDepth, refused, lastError, lastErrorAt } = this.#federation.status();
    return [
      single(CONNECTED, Number(connected)),
      single(CONNECTIONS, this.#connections),
      single(OUTBOX, outboxDepth),
      byLabel(RECORDED, 'type', FACT_TYPES, this.#recorded),
      byLabel(ACCEPTED, 'type', FACT_TYPES, this.#accepted),
      single(KNOWN, this.#federation.facts.accepted().length),
      byLabel(REFUSED, 'reason', REFUSAL_REASONS, new Map(Object.entries(refused))),
      byLabel(
        DELIVERED,
        'state',
        ['outbox', 'sent'],
        countBy(this.#federation.deliveries(), ({ state }) => state),
      ),
      single(ERROR, Number(lastError !== undefined)),
      single(ERROR_AT, (lastErrorAt ?? 0) / 1000),
      ...this.#peers(),
    ];
  }

  #peers(): readonly Family[] {
    const peers = this.#federation.peers();
    const each = (metric: Metric<'peer'>, value: (peer: (typeof peers)[number]) => number | undefined): Family => ({
      metric,
      samples: peers.flatMap((peer) => {
        const known = value(peer);
        return known === undefined ? [] : [{ labels: { peer: peer.node }, value: known }];
      }),
    });
    return [
      each(ALIVE, ({ liveness }) => Number(liveness === 'alive')),
      each(SILENT, ({ silentFor }) => (silentFor === undefined ? undefined : silentFor / 1000)),
      each(FACTS_BEHIND, ({ factsBehind }) => factsBehind),
      each(CAPTURES_BEHIND, ({ capturesBehind }) => capturesBehind),
      each(SKEW, ({ clockAheadMs }) => (clockAheadMs === undefined ? undefined : clockAheadMs / 1000)),
      each(DIFFERING, ({ differingPools }) => differingPools.length),
    ];
  }

  #onStatus(): void {
    const { connected } = this.#federation.status();
    if (connected && !this.#isConnected) this.#connections += 1;
    this.#isConnected = connected;
  }
}
