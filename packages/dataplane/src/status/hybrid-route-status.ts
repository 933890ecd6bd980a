/** What is known of a HybridRoute: how it was lowered, and whether the kernel has its routes. */
import type { ObservedHost } from '../host-op.ts';
import { isSameRoute, slotOfRoute } from '../host-slot.ts';
import type { HybridRouteLowering } from '../lower/hybrid-routes.ts';

export type HybridRouteReason = 'SpecInvalid' | 'RoutesNotLowered' | 'RouteNotInstalled' | 'HealthCheckUnhealthy';

export interface HybridRouteStatus {
  readonly phase: 'Ready' | 'Degraded';
  /** The first that applies; undefined when Ready. */
  readonly reason: HybridRouteReason | undefined;
  /** In words, one a destination that is not routed. */
  readonly problems: readonly string[];
  readonly routes: readonly {
    /** `metadata.name` of the IPv4Route. */
    readonly name: string;
    readonly destination: string;
    readonly device: string | undefined;
    readonly metric: number;
    readonly installed: boolean;
  }[];
  /** By construction: no default route is ever lowered. */
  readonly defaultRouteUntouched: true;
  /** Bytes; 0 when no resource describes the device. */
  readonly underlayMTU: number;
  readonly tunnelOverhead: number;
  /** `underlayMTU − tunnelOverhead`; 0 when unknown. */
  readonly estimatedMTU: number;
  readonly mtuWarning: string | undefined;
}

/**
 * @param observed undefined until the host was read
 * @param isHealthy of the route's health check; true when it has none
 */
export function hybridRouteStatus(
  lowering: HybridRouteLowering,
  observed: ObservedHost | undefined,
  isHealthy = true,
): HybridRouteStatus {
  const { destinations, problems, pathMtu } = lowering;
  const shown = new Map(observed?.routes.map((route) => [slotOfRoute(route), route]));
  const routes = destinations.map(({ resource, route }) => {
    const present = shown.get(slotOfRoute(route));
    return {
      name: resource.metadata.name,
      destination: route.destination,
      device: route.device,
      metric: route.metric,
      installed: present !== undefined && isSameRoute(route, present),
    };
  });
  const reason = reasonOf(
    lowering,
    routes.every(({ installed }) => installed),
    isHealthy,
  );
  return {
    phase: reason === undefined ? 'Ready' : 'Degraded',
    reason,
    problems,
    routes,
    defaultRouteUntouched: true,
    underlayMTU: pathMtu?.underlayMtu ?? 0,
    tunnelOverhead: pathMtu?.tunnelOverhead ?? 0,
    estimatedMTU: pathMtu?.estimatedMtu ?? 0,
    mtuWarning: pathMtu?.warning,
  };
}

function reasonOf(
  { destinations, problems }: HybridRouteLowering,
  allInstalled: boolean,
  isHealthy: boolean,
): HybridRouteReason | undefined {
  if (destinations.length === 0) return 'SpecInvalid';
  if (problems.length > 0) return 'RoutesNotLowered';
  if (!allInstalled) return 'RouteNotInstalled';
  return isHealthy ? undefined : 'HealthCheckUnhealthy';
}
