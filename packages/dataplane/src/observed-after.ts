/** What a host shows after ops landed on it: keeps a reading current without reading again. */
import type { HostOp, ObservedHost, ObservedWireGuard } from './host-op.ts';
import { digestOfTable, slotOfAddress, slotOfProxyNeighbor, slotOfRoute, slotOfTable } from './host-slot.ts';
import type { WireGuardDevice } from './host-state.ts';
import { unreachable } from '@routerd/resources';

/** @param landed in the order of application. Cost: linear in what is observed, once, plus the ops. */
export function observedAfter(observed: ObservedHost, landed: readonly HostOp[]): ObservedHost {
  if (landed.length === 0) return observed;
  const draft = draftOf(observed);
  for (const op of landed) land(draft, op);
  return {
    links: [...draft.links.values()],
    addresses: [...draft.addresses.values()],
    routes: [...draft.routes.values()],
    proxyNeighbors: [...draft.proxyNeighbors.values()],
    wireGuard: [...draft.wireGuard.values()],
    sysctls: draft.sysctls,
    mssClamps: draft.mssClamps,
    tables: [...draft.tables.values()],
    sysctlFiles: draft.sysctlFiles,
  };
}

type Draft = ReturnType<typeof draftOf>;

function draftOf(observed: ObservedHost) {
  return {
    links: new Map(observed.links.map((link) => [link.name, link])),
    addresses: new Map(observed.addresses.map((entry) => [slotOfAddress(entry.interface, entry.address), entry])),
    routes: new Map(observed.routes.map((route) => [slotOfRoute(route), route])),
    proxyNeighbors: new Map(observed.proxyNeighbors.map((entry) => [slotOfProxyNeighbor(entry), entry])),
    wireGuard: new Map(observed.wireGuard.map((device) => [device.name, device])),
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
