/** Routes: adds and atomic replacements first, then what is surplus. */
import type { HostOp, ObservedHost } from '../host-op.ts';
import { isSameRoute } from '../host-slot.ts';
import type { HostRoute, HostState } from '../host-state.ts';
import type { Changes } from './changes.ts';

export function diffRoutes(desired: HostState, observed: ObservedHost): Changes {
  const local = new Set(
    [...desired.addresses, ...observed.addresses].map(({ address }) => address.split('/')[0] ?? ''),
  );
  // A destination has one route, as a rule; more differ in their metric, or are surplus.
  const unmatched = new Map<HostRoute['destination'], readonly HostRoute[]>();
  for (const route of observed.routes) {
    const others = unmatched.get(route.destination);
    unmatched.set(route.destination, others === undefined ? [route] : [...others, route]);
  }
  const add: HostOp[] = [];
  for (const wanted of desired.routes) {
    const route = withLocalSource(wanted, local);
    const candidates = unmatched.get(route.destination);
    const present = candidates?.find(({ metric }) => metric === route.metric);
    if (candidates === undefined || present === undefined) {
      add.push({ verb: 'route-add', route });
      continue;
    }
    if (candidates.length === 1) unmatched.delete(route.destination);
    else
      unmatched.set(
        route.destination,
        candidates.filter((other) => other !== present),
      );
    if (!isSameRoute(route, present)) add.push({ verb: 'route-replace', route });
  }
  return { add, remove: [...unmatched.values()].flat().map((route) => ({ verb: 'route-remove', route })) };
}

/** The kernel refuses a preferred source that no interface has; the route matters more. */
function withLocalSource(route: HostRoute, local: ReadonlySet<string>): HostRoute {
  const { preferredSource } = route;
  return preferredSource === undefined || local.has(preferredSource) ? route : { ...route, preferredSource: undefined };
}
