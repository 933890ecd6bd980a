/** Routes: adds and atomic replacements first, then what is surplus. */
import type { HostOp, ObservedHost } from '../host-op.ts';
import { isSameRoute, slotOfRoute } from '../host-slot.ts';
import type { HostRoute, HostState } from '../host-state.ts';
import type { Changes } from './changes.ts';

export function diffRoutes(desired: HostState, observed: ObservedHost): Changes {
  const local = new Set(
    [...desired.addresses, ...observed.addresses].map(({ address }) => address.split('/')[0] ?? ''),
  );
  const unmatched = new Map<string, HostRoute>();
  const surplus: HostRoute[] = [];
  for (const route of observed.routes) {
    const slot = slotOfRoute(route);
    if (unmatched.has(slot)) surplus.push(route);
    else unmatched.set(slot, route);
  }
  const add: HostOp[] = [];
  for (const wanted of desired.routes) {
    const route = withLocalSource(wanted, local);
    const slot = slotOfRoute(route);
    const present = unmatched.get(slot);
    unmatched.delete(slot);
    if (present === undefined) add.push({ verb: 'route-add', route });
    else if (!isSameRoute(route, present)) add.push({ verb: 'route-replace', route });
  }
  return { add, remove: [...unmatched.values(), ...surplus].map((route) => ({ verb: 'route-remove', route })) };
}

/** The kernel refuses a preferred source that no interface has; the route matters more. */
function withLocalSource(route: HostRoute, local: ReadonlySet<string>): HostRoute {
  const { preferredSource } = route;
  return preferredSource === undefined || local.has(preferredSource) ? route : { ...route, preferredSource: undefined };
}
