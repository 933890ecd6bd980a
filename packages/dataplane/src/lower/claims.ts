/** RemoteAddressClaims → delivery routes, proxy neighbours, absent addresses, sysctls and clamped paths. */
import { bareAddress, ofKind, type HostAddress, type Ipv4, type Resource, type ResourceOf } from '@routerd/resources';
import { DELIVERY_METRIC, type HostRoute, type MssClamp, type ProxyNeighbor, type SysctlState } from '../host-state.ts';
import { IP_FORWARD, IP_NONLOCAL_BIND, proxyDelayOf, SEND_REDIRECTS_ALL, sendRedirectsOf } from '../sysctl-names.ts';
import { DEFAULT_INTERFACE_MTU, mssFor } from '../mss.ts';
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
      delivered.push({ address, peerRef: delivery.peerRef, tunnelInterface: tunnel.interface });
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

/**
 * Settings that a delivering host needs, one entry however many claims want it: what leaves the set is restored.
 * `proxy_arp` is not among them: a proxy neighbour answers without it, and with it the kernel answers for every address that is routed elsewhere.
 */
export function claimSysctls(claims: readonly ClaimLowering[]): readonly SysctlState[] {
  const delivering = claims.filter(({ route }) => route !== undefined);
  if (delivering.length === 0) return [];
  const interfaces = [...new Set(delivering.flatMap(({ captureInterface }) => captureInterface ?? []))];
  const arpInterfaces = new Set(
    delivering.flatMap(({ captureType, captureInterface }) =>
      captureType === 'proxy-arp' ? (captureInterface ?? []) : [],
    ),
  );
  return [
    // On a standby too: a packet that a remote site still delivers here must reach its owner.
    { path: IP_FORWARD, value: '1' },
    // The kernel sends redirects if `all` or the device says so; a client that follows one goes round the capture.
    { path: SEND_REDIRECTS_ALL, value: '0' },
    ...interfaces.map((name) => ({ path: sendRedirectsOf(name), value: '0' })),
    // Answers after a random delay of up to 0.8 s unless told otherwise.
    ...[...arpInterfaces].map((name) => ({ path: proxyDelayOf(name), value: '0' })),
    // Gratuitous ARP is sent from the captured address, which is not ours. On a standby too: its turn must cost one command.
    ...(delivering.some(({ announces }) => announces) ? [{ path: IP_NONLOCAL_BIND, value: '1' }] : []),
  ].toSorted(byText(({ path }) => path.join('/')));
}

/**
 * Every capture interface with every tunnel that anything may arrive through: a remote site that moves its delivery to another of our
 * tunnels finds the clamp there. A provider capture without an interface stands for every declared Interface.
 */
export function clampedPaths(
  resources: readonly Resource[],
  claims: readonly ClaimLowering[],
  tunnels: readonly Tunnel[],
): readonly MssClamp[] {
  const delivering = claims.filter(({ route }) => route !== undefined);
  if (delivering.length === 0) return [];
  const mtus = new Map(ofKind(resources, 'Interface').map(({ spec }) => [spec.ifname, spec.mtu]));
  const captureInterfaces = new Set(delivering.flatMap(({ captureInterface }) => captureInterface ?? [...mtus.keys()]));
  const tunnelMtus = new Map<string, number>();
  for (const { interface: name, mtu } of tunnels) tunnelMtus.set(name, Math.min(mtu, tunnelMtus.get(name) ?? mtu));
  return [...captureInterfaces]
    .flatMap((captureInterface) =>
      [...tunnelMtus].flatMap(([tunnelInterface, mtu]) =>
        captureInterface === tunnelInterface || mtu >= (mtus.get(captureInterface) ?? DEFAULT_INTERFACE_MTU)
          ? []
          : [{ captureInterface, tunnelInterface, mss: mssFor(mtu) }],
      ),
    )
    .toSorted(byText((clamp) => `${clamp.captureInterface} ${clamp.tunnelInterface}`));
}

function quadOf(address: string): string {
  return address.split('/')[0] ?? '';
}
