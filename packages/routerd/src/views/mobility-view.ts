/** GET /v1/mobility/…: leases, captures and pools as rows. Values only; every row tells why it is as it is. */
import type { ActionRow } from '@routerd/actions';
import { renderReason, type CaptureKey, type CaptureRecord } from '@routerd/mobility';
import { compareAddresses, formatInstant, type HostAddress } from '@routerd/resources';
import type { PoolState } from '../pool-state.ts';
import type { NodeView } from './node-view.ts';

export function leaseRows(node: NodeView): readonly unknown[] {
  return node.pools.flatMap((pool) =>
    addressesOf(pool).flatMap((address) => {
      const plan = pool.plan(address);
      if (plan?.lease === undefined) return [];
      const { status, site, ownerNode, role, leaseEpoch, since, expiresAt, challenger, frozen, handingTo } = plan.lease;
      return [
        {
          pool: pool.context.name,
          address,
          status,
          site,
          ownerNode,
          role,
          leaseEpoch,
          since: formatInstant(since),
          ...(expiresAt === undefined ? {} : { expiresAt: formatInstant(expiresAt) }),
          ...(challenger === undefined ? {} : { challenger: challenger.site }),
          ...(frozen === undefined ? {} : { frozenBy: frozen.by, frozenSince: formatInstant(frozen.since) }),
          ...(handingTo === undefined ? {} : { handingTo }),
          because: plan.because.filter(({ rule }) => rule.startsWith('lease.')).map(renderReason),
        },
      ];
    }),
  );
}

export function captureRows(node: NodeView): readonly unknown[] {
  const lastActions = lastActionOf(node.actions());
  return node.pools.flatMap((pool) =>
    addressesOf(pool).flatMap((address) => [
      ...[...pool.records(address).values()]
        .toSorted((a, b) => (a.domain < b.domain ? -1 : 1))
        .map((record) => captureRow(pool, record, lastActions.get(record.key))),
      ...unplaced(pool, address),
    ]),
  );
}

function captureRow(pool: PoolState, record: CaptureRecord, action: ActionRow | undefined): unknown {
  const { key, address, domain, holder, phase, epoch, revision, since, reason, previous } = record;
  const isOwn = domain === pool.context.selfMember?.domain;
  const plan = isOwn ? pool.plan(address) : undefined;
  return {
    pool: pool.context.name,
    address,
    domain,
    key,
    ...(holder === undefined ? {} : { holder }),
    phase,
    epoch,
    revision,
    since: formatInstant(since),
    reason,
    ...(previous === undefined ? {} : { previous }),
    ...(plan === undefined ? {} : { isOpen: plan.captureOpen, because: captureReasons(plan.because) }),
    ...(action === undefined
      ? {}
      : {
          lastAction: {
            id: action.id,
            verb: action.proposal.verb,
            status: action.status,
            epoch: action.proposal.captureEpoch,
            at: formatInstant(action.updatedAt),
            message: action.message,
          },
        }),
  };
}

/** Wanted here and held by nobody, as far as the registry has ever said. */
function unplaced(pool: PoolState, address: HostAddress): readonly unknown[] {
  const { selfMember } = pool.context;
  const plan = pool.plan(address);
  if (selfMember === undefined || plan?.placement === undefined) return [];
  if (pool.record(address, selfMember.domain) !== undefined) return [];
  return [
    {
      pool: pool.context.name,
      address,
      domain: selfMember.domain,
      phase: 'none',
      isOpen: false,
      because: captureReasons(plan.because),
    },
  ];
}

function captureReasons(because: NonNullable<ReturnType<PoolState['plan']>>['because']): readonly string[] {
  return because.filter(({ rule }) => !rule.startsWith('lease.') && !rule.startsWith('fact.')).map(renderReason);
}

function lastActionOf(rows: readonly ActionRow[]): ReadonlyMap<CaptureKey, ActionRow> {
  const last = new Map<CaptureKey, ActionRow>();
  for (const row of rows) {
    const known = last.get(row.proposal.captureKey);
    if (known === undefined || row.updatedAt >= known.updatedAt) last.set(row.proposal.captureKey, row);
  }
  return last;
}

export function poolRows(node: NodeView): readonly unknown[] {
  return node.pools.map((pool) => {
    const { context } = pool;
    const { members } = node.situation(pool);
    const load = pool.load();
    const plans = [...pool.plans()];
    const noRoom = plans.filter(({ because }) => because.some(({ rule }) => rule === 'placement.no-room'));
    return {
      name: context.name,
      prefix: context.prefix,
      self: context.self,
      isMember: context.selfMember !== undefined,
      leases: countBy(plans.flatMap(({ lease }) => lease?.status ?? [])),
      noRoom: noRoom.map(({ address }) => address).toSorted(compareAddresses),
      members: [...context.members.values()].map(({ node: name, site, role, domain, priority, capacity }) => ({
        node: name,
        site,
        role,
        domain,
        priority,
        liveness: name === context.self ? 'alive' : (members.get(name)?.liveness ?? 'unheard'),
        draining: members.get(name)?.draining ?? false,
        captures: load.get(name) ?? 0,
        ...(capacity === undefined ? {} : { capacity }),
      })),
    };
  });
}

function addressesOf(pool: PoolState): readonly HostAddress[] {
  return [...pool.addresses()].toSorted(compareAddresses);
}

function countBy(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
