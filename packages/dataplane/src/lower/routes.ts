/** All routes of the host: what operators wrote, what claims deliver, what HybridRoutes lead to their peers. */
import { ofKind, type Resource } from '@routerd/resources';
import { slotOfRoute, textOfRoute } from '../host-slot.ts';
import type { HostRoute } from '../host-state.ts';
import { byText } from '../text-order.ts';
import type { LoweringProblem } from './claim-lowering.ts';
import { lowerHybridRoutes, type LoweredHybridRoutes } from './hybrid-routes.ts';
import type { TunnelDirectory } from './tunnels.ts';

export interface LoweredRoutes extends LoweredHybridRoutes {
  /** Sorted by slot. */
  readonly routes: readonly HostRoute[];
}

/** A route that an operator wrote wins over a delivery route in the same place; both are named in the problem. */
export function lowerRoutes(
  resources: readonly Resource[],
  tunnels: TunnelDirectory,
  deliveryRoutes: readonly HostRoute[],
): LoweredRoutes {
  const problems: LoweringProblem[] = [];
  const bySlot = new Map<string, HostRoute>();
  const takenBy = new Map<string, string>();
  for (const { metadata, spec } of ofKind(resources, 'IPv4Route').toSorted(byText(({ metadata }) => metadata.name))) {
    const route: HostRoute = {
      destination: spec.destination,
      device: spec.device,
      gateway: spec.gateway,
      preferredSource: spec.preferredSource,
      metric: spec.metric,
      blackhole: spec.type === 'blackhole',
    };
    if (bySlot.has(slotOfRoute(route)))
      problems.push({
        resource: `IPv4Route/${metadata.name}`,
        reason: `another IPv4Route has destination ${spec.destination} and metric ${spec.metric}`,
      });
    else bySlot.set(slotOfRoute(route), route);
    takenBy.set(spec.destination, `IPv4Route/${metadata.name}`);
  }
  for (const route of deliveryRoutes) {
    const written = bySlot.get(slotOfRoute(route));
    if (written === undefined) bySlot.set(slotOfRoute(route), route);
    else if (textOfRoute(written) !== textOfRoute(route))
      problems.push({
        resource: `RemoteAddressClaim for ${route.destination}`,
        reason: `an IPv4Route has destination ${route.destination} and metric ${route.metric}; it is kept`,
      });
    takenBy.set(route.destination, 'a RemoteAddressClaim');
  }
  const hybrid = lowerHybridRoutes(resources, tunnels, takenBy);
  for (const { destinations } of hybrid.hybridRoutes)
    for (const { route } of destinations) bySlot.set(slotOfRoute(route), route);
  return {
    routes: [...bySlot].toSorted(byText(([slot]) => slot)).map(([, route]) => route),
    hybridRoutes: hybrid.hybridRoutes,
    delivered: hybrid.delivered,
    problems: [...problems, ...hybrid.problems],
  };
}
