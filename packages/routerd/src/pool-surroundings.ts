/** What a pool must know of the other pools of this node: they may share its NICs. Pure. */
import type { OuterSituation, PoolMember } from '@routerd/mobility';
import type { NodeName } from '@routerd/resources';
import type { PoolState } from './pool-state.ts';

export type Surroundings = Pick<OuterSituation, 'heldForOtherPools' | 'ownedForOtherPools' | 'loadOfOtherPools'>;

/** Cost: the members of all pools; nothing of it grows with addresses. */
export function surroundingsOf(pool: PoolState, pools: readonly PoolState[]): Surroundings {
  const { selfMember, members } = pool.context;
  const others = pools.filter((other) => other !== pool);
  const ownNic = selfMember === undefined ? undefined : nicOf(selfMember);
  const sharing = ownNic === undefined ? [] : others.filter((other) => nicOfSelf(other) === ownNic);
  return {
    heldForOtherPools: sharing.reduce((sum, other) => sum + other.heldBySelf().size, 0),
    ownedForOtherPools: sharing.reduce((sum, each) => sum + ownedAtSelf(each), 0),
    ...(others.length === 0 ? {} : { loadOfOtherPools: loadOf(members.values(), others) }),
  };
}

function loadOf(members: Iterable<PoolMember>, others: readonly PoolState[]): ReadonlyMap<NodeName, number> {
  const byNic = new Map<string, number>();
  for (const other of others) {
    const load = other.load();
    for (const member of other.context.members.values()) {
      const nic = nicOf(member);
      const count = load.get(member.node) ?? 0;
      if (nic !== undefined && count > 0) byNic.set(nic, (byNic.get(nic) ?? 0) + count);
    }
  }
  const loads = new Map<NodeName, number>();
  for (const member of members) {
    const count = byNic.get(nicOf(member) ?? '') ?? 0;
    if (count > 0) loads.set(member.node, count);
  }
  return loads;
}

function nicOfSelf({ context }: PoolState): string | undefined {
  return context.selfMember === undefined ? undefined : nicOf(context.selfMember);
}

function ownedAtSelf(pool: PoolState): number {
  const { selfMember } = pool.context;
  return selfMember === undefined ? 0 : pool.ownedAt(selfMember.site);
}

/** Undefined where the member captures without a NIC of a provider. */
function nicOf({ spec: { capture } }: PoolMember): string | undefined {
  return capture.type === 'provider-secondary-ip' ? `${capture.providerRef}|${capture.nicRef}` : undefined;
}
