/** POST /v1/what-if: what would follow from a hypothesis, in every pool that it concerns. */
import { forecast, renderReason, type Forecast, type Hypothesis, type Present } from '@routerd/mobility';
import { formatInstant } from '@routerd/resources';
import type { PoolState } from '../pool-state.ts';
import type { NodeView } from './node-view.ts';

/** What a forecast takes for granted; part of every answer. */
const ASSUMPTIONS = [
  "this node's view is everybody's",
  'registry and providers answer at once, and refuse nothing',
  'machines that live go on saying so',
  'VRRP keeps its masters, and after a failure elects whom the pool prefers',
  'every router has a peer for each router of other sites, and a profile for its own NIC',
] as const;

export function forecastView(node: NodeView, pool: PoolState, hypothesis: Hypothesis): unknown {
  const outcome = forecastOf(node, pool, hypothesis);
  return {
    pool: pool.context.name,
    settled: outcome.isSettled,
    moves: outcome.moves.map(({ address, domain, from, to }) => ({
      address,
      domain,
      from: from ?? null,
      to: to ?? null,
    })),
    leases: outcome.leases.map(leaseChange),
    steps: outcome.steps.map(({ at, ...step }) => ({ ...step, at: formatInstant(at) })),
    calls: outcome.calls,
    unheld: outcome.unheld.map(({ because, ...rest }) => ({
      ...rest,
      because: because.filter(({ rule }) => !rule.startsWith('lease.')).map(renderReason),
    })),
    assumptions: ASSUMPTIONS,
  };
}

/** For those who decide by it, as a drain that would leave an address without a holder. */
export function forecastOf(node: NodeView, pool: PoolState, hypothesis: Hypothesis): Forecast {
  return forecast(presentOf(node, pool), hypothesis);
}

function leaseChange({ address, before, after }: Forecast['leases'][number]): unknown {
  const text = (lease: typeof before): string | null =>
    lease === undefined || lease.status === 'expired'
      ? null
      : `${lease.status} at ${lease.site} through ${lease.ownerNode}`;
  return { address, before: text(before), after: text(after) };
}

function presentOf(node: NodeView, pool: PoolState): Present {
  const { now, members, vrrp } = node.situation(pool);
  const { context } = pool;
  const self = members.get(context.self);
  return {
    context,
    now,
    // A node is alive to itself.
    members:
      self === undefined ? members : new Map([...members, [context.self, { ...self, liveness: 'alive' as const }]]),
    leases: pool.leases(),
    sightings: pool.sightings(),
    records: pool.allRecords(),
    orderOf: (address) => node.newsOf(pool, address).order,
    vrrp,
  };
}
