/** WireGuardInterface and WireGuardPeer → devices; OverlayPeer → tunnel. */
import {
  ofKind,
  prefixContains,
  type HostAddress,
  type Ipv4Prefix,
  type Resource,
  type ResourceOf,
} from '@routerd/resources';
import type { WireGuardDevice, WireGuardPeerState } from '../host-state.ts';
import { estimateTunnelMtu, pathMtuOf, type PathMtu } from '../mss.ts';
import { byText } from '../text-order.ts';
import type { LoweringProblem } from './claim-lowering.ts';

export interface Tunnel {
  readonly interface: string;
  /** Bytes that pass for certain. */
  readonly mtu: number;
}

/** Finds the tunnel of an overlay peer. */
export interface TunnelDirectory {
  /** @param interfaceName overrides the peer's own interface @returns undefined without such a peer, or when neither names an interface */
  find(peerRef: string, interfaceName: string | undefined): Tunnel | undefined;
  /** Of the peer's own interface; undefined without such a peer. */
  pathMtu(peerRef: string): PathMtu | undefined;
  /** One tunnel for each overlay peer that names its interface. */
  readonly all: readonly Tunnel[];
}

export function tunnelDirectory(resources: readonly Resource[]): TunnelDirectory {
  const mtus = new Map<string, number>();
  const keyed = new Set<string>();
  for (const { spec } of ofKind(resources, 'Interface')) if (spec.mtu !== undefined) mtus.set(spec.ifname, spec.mtu);
  for (const { metadata, spec } of ofKind(resources, 'WireGuardInterface')) mtus.set(metadata.name, spec.mtu);
  for (const { metadata, spec } of ofKind(resources, 'TunnelInterface')) {
    mtus.set(metadata.name, spec.mtu);
    if (spec.mode === 'gre' && spec.key !== undefined) keyed.add(metadata.name);
  }
  const underlays = new Map(
    ofKind(resources, 'OverlayPeer').map(({ metadata, spec }) => [metadata.name, spec.underlay]),
  );
  // Every claim asks, and most ask the same.
  const found = new Map<string, Map<string | undefined, Tunnel | undefined>>();
  const find: TunnelDirectory['find'] = (peerRef, interfaceName) => {
    const ofPeer = found.get(peerRef) ?? new Map<string | undefined, Tunnel | undefined>();
    found.set(peerRef, ofPeer);
    if (!ofPeer.has(interfaceName)) ofPeer.set(interfaceName, tunnelOf(peerRef, interfaceName));
    return ofPeer.get(interfaceName);
  };
  const tunnelOf: TunnelDirectory['find'] = (peerRef, interfaceName) => {
    const underlay = underlays.get(peerRef);
    const name = interfaceName ?? underlay?.interface;
    if (underlay === undefined || name === undefined) return undefined;
    return { interface: name, mtu: estimateTunnelMtu(underlay.type, mtus.get(name), keyed.has(name)) };
  };
  const pathMtu: TunnelDirectory['pathMtu'] = (peerRef) => {
    const underlay = underlays.get(peerRef);
    if (underlay === undefined) return undefined;
    const name = underlay.interface ?? '';
    return pathMtuOf(underlay.type, mtus.get(name), keyed.has(name));
  };
  return { find, pathMtu, all: [...underlays.keys()].flatMap((peerRef) => find(peerRef, undefined) ?? []) };
}

/** What a claim or a HybridRoute leads to an overlay peer, and the device that it takes. */
export interface Delivered {
  readonly destination: HostAddress | Ipv4Prefix;
  readonly peerRef: string;
  readonly tunnelInterface: string;
}

type PeerResource = ResourceOf<'WireGuardPeer'>;

/**
 * Devices with their peers. A destination that no AllowedIPs of its peer cover is added there, so that two sites with one shared
 * interface need not repeat the claims; with an interface a peer and the pool's prefix on each, nothing is ever added.
 */
export function lowerWireGuard(
  resources: readonly Resource[],
  delivered: readonly Delivered[],
): { readonly devices: readonly WireGuardDevice[]; readonly problems: readonly LoweringProblem[] } {
  const problems: LoweringProblem[] = [];
  const interfaces = ofKind(resources, 'WireGuardInterface');
  const names = new Set(interfaces.map(({ metadata }) => metadata.name));
  const peersByInterface = new Map<string, PeerResource[]>();
  for (const peer of ofKind(resources, 'WireGuardPeer')) {
    const { interface: device } = peer.spec;
    if (names.has(device)) peersByInterface.set(device, [...(peersByInterface.get(device) ?? []), peer]);
    else problems.push({ resource: resourceOf(peer), reason: `no WireGuardInterface is named ${device}` });
  }
  const added = addedAllowedIPs(resources, peersByInterface, delivered);
  const devices = interfaces.map(({ metadata: { name }, spec }) => ({
    name,
    privateKeyFile: spec.privateKeyFile,
    listenPort: spec.listenPort,
    mtu: spec.mtu,
    peers: peerStates(peersByInterface.get(name) ?? [], added, problems),
  }));
  return { devices: devices.toSorted(byText(({ name }) => name)), problems };
}

function peerStates(
  peers: readonly PeerResource[],
  added: ReadonlyMap<PeerResource, readonly Delivered['destination'][]>,
  problems: LoweringProblem[],
): readonly WireGuardPeerState[] {
  const keys = new Set<string>();
  const taken = new Map<string, string>();
  const states: WireGuardPeerState[] = [];
  for (const peer of peers.toSorted(byText(({ metadata }) => metadata.name))) {
    const { publicKey, endpoint, persistentKeepalive, presharedKeyFile } = peer.spec;
    if (keys.has(publicKey)) {
      problems.push({ resource: resourceOf(peer), reason: `another peer of ${peer.spec.interface} has the same key` });
      continue;
    }
    keys.add(publicKey);
    const wanted = [...new Set([...peer.spec.allowedIPs, ...(added.get(peer) ?? [])])];
    // A prefix belongs to one peer of a device; the kernel would move it to the last one without a word.
    const allowedIPs = wanted.filter((prefix) => {
      const other = taken.get(prefix);
      if (other !== undefined)
        problems.push({ resource: resourceOf(peer), reason: `allowedIPs ${prefix} belongs to ${other} already` });
      else taken.set(prefix, resourceOf(peer));
      return other === undefined;
    });
    states.push({
      publicKey,
      allowedIPs: allowedIPs.toSorted(byText((prefix) => prefix)),
      endpoint,
      persistentKeepalive,
      presharedKeyFile,
    });
  }
  return states.toSorted(byText((state) => state.publicKey));
}

/** Cost: one look a claim, whose peers are the few of its device. */
function addedAllowedIPs(
  resources: readonly Resource[],
  peersByInterface: ReadonlyMap<string, readonly PeerResource[]>,
  delivered: readonly Delivered[],
): ReadonlyMap<PeerResource, readonly Delivered['destination'][]> {
  const added = new Map<PeerResource, Delivered['destination'][]>();
  if (peersByInterface.size === 0) return added;
  const overlay = new Map(ofKind(resources, 'OverlayPeer').map((peer) => [peer.metadata.name, peer]));
  const behind = new Map<string, PeerResource | undefined>();
  for (const item of delivered) {
    const { peerRef, tunnelInterface } = item;
    const peers = peersByInterface.get(tunnelInterface);
    if (peers === undefined) continue;
    // With an interface a peer there is nothing to look for.
    const [only] = peers;
    if (peers.length > 1 && !behind.has(peerRef + tunnelInterface))
      behind.set(peerRef + tunnelInterface, peerBehind(overlay.get(peerRef), peers));
    const peer = peers.length === 1 ? only : behind.get(peerRef + tunnelInterface);
    if (peer === undefined || isAllowed(peer, item)) continue;
    const list = added.get(peer) ?? [];
    list.push(item.destination);
    added.set(peer, list);
  }
  return added;
}

/** Of a claim that stays as it is, the answer for its peer. */
const allowedBefore = new WeakMap<Delivered, { readonly peer: PeerResource; readonly allowed: boolean }>();

/** Whether the AllowedIPs of the peer, as they were written, cover the destination. */
function isAllowed(peer: PeerResource, delivered: Delivered): boolean {
  const before = allowedBefore.get(delivered);
  if (before?.peer === peer) return before.allowed;
  const allowed = peer.spec.allowedIPs.some((prefix) => prefixContains(prefix, delivered.destination));
  allowedBefore.set(delivered, { peer, allowed });
  return allowed;
}

/** Of several WireGuard peers of one device the one that is the overlay peer: by its overlay address, else by its name. */
function peerBehind(
  overlayPeer: ResourceOf<'OverlayPeer'> | undefined,
  peers: readonly PeerResource[],
): PeerResource | undefined {
  if (overlayPeer === undefined) return undefined;
  const { underlay, nodeID } = overlayPeer.spec;
  const { address } = underlay;
  return (
    (address === undefined
      ? undefined
      : peers.find((peer) => peer.spec.allowedIPs.some((prefix) => prefix === `${address}/32`))) ??
    peers.find(({ metadata }) => metadata.name === overlayPeer.metadata.name || metadata.name === nodeID)
  );
}

function resourceOf(resource: Resource): string {
  return `${resource.kind}/${resource.metadata.name}`;
}
