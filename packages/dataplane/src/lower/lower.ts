/** effective-config → the desired state of this host. Pure and total: a resource that cannot be lowered is a problem of its own. */
import { ofKind, type Resource } from '@routerd/resources';
import { slotOfAddress } from '../host-slot.ts';
import type { HostState, InterfaceAddressState } from '../host-state.ts';
import { byText, inTextOrder } from '../text-order.ts';
import type { CaptureGates, ClaimLowering, LoweringProblem } from './claim-lowering.ts';
import { clampedPaths } from './clamped-paths.ts';
import { lowerFirewall } from './firewall.ts';
import { lowerHealthChecks, type LoweredHealthCheck } from './health-checks.ts';
import { lowerLinks } from './links.ts';
import { lowerNat } from './nat.ts';
import { lowerClaims } from './claims.ts';
import type { HybridRouteLowering } from './hybrid-routes.ts';
import { lowerOverlayPaths, type LoweredOverlayPaths } from './overlay-paths.ts';
import { lowerRoutes } from './routes.ts';
import { lowerSysctls } from './sysctls.ts';
import { lowerVirtualAddresses } from './virtual-addresses.ts';
import { lowerWireGuard, tunnelDirectory } from './tunnels.ts';
import type { VirtualRouter } from '../vrrp/virtual-router.ts';

export interface Lowered {
  readonly state: HostState;
  readonly claims: readonly ClaimLowering[];
  readonly hybridRoutes: readonly HybridRouteLowering[];
  /** VirtualAddresses of mode vrrp, for whoever speaks VRRP on this host. Sorted by name. */
  readonly virtualRouters: readonly VirtualRouter[];
  /** For whoever asks on this host. Sorted by name. */
  readonly healthChecks: readonly LoweredHealthCheck[];
  readonly overlayPaths: LoweredOverlayPaths;
  readonly problems: readonly LoweringProblem[];
}

/** Cost: linear in resources, but for the sorting. */
export function lower(all: readonly Resource[], gates: CaptureGates): Lowered {
  const claimResources = ofKind(all, 'RemoteAddressClaim');
  // Claims are many and everything else is few.
  const resources = claimResources.length === 0 ? all : all.filter(({ kind }) => kind !== 'RemoteAddressClaim');
  const tunnels = tunnelDirectory(resources);
  const claims = lowerClaims(resources, claimResources, tunnels, gates);
  const routes = lowerRoutes(resources, tunnels, claims.routes);
  const wireGuard = lowerWireGuard(resources, [...claims.delivered, ...routes.delivered]);
  const sysctls = lowerSysctls(resources, claims.claims, routes.hybridRoutes);
  const links = lowerLinks(resources);
  const virtual = lowerVirtualAddresses(resources, (check) => gates.isUnhealthy?.(check) === true);
  const overlayPaths = lowerOverlayPaths(resources, tunnels);
  const [firewall, nat] = [lowerFirewall(resources, overlayPaths.paths), lowerNat(resources)];
  const delivering = claims.claims.filter(({ route }) => route !== undefined);
  return {
    state: {
      wireGuard: wireGuard.devices,
      tunnels: links.tunnels,
      links: links.settings,
      addresses: lowerAddresses(resources, [...links.addresses, ...virtual.addresses]),
      routes: routes.routes,
      proxyNeighbors: inTextOrder(claims.proxyNeighbors, ({ address }) => address),
      absentAddresses: inTextOrder(claims.absentAddresses, (address) => address),
      sysctls: sysctls.settings,
      sysctlFiles: sysctls.files,
      tables: [...firewall.tables, ...nat.tables],
      mssClamps: clampedPaths(resources, {
        from: [
          ...delivering.map(({ captureInterface }) => captureInterface),
          ...routes.hybridRoutes.flatMap(({ destinations }) => (destinations.length > 0 ? [undefined] : [])),
        ],
        tunnels: [...tunnels.all, ...claims.tunnels],
      }),
    },
    claims: claims.claims,
    hybridRoutes: routes.hybridRoutes,
    virtualRouters: virtual.routers,
    healthChecks: lowerHealthChecks(resources),
    overlayPaths,
    problems: [
      ...links.problems,
      ...wireGuard.problems,
      ...claims.problems,
      ...routes.problems,
      ...sysctls.problems,
      ...firewall.problems,
      ...nat.problems,
    ],
  };
}

function lowerAddresses(
  resources: readonly Resource[],
  others: readonly InterfaceAddressState[],
): readonly InterfaceAddressState[] {
  const fixed = ofKind(resources, 'IPv4StaticAddress').map(({ spec }) => spec);
  const bySlot = new Map(
    [...fixed, ...others].map(({ interface: name, address }) => [
      slotOfAddress(name, address),
      { interface: name, address },
    ]),
  );
  return [...bySlot].toSorted(byText(([slot]) => slot)).map(([, state]) => state);
}
