/** RemoteAddressClaims → delivery routes, proxy neighbours, absent addresses, sysctls and clamped paths. */
import { bareAddress, ofKind, type HostAddress, type Ipv4, type Resource, type ResourceOf } from '@routerd/resources';
import { DELIVERY_METRIC, type HostRoute, type ProxyNeighbor } from '../host-state.ts';
import type { CaptureGates, ClaimLowering, GateState, LoweringProblem } from './claim-lowering.ts';
import { inTextOrder } from '../text-order.ts';
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

/** Cost: linear in claims, a look at each; only those that are new or changed are lowered. */
export function lowerClaims(
  resources: readonly Resource[],
  claimResources: readonly Claim[],
  tunnels: TunnelDirectory,
  gates: CaptureGates,
): LoweredClaims {
  const problems: LoweringProblem[] = [];
  const lowered: LoweredClaim[] = [];
  const tunnelsUsed = new Set<Tunnel>();
  const claimedBy = new Map<HostAddress, string>();
  const configured = new Set(ofKind(resources, 'IPv4StaticAddress').map(({ spec }) => quadOf(spec.address)));
  for (const claim of inTextOrder(claimResources, ({ metadata }) => metadata.name)) {
    const { address, delivery } = claim.spec;
    const tunnel = tunnels.find(delivery.peerRef, delivery.tunnelInterface);
    const other = claimedBy.get(address);
    if (tunnel === undefined || other !== undefined || (configured.size > 0 && configured.has(bareAddress(address)))) {
      problems.push({
        resource: `RemoteAddressClaim/${claim.metadata.name}`,
        reason:
          other !== undefined
            ? `${address} is claimed by ${other} already`
            : tunnel !== undefined
              ? `${address} is configured on this host by an IPv4StaticAddress`
              : `OverlayPeer ${delivery.peerRef} does not exist, or neither it nor the claim names an interface`,
      });
      continue;
    }
    claimedBy.set(address, claim.metadata.name);
    lowered.push(loweredClaim(claim, tunnel.interface, gateOf(claim, gates)));
    if (delivery.tunnelInterface !== undefined) tunnelsUsed.add(tunnel);
  }
  return {
    claims: lowered.map(({ lowering }) => lowering),
    delivered: lowered.flatMap(({ delivered }) => delivered ?? []),
    tunnels: [...tunnelsUsed],
    routes: lowered.flatMap(({ lowering }) => lowering.route ?? []),
    proxyNeighbors: lowered.flatMap(({ proxyNeighbor }) => proxyNeighbor ?? []),
    absentAddresses: lowered.flatMap(({ lowering }) =>
      lowering.captureType === 'provider-secondary-ip' ? lowering.address : [],
    ),
    problems,
  };
}

interface LoweredClaim {
  readonly lowering: ClaimLowering;
  readonly delivered: Delivered | undefined;
  readonly proxyNeighbor: ProxyNeighbor | undefined;
}

/**
 * What a claim became last: the same values again while its tunnel and its gate are the same, so that a diff need not compare them. A resource is never changed in place, and the memory goes with it.
 */
const loweredBefore = new WeakMap<Claim, LoweredClaim>();

function loweredClaim(claim: Claim, tunnelInterface: string, gate: GateState): LoweredClaim {
  const before = loweredBefore.get(claim);
  if (before?.lowering.gate === gate && before.lowering.tunnelInterface === tunnelInterface) return before;
  const value = lowerClaim(claim, tunnelInterface, gate);
  loweredBefore.set(claim, value);
  return value;
}

/**
 * Delivery stands before and after capture: a standby has the route already, so that a hand-over loses nothing. Only `vrrp-master`,
 * which is written by hand, closes delivery too.
 */
function lowerClaim(claim: Claim, tunnelInterface: string, gate: GateState): LoweredClaim {
  const { address, capture, delivery } = claim.spec;
  const delivers = gate !== 'closed' || capture.activeWhen?.type !== 'vrrp-master';
  const lowering: ClaimLowering = {
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
  return {
    lowering,
    delivered: delivers ? { destination: address, peerRef: delivery.peerRef, tunnelInterface } : undefined,
    proxyNeighbor:
      capture.type === 'proxy-arp' && lowering.answersArp
        ? { address, interface: capture.interface, announce: lowering.announces }
        : undefined,
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
