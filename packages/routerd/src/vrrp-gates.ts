/** What VRRP says of the captures of this node. Pure. Whatever is not known to be master is closed. */
import type { VrrpRole } from '@routerd/dataplane';
import { yieldsMastership, type PoolContext, type PoolSituation } from '@routerd/mobility';
import { ofKind, type Resource } from '@routerd/resources';

export type RoleOf = (virtualAddress: string) => VrrpRole;

/** The role that gates what this node captures for the pool; undefined where VRRP has no say. */
export function roleForPool({ selfMember }: PoolContext, roleOf: RoleOf): VrrpRole | undefined {
  const gate = selfMember === undefined ? undefined : vrrpGateOf(selfMember.spec.capture);
  return gate === undefined ? undefined : roleOf(gate);
}

/**
 * Interfaces on which another router may be the master: nothing that follows such a role may answer there, however little else is
 * known yet.
 */
export function closedInterfaces(
  pools: readonly PoolContext[],
  effective: readonly Resource[],
  roleOf: RoleOf,
): ReadonlySet<string> {
  const captures = [
    ...pools.flatMap(({ selfMember }) => selfMember?.spec.capture ?? []),
    ...ofKind(effective, 'RemoteAddressClaim').map(({ spec }) => spec.capture),
  ];
  return new Set(
    captures.flatMap((capture) => {
      const gate = vrrpGateOf(capture);
      return gate === undefined || roleOf(gate) === 'master' ? [] : (capture.interface ?? []);
    }),
  );
}

/** The lowest there is: who has it is master of those alone who have it too. (0 ends a mastership: RFC 5798, section 5.2.4.) */
export const PRIORITY_YIELDED = 1;

/** The VirtualAddresses whose mastership this node leaves to others; not those that gate another pool, in which it does not drain. */
export function yieldedGates(
  pools: readonly { readonly context: PoolContext; readonly members: () => PoolSituation['members'] }[],
): ReadonlySet<string> {
  const gated = pools.flatMap(({ context, members }) => {
    const gate = context.selfMember === undefined ? undefined : vrrpGateOf(context.selfMember.spec.capture);
    return gate === undefined ? [] : [{ gate, yields: yieldsMastership(context, { members: members() }) }];
  });
  const kept = new Set(gated.flatMap(({ gate, yields }) => (yields ? [] : [gate])));
  return new Set(gated.flatMap(({ gate }) => (kept.has(gate) ? [] : [gate])));
}

/** The VirtualAddress whose master captures; undefined without such a gate. */
export function vrrpGateOf(capture: {
  readonly type: string;
  readonly activeWhen?:
    | { readonly type: 'vrrp-master'; readonly virtualAddressRef: string }
    | { readonly type: 'capture-holder' }
    | undefined;
}): string | undefined {
  return capture.activeWhen?.type === 'vrrp-master' ? capture.activeWhen.virtualAddressRef : undefined;
}
