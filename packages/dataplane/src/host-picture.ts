/** What a host shows after ops landed on it: keeps a reading current without reading again. */
import {
  EMPTY_OBSERVED_HOST,
  type HostOp,
  type ObservedHost,
  type ObservedProxyNeighbor,
  type ObservedWireGuard,
} from './host-op.ts';
import {
  digestOfTable,
  slotOfAddress,
  slotOfProxyNeighbor,
  slotOfRoute,
  slotOfSysctl,
  slotOfTable,
  textOfRoute,
} from './host-slot.ts';
import type { HostRoute, LinkSetting, TunnelState, WireGuardDevice } from './host-state.ts';
import { unreachable } from '@routerd/resources';

/** @param landed in the order of application. Cost: linear in what is observed, once, plus the ops. */
export function observedAfter(observed: ObservedHost, landed: readonly HostOp[]): ObservedHost {
  if (landed.length === 0) return observed;
  const picture = new HostPicture(observed);
  picture.land(landed);
  return picture.observed();
}

/**
 * A reading and what landed since, by place: a change among ten thousand objects costs what it changes.
 * Of several routes of ours in one place, which a reading may show and no op makes, it keeps one.
 */
export class HostPicture {
  #draft: Draft | undefined;
  #observed: ObservedHost | undefined;

  constructor(observed: ObservedHost) {
    this.#observed = observed;
  }

  /** Made when it is first needed: a reading after which there is nothing to do needs none. */
  get #places(): Draft {
    this.#draft ??= draftOf(this.#observed ?? EMPTY_OBSERVED_HOST);
    return this.#draft;
  }

  land(ops: readonly HostOp[]): void {
    if (ops.length === 0) return;
    const places = this.#places;
    for (const op of ops) land(places, op);
    this.#observed = undefined;
  }

  /** A value that later ops leave alone. Cost: linear in what it shows, the first time after a change. */
  observed(): ObservedHost {
    this.#observed ??= shownBy(this.#places);
    return this.#observed;
  }

  /** What is in these places; empty ones are left out. */
  routesIn(slots: Iterable<string>): readonly HostRoute[] {
    return [...slots].flatMap((slot) => this.#places.routes.get(slot) ?? []);
  }

  proxyNeighborsIn(slots: Iterable<string>): readonly ObservedProxyNeighbor[] {
    return [...slots].flatMap((slot) => this.#places.proxyNeighbors.get(slot) ?? []);
  }

  /** What kernel events are compared with: the text of a route, the value of a setting, `present` for an address. */
  textIn(slot: string): string | undefined {
    const route = this.#places.routes.get(slot);
    if (route !== undefined) return textOfRoute(route);
    if (this.#places.addresses.has(slot)) return 'present';
    return slot.startsWith(SETTING) ? this.#places.sysctls.get(slot.slice(SETTING.length)) : undefined;
  }

  hasSetting(path: string): boolean {
    return this.#places.sysctls.has(path);
  }

  /** Without the long lists. */
  rest(): ObservedHost {
    const draft = this.#places;
    return shownBy({ ...draft, routes: new Map(), proxyNeighbors: new Map() });
  }
}

const SETTING = slotOfSysctl(['']);

type Draft = ReturnType<typeof draftOf>;

function shownBy(draft: Draft): ObservedHost {
  return {
    links: [...draft.links.values()],
    addresses: [...draft.addresses.values()],
    routes: [...draft.routes.values()],
    proxyNeighbors: [...draft.proxyNeighbors.values()],
    wireGuard: [...draft.wireGuard.values()],
    tunnels: [...draft.tunnels.values()],
    sysctls: new Map(draft.sysctls),
    mssClamps: draft.mssClamps,
    tables: [...draft.tables.values()],
    sysctlFiles: new Map(draft.sysctlFiles),
  };
}

function draftOf(observed: ObservedHost) {
  return {
    links: new Map(observed.links.map((link) => [link.name, link])),
    addresses: new Map(observed.addresses.map((entry) => [slotOfAddress(entry.interface, entry.address), entry])),
    routes: new Map(observed.routes.map((route) => [slotOfRoute(route), route])),
    proxyNeighbors: new Map(observed.proxyNeighbors.map((entry) => [slotOfProxyNeighbor(entry), entry])),
    wireGuard: new Map(observed.wireGuard.map((device) => [device.name, device])),
    tunnels: new Map(observed.tunnels.map((tunnel) => [tunnel.name, tunnel])),
    sysctls: new Map(observed.sysctls),
    mssClamps: observed.mssClamps,
    tables: new Map(observed.tables.map((table) => [slotOfTable(table), table])),
    sysctlFiles: new Map(observed.sysctlFiles),
  };
}

function land(draft: Draft, op: HostOp): void {
  switch (op.verb) {
    case 'wireguard-create':
    case 'wireguard-configure':
      return landWireGuard(draft, op.device, op.verb === 'wireguard-create' ? undefined : op.endpointsOf);
    case 'wireguard-remove':
      return landDeviceRemoval(draft, op.name);
    case 'tunnel-create':
    case 'tunnel-change':
      return landTunnel(draft, op.tunnel);
    case 'tunnel-remove':
      return landDeviceRemoval(draft, op.name);
    case 'link-set':
    case 'link-restore':
      return landLinkSetting(draft, op.setting);
    case 'address-add':
      draft.addresses.set(slotOfAddress(op.interface, op.address), { interface: op.interface, address: op.address });
      return;
    case 'address-remove':
      draft.addresses.delete(slotOfAddress(op.interface, op.address));
      if (![...draft.addresses.values()].some((entry) => entry.interface === op.interface))
        landEndOfIpv4(draft, op.interface);
      return;
    case 'route-add':
    case 'route-replace':
      draft.routes.set(slotOfRoute(op.route), op.route);
      return;
    case 'route-remove':
      draft.routes.delete(slotOfRoute(op.route));
      return;
    case 'sysctl-set':
    case 'sysctl-restore':
      if (draft.sysctls.has(op.path.join('/'))) draft.sysctls.set(op.path.join('/'), op.value);
      return;
    case 'sysctl-file-write':
      draft.sysctlFiles.set(op.file.name, op.file.content);
      return;
    case 'sysctl-file-remove':
      draft.sysctlFiles.delete(op.name);
      return;
    case 'table-replace': {
      const { family, name } = op.table;
      draft.tables.set(slotOfTable(op.table), { family, name, digest: digestOfTable(op.table) });
      return;
    }
    case 'table-remove':
      draft.tables.delete(slotOfTable(op));
      return;
    case 'mss-replace':
      draft.mssClamps = op.clamps;
      return;
    case 'mss-remove':
      draft.mssClamps = undefined;
      return;
    case 'proxy-neighbor-add':
      draft.proxyNeighbors.set(slotOfProxyNeighbor(op.neighbor), {
        address: op.neighbor.address,
        interface: op.neighbor.interface,
        ours: true,
      });
      return;
    case 'proxy-neighbor-remove':
      draft.proxyNeighbors.delete(slotOfProxyNeighbor(op.neighbor));
      return;
    case 'announce':
      return;
    default:
      unreachable(op);
  }
}

/** A device that disappears takes its addresses, routes, proxy neighbours and settings with it, without a word about them. */
function landDeviceRemoval(draft: Draft, name: string): void {
  draft.wireGuard.delete(name);
  draft.tunnels.delete(name);
  draft.links.delete(name);
  for (const [slot, entry] of draft.addresses) if (entry.interface === name) draft.addresses.delete(slot);
  landEndOfIpv4(draft, name);
  const settings = [`net/ipv4/conf/${name}/`, `net/ipv4/neigh/${name}/`];
  for (const path of draft.sysctls.keys()) {
    if (settings.some((prefix) => path.startsWith(prefix))) draft.sysctls.delete(path);
  }
}

/** With the last address of a device the kernel takes its routes and proxy neighbours, too (fib_disable_ip in fib_frontend.c), and says nothing. */
function landEndOfIpv4(draft: Draft, name: string): void {
  for (const [slot, route] of draft.routes) if (route.device === name) draft.routes.delete(slot);
  for (const [slot, entry] of draft.proxyNeighbors) if (entry.interface === name) draft.proxyNeighbors.delete(slot);
}

function landTunnel(draft: Draft, { mtu, ...tunnel }: TunnelState): void {
  const { name } = tunnel;
  draft.tunnels.set(name, tunnel);
  draft.links.set(name, { name, up: true, mtu, mac: undefined });
}

/** A link that goes down keeps its addresses and loses everything that leads by it. */
function landLinkSetting(draft: Draft, { name, property, value }: LinkSetting): void {
  const link = draft.links.get(name);
  if (link === undefined) return;
  draft.links.set(name, property === 'mtu' ? { ...link, mtu: Number(value) } : { ...link, up: value === 'up' });
  if (value === 'down') landEndOfIpv4(draft, name);
}

function landWireGuard(draft: Draft, device: WireGuardDevice, endpointsOf: readonly string[] | undefined): void {
  const before = draft.wireGuard.get(device.name);
  const known = new Map(before?.peers.map((peer) => [peer.publicKey, peer]));
  const after: ObservedWireGuard = {
    name: device.name,
    // The key is in a file; what matters here is that the device has one.
    publicKey: before?.publicKey ?? '',
    listenPort: device.listenPort,
    peers: device.peers.map((peer) => {
      const present = known.get(peer.publicKey);
      const isSet = endpointsOf === undefined || present === undefined || endpointsOf.includes(peer.publicKey);
      return {
        publicKey: peer.publicKey,
        allowedIPs: peer.allowedIPs,
        endpoint: isSet ? peer.endpoint : present.endpoint,
        persistentKeepalive: peer.persistentKeepalive,
        latestHandshake: present?.latestHandshake ?? 0,
      };
    }),
  };
  draft.wireGuard.set(device.name, after);
  draft.links.set(device.name, {
    name: device.name,
    up: true,
    mtu: device.mtu,
    mac: draft.links.get(device.name)?.mac,
  });
}
