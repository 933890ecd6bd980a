/** OverlayPeer → the path that is measured, or why it cannot be. Pure. */
import { ofKind, parseIpv4, type Ipv4, type Resource, type ResourceOf } from '@routerd/resources';
import { byText } from '../text-order.ts';
import type { TunnelDirectory } from './tunnels.ts';

export interface OverlayPath {
  /** `metadata.name` of the OverlayPeer. */
  readonly peer: string;
  readonly device: string;
  /** Of this router, and of the other, inside the overlay. */
  readonly from: Ipv4;
  readonly to: Ipv4;
  /** MTU of the device, or what is known to pass where no resource describes it; bytes. */
  readonly deviceMtu: number;
  /** What clamps are derived from: less than this passing is a problem. */
  readonly estimatedMtu: number;
}

export interface LoweredOverlayPaths {
  /** Sorted by peer. */
  readonly paths: readonly OverlayPath[];
  /** Peers that cannot be measured, and why. */
  readonly unmeasured: ReadonlyMap<string, string>;
}

export function lowerOverlayPaths(resources: readonly Resource[], tunnels: TunnelDirectory): LoweredOverlayPaths {
  const own = ownAddresses(resources);
  const paths: OverlayPath[] = [];
  const unmeasured = new Map<string, string>();
  for (const peer of ofKind(resources, 'OverlayPeer').toSorted(byText(({ metadata }) => metadata.name))) {
    const path = pathTo(peer, own, tunnels);
    if (typeof path === 'string') unmeasured.set(peer.metadata.name, path);
    else if (paths.some(({ to }) => to === path.to))
      unmeasured.set(peer.metadata.name, `another OverlayPeer has ${path.to} too`);
    else paths.push(path);
  }
  return { paths, unmeasured };
}

function pathTo(
  { metadata: { name: peer }, spec }: ResourceOf<'OverlayPeer'>,
  own: ReadonlyMap<string, Ipv4>,
  tunnels: TunnelDirectory,
): OverlayPath | string {
  const { interface: device, address } = spec.underlay;
  const tunnel = tunnels.find(peer, undefined);
  if (device === undefined || tunnel === undefined) return 'the underlay names no interface';
  if (address === undefined) return 'underlay.address, which is the other router’s in the overlay, is not set';
  const from = own.get(device) ?? own.get(LOOPBACK);
  if (from === undefined) return `no IPv4StaticAddress gives this router an overlay address, on ${device} or lo`;
  if (from === address) return `${address} is this router’s own`;
  return {
    peer,
    device,
    from,
    to: address,
    deviceMtu: tunnels.pathMtu(peer)?.underlayMtu ?? tunnel.mtu,
    estimatedMtu: tunnel.mtu,
  };
}

const LOOPBACK = 'lo';

/** By interface, the first by text. */
function ownAddresses(resources: readonly Resource[]): ReadonlyMap<string, Ipv4> {
  const own = new Map<string, Ipv4>();
  for (const { metadata, spec } of ofKind(resources, 'TunnelInterface')) {
    const parsed = parseIpv4(spec.address?.split('/')[0] ?? '');
    if (parsed.ok) own.set(metadata.name, parsed.value);
  }
  for (const { spec } of ofKind(resources, 'IPv4StaticAddress').toSorted(byText((entry) => entry.spec.address))) {
    const parsed = parseIpv4(spec.address.split('/')[0] ?? '');
    if (parsed.ok && !own.has(spec.interface)) own.set(spec.interface, parsed.value);
  }
  return own;
}
