/** All routes of the host: what operators wrote, what claims deliver, what HybridRoutes lead to their peers. */
import { ofKind, type Resource } from '@routerd/resources';
import { slotOfRoute, textOfRoute } from '../host-slot.ts';
import type { HostRoute } from '../host-state.ts';
import { byText, inTextOrder } from '../text-order.ts';
import type { LoweringProblem } from './claim-lowering.ts';
import { lowerHybridRoutes, type LoweredHybridRoutes } from './hybrid-routes.ts';
import type { TunnelDirectory } from './tunnels.ts';

export interface LoweredRoutes extends LoweredHybridRoutes {
  /** Sorted by destination. */
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
  const hybridRoutes = ofKind(resources, 'HybridRoute');
  if (hybridRoutes.length > 0)
    for (const { destination } of deliveryRoutes) takenBy.set(destination, 'a RemoteAddressClaim');
  const delivery =
    bySlot.size === 0 ? deliveryRoutes : deliveryRoutes.filter((route) => !isWritten(route, bySlot, problems));
  const hybrid = lowerHybridRoutes(resources, hybridRoutes, tunnels, takenBy);
  for (const { destinations } of hybrid.hybridRoutes)
    for (const { route } of destinations) bySlot.set(slotOfRoute(route), route);
  return {
    routes: inTextOrder([...bySlot.values(), ...delivery], ({ destination }) => destination),
    hybridRoutes: hybrid.hybridRoutes,
    delivered: hybrid.delivered,
    problems: [...problems, ...hybrid.problems],
  };
}

/** An operator's route in the place of a delivery route stays; it is a problem unless it is the same. */
function isWritten(route: HostRoute, written: ReadonlyMap<string, HostRoute>, problems: LoweringProblem[]): boolean {
  const other = written.get(slotOfRoute(route));
  if (other !== undefined && textOfRoute(other) !== textOfRoute(route))
    problems.push({
      resource: `RemoteAddressClaim for ${route.destination}`,
      reason: `an IPv4Route has destination ${route.destination} and metric ${route.metric}; it is kept`,
    });
  return other !== undefined;
}
