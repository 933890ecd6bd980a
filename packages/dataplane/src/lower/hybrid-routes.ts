/** HybridRoutes → one IPv4Route for each destination, through the tunnel of their overlay peer. */
import {
  loweredRouteName,
  ofKind,
  prefixLength,
  type Ipv4Prefix,
  type Resource,
  type ResourceOf,
} from '@routerd/resources';
import type { HostRoute } from '../host-state.ts';
import type { PathMtu } from '../mss.ts';
import { byText } from '../text-order.ts';
import type { LoweringProblem } from './claim-lowering.ts';
import type { Delivered, TunnelDirectory } from './tunnels.ts';

type HybridRoute = ResourceOf<'HybridRoute'>;

/** One destination: the resource that it became, and its route. */
export interface HybridRouteDestination {
  readonly resource: ResourceOf<'IPv4Route'>;
  readonly route: HostRoute;
}

/** One HybridRoute in terms of the host: what status and `doctor` compare with the kernel. */
export interface HybridRouteLowering {
  /** `metadata.name` of the HybridRoute. */
  readonly hybridRoute: string;
  readonly peerRef: string;
  readonly destinations: readonly HybridRouteDestination[];
  /** Why other destinations have no route; each costs only itself. */
  readonly problems: readonly string[];
  /** Undefined when there is no such peer. */
  readonly pathMtu: PathMtu | undefined;
}

export interface LoweredHybridRoutes {
  readonly hybridRoutes: readonly HybridRouteLowering[];
  readonly delivered: readonly Delivered[];
  readonly problems: readonly LoweringProblem[];
}

/**
 * A destination that is routed already, or whose IPv4Route would take a name that is declared, is a problem of its own.
 * @param takenBy who routes a destination, by its text: the operator's routes and the claims
 */
export function lowerHybridRoutes(
  resources: readonly Resource[],
  hybridResources: readonly HybridRoute[],
  tunnels: TunnelDirectory,
  takenBy: ReadonlyMap<string, string>,
): LoweredHybridRoutes {
  const names = new Set(ofKind(resources, 'IPv4Route').map(({ metadata }) => metadata.name));
  const taken = new Map(takenBy);
  const hybridRoutes: HybridRouteLowering[] = [];
  const delivered: Delivered[] = [];
  for (const hybrid of hybridResources.toSorted(byText(({ metadata }) => metadata.name))) {
    const { peerRef } = hybrid.spec;
    const hop = nextHopOf(hybrid, resources, tunnels);
    const destinations: HybridRouteDestination[] = [];
    const problems: string[] = hop === undefined ? [`OverlayPeer ${peerRef} does not exist, or leads nowhere`] : [];
    for (const destination of hop === undefined ? [] : hybrid.spec.destinationCIDRs) {
      const name = loweredRouteName(hybrid.metadata.name, destination);
      const problem = problemOf(destination, taken.get(destination), names.has(name) ? name : undefined);
      if (problem !== undefined) {
        problems.push(problem);
        continue;
      }
      taken.set(destination, `HybridRoute/${hybrid.metadata.name}`);
      names.add(name);
      destinations.push(routed(hybrid, name, destination, hop ?? {}));
      if (hop?.device !== undefined) delivered.push({ destination, peerRef, tunnelInterface: hop.device });
    }
    const pathMtu = tunnels.pathMtu(peerRef);
    hybridRoutes.push({ hybridRoute: hybrid.metadata.name, peerRef, destinations, problems, pathMtu });
  }
  const problems = hybridRoutes.flatMap((lowering) =>
    lowering.problems.map((reason) => ({ resource: `HybridRoute/${lowering.hybridRoute}`, reason })),
  );
  return { hybridRoutes, delivered, problems };
}

/** Whatever validation let through: nothing that is derived here ever touches a default route. */
function problemOf(
  destination: Ipv4Prefix,
  takenBy: string | undefined,
  takenName: string | undefined,
): string | undefined {
  if (prefixLength(destination) === 0) return `default routes are not allowed: ${destination}`;
  if (takenBy !== undefined) return `${takenBy} leads to ${destination} already`;
  if (takenName !== undefined) return `the route to ${destination} would be IPv4Route/${takenName}, which is declared`;
  return undefined;
}

type NextHop = Pick<ResourceOf<'IPv4Route'>['spec'], 'device' | 'gateway'>;

/** The peer's interface; a peer over a plain route may be told by its address alone. */
function nextHopOf(
  { spec }: HybridRoute,
  resources: readonly Resource[],
  tunnels: TunnelDirectory,
): NextHop | undefined {
  const tunnel = tunnels.find(spec.peerRef, undefined);
  if (tunnel !== undefined) return { device: tunnel.interface };
  const peer = ofKind(resources, 'OverlayPeer').find(({ metadata }) => metadata.name === spec.peerRef);
  const { type, address } = peer?.spec.underlay ?? {};
  return type === 'route' && address !== undefined ? { gateway: address } : undefined;
}

function routed(hybrid: HybridRoute, name: string, destination: Ipv4Prefix, hop: NextHop): HybridRouteDestination {
  const { metric } = hybrid.spec.install;
  return {
    resource: {
      apiVersion: 'net.routerd.net/v1alpha1',
      kind: 'IPv4Route',
      metadata: {
        name,
        annotations: {},
        ownerRefs: [{ apiVersion: hybrid.apiVersion, kind: hybrid.kind, name: hybrid.metadata.name }],
      },
      spec: { destination, type: 'unicast', ...hop, metric },
    },
    route: {
      destination,
      device: hop.device,
      gateway: hop.gateway,
      preferredSource: undefined,
      metric,
      blackhole: false,
    },
  };
}
