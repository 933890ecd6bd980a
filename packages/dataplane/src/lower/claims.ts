/** RemoteAddressClaims → delivery routes, proxy neighbours, absent addresses, sysctls and clamped paths. */
import { bareAddress, ofKind, type HostAddress, type Ipv4, type Resource, type ResourceOf } from '@routerd/resources';
import { DELIVERY_METRIC, type HostRoute, type ProxyNeighbor } from '../host-state.ts';
import type { CaptureGates, ClaimLowering, GateState, LoweringProblem } from './claim-lowering.ts';
import { byText } from '../text-order.ts';
import type { Delivered, Tunnel, TunnelDirectory } from './tunnels.ts';

type Claim = ResourceOf<'RemoteAddressClaim'>;

export interface LoweredClaims {
  readonly claims: readonly ClaimLowering[];
  readonly delivered: readonly Delivered[];
  /** Tunnels that claims name besides those of the overlay peers. */
  readonly tunnels: readonly Tunnel[];
  readonly routes: readonly HostRoute[];
  readonly proxyNeighbors: readonly ProxyNeighbor[];
  readonly absentAddresses: readonly HostAddress[];
  readonly problems: readonly LoweringProblem[];
}

/** Cost: linear in claims. */
export function lowerClaims(
  resources: readonly Resource[],
  tunnels: TunnelDirectory,
  gates: CaptureGates,
): LoweredClaims {
  const problems: LoweringProblem[] = [];
  const claims: ClaimLowering[] = [];
  const delivered: Delivered[] = [];
  const tunnelsUsed: Tunnel[] = [];
  const proxyNeighbors: ProxyNeighbor[] = [];
  const absentAddresses: HostAddress[] = [];
  const claimedBy = new Map<HostAddress, string>();
  const configured = new Set(ofKind(resources, 'IPv4StaticAddress').map(({ spec }) => quadOf(spec.address)));
  for (const claim of ofKind(resources, 'RemoteAddressClaim').toSorted(byText(({ metadata }) => metadata.name))) {
    const { address, capture, delivery } = claim.spec;
    const tunnel = tunnels.find(delivery.peerRef, delivery.tunnelInterface);
    const other = claimedBy.get(address);
    const problem =
      other !== undefined
        ? `${address} is claimed by ${other} already`
        : configured.has(bareAddress(address))
          ? `${address} is configured on this host by an IPv4StaticAddress`
          : tunnel === undefined
            ? `OverlayPeer ${delivery.peerRef} does not exist, or neither it nor the claim names an interface`
            : undefined;
    if (problem !== undefined || tunnel === undefined) {
      problems.push({ resource: `RemoteAddressClaim/${claim.metadata.name}`, reason: problem ?? 'no tunnel' });
      continue;
    }
    claimedBy.set(address, claim.metadata.name);
    const lowered = lowerClaim(claim, tunnel.interface, gates);
    claims.push(lowered);
    if (delivery.tunnelInterface !== undefined) tunnelsUsed.push(tunnel);
    if (lowered.route !== undefined)
      delivered.push({ destination: address, peerRef: delivery.peerRef, tunnelInterface: tunnel.interface });
    if (capture.type === 'provider-secondary-ip') absentAddresses.push(address);
    else if (lowered.answersArp)
      proxyNeighbors.push({ address, interface: capture.interface, announce: lowered.announces });
  }
  const routes = claims.flatMap(({ route }) => route ?? []);
  return { claims, delivered, tunnels: tunnelsUsed, routes, proxyNeighbors, absentAddresses, problems };
}

/**
 * Delivery stands before and after capture: a standby has the route already, so that a hand-over loses nothing. Only `vrrp-master`,
 * which is written by hand, closes delivery too.
 */
function lowerClaim(claim: Claim, tunnelInterface: string, gates: CaptureGates): ClaimLowering {
  const { address, capture, delivery } = claim.spec;
  const gate = gateOf(claim, gates);
  const delivers = gate !== 'closed' || capture.activeWhen?.type !== 'vrrp-master';
  return {
    claim: claim.metadata.name,
    address,
    captureType: capture.type,
    captureInterface: capture.interface,
    tunnelInterface,
    gate,
    route: delivers ? deliveryRoute(address, tunnelInterface, delivery.preferredSource) : undefined,
    announces: announces(claim),
    answersArp: capture.type === 'proxy-arp' && gate !== 'closed',
  };
}

function gateOf(claim: Claim, gates: CaptureGates): GateState {
  const { activeWhen } = claim.spec.capture;
  if (activeWhen === undefined) return 'none';
  const open =
    activeWhen.type === 'capture-holder'
      ? gates.isCaptureOpen(activeWhen.captureKey)
      : (gates.isVrrpMaster?.(activeWhen.virtualAddressRef) ?? false);
  return open ? 'open' : 'closed';
}

/** A capture that moves between routers must tell the LAN, whatever the claim says of it. */
function announces(claim: Claim): boolean {
  const { capture } = claim.spec;
  return capture.type === 'proxy-arp' && (capture.gratuitousARP || capture.activeWhen?.type === 'vrrp-master');
}

/** Exactly one host, by construction: the type of `address` is a /32, so no claim can ever touch a default route. */
function deliveryRoute(address: HostAddress, device: string, preferredSource: Ipv4 | undefined): HostRoute {
  return {
    destination: address,
    device,
    gateway: undefined,
    preferredSource,
    metric: DELIVERY_METRIC,
    blackhole: false,
  };
}

function quadOf(address: string): string {
  return address.split('/')[0] ?? '';
}
