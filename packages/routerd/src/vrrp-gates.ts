/** What VRRP says of the captures of this node. Pure. Whatever is not known to be master is closed. */
import type { VrrpRole } from '@routerd/dataplane';
import type { PoolContext } from '@routerd/mobility';
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
