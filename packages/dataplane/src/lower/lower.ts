/** effective-config → the desired state of this host. Pure and total: a resource that cannot be lowered is a problem of its own. */
import { ofKind, type Resource } from '@routerd/resources';
import { slotOfAddress, slotOfRoute, textOfRoute } from '../host-slot.ts';
import type { HostRoute, HostState, InterfaceAddressState } from '../host-state.ts';
import type { CaptureGates, ClaimLowering, LoweringProblem } from './claim-lowering.ts';
import { claimSysctls, clampedPaths, lowerClaims } from './claims.ts';
import { byText } from '../text-order.ts';
import { lowerWireGuard, tunnelDirectory } from './tunnels.ts';

export interface Lowered {
  readonly state: HostState;
  readonly claims: readonly ClaimLowering[];
  readonly problems: readonly LoweringProblem[];
}

/** Cost: linear in resources, but for the sorting. */
export function lower(resources: readonly Resource[], gates: CaptureGates): Lowered {
  const tunnels = tunnelDirectory(resources);
  const claims = lowerClaims(resources, tunnels, gates);
  const wireGuard = lowerWireGuard(resources, claims.delivered);
  const routes = lowerRoutes(resources, claims.routes);
  return {
    state: {
      wireGuard: wireGuard.devices,
      addresses: lowerAddresses(resources),
      routes: routes.routes,
      proxyNeighbors: claims.proxyNeighbors.toSorted(byText(({ address }) => address)),
      absentAddresses: claims.absentAddresses.toSorted(byText((address) => address)),
      sysctls: claimSysctls(claims.claims),
      mssClamps: clampedPaths(resources, claims.claims, [...tunnels.all, ...claims.tunnels]),
    },
    claims: claims.claims,
    problems: [...managedInterfaces(resources), ...wireGuard.problems, ...claims.problems, ...routes.problems],
  };
}

function lowerAddresses(resources: readonly Resource[]): readonly InterfaceAddressState[] {
  const bySlot = new Map(
    ofKind(resources, 'IPv4StaticAddress').map(({ spec: { interface: name, address } }) => [
      slotOfAddress(name, address),
      { interface: name, address },
    ]),
  );
  return [...bySlot].toSorted(byText(([slot]) => slot)).map(([, state]) => state);
}

/** A route that an operator wrote wins over a delivery route in the same place; both are named in the problem. */
function lowerRoutes(
  resources: readonly Resource[],
  deliveryRoutes: readonly HostRoute[],
): { readonly routes: readonly HostRoute[]; readonly problems: readonly LoweringProblem[] } {
  const problems: LoweringProblem[] = [];
  const bySlot = new Map<string, HostRoute>();
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
  }
  for (const route of deliveryRoutes) {
    const written = bySlot.get(slotOfRoute(route));
    if (written === undefined) bySlot.set(slotOfRoute(route), route);
    else if (textOfRoute(written) !== textOfRoute(route))
      problems.push({
        resource: `RemoteAddressClaim for ${route.destination}`,
        reason: `an IPv4Route has destination ${route.destination} and metric ${route.metric}; it is kept`,
      });
  }
  return { routes: [...bySlot].toSorted(byText(([slot]) => slot)).map(([, route]) => route), problems };
}

/** Nothing here sets a link up or its MTU, and a resource that asks for it must not be ignored without a word. */
function managedInterfaces(resources: readonly Resource[]): readonly LoweringProblem[] {
  return ofKind(resources, 'Interface')
    .filter(({ spec }) => spec.managed)
    .map(({ metadata }) => ({
      resource: `Interface/${metadata.name}`,
      reason: 'managed interfaces are not implemented; its name and MTU are used, the link is left as it is',
    }));
}
