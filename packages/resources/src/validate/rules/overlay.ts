/** Tunnels, their endpoints and their addresses: apart from reserved ranges, and never inside a mobile prefix. */
import type { FieldPath, Problem } from '../../diagnostic.ts';
import { networkOf, parseIpv4, prefixContains, type InterfaceAddress, type Ipv4 } from '../../ipv4.ts';
import { prefixTable } from '../../prefix-table.ts';
import type { ResourceOf } from '../../resource.ts';
import { firstByKey, oncePerIndex, type ResourceIndex } from '../resource-index.ts';
import { errorAt, rule, warningAt, type Rule } from '../rule.ts';
import { poolsByPrefix } from './pool-prefixes.ts';
import { interfaceWithName, resolve } from './references.ts';
import { reservedOverlayAddress } from './reserved-ranges.ts';

/** Prefixes whose addresses move: a packet to an underlay address inside one would be sent into the tunnel it carries. */
function* outsidePools(address: Ipv4 | undefined, index: ResourceIndex, path: FieldPath): Iterable<Problem> {
  const [pool] = address === undefined ? [] : poolsByPrefix(index).containing(address);
  if (pool === undefined) return;
  yield errorAt(path, {
    code: 'overlay.inside-pool',
    message: `${address} is inside ${pool.spec.prefix} of MobilityPool/${pool.metadata.name}; tunnels and their endpoints need addresses of their own.`,
  });
}

function* overlayPeer(peer: ResourceOf<'OverlayPeer'>, index: ResourceIndex): Iterable<Problem> {
  const { underlay, remote } = peer.spec;
  const described = parseIpv4(remote?.address ?? '');
  if (described.ok) yield* reservedOverlayAddress(described.value, ['spec', 'remote', 'address']);
  const path = ['spec', 'underlay', 'address'];
  yield* reservedOverlayAddress(underlay.address, path);
  yield* outsidePools(underlay.address, index, path);
  if (underlay.interface === undefined) return;
  if (underlay.type === 'ipip' || underlay.type === 'gre') {
    yield* resolve(index, 'TunnelInterface', underlay.interface, ['spec', 'underlay', 'interface']);
    const mode = index.get('TunnelInterface', underlay.interface)?.spec.mode;
    if (mode !== undefined && mode !== underlay.type) {
      yield errorAt(['spec', 'underlay', 'type'], {
        code: 'overlay.type-differs',
        message: `The underlay type is ${underlay.type}, and TunnelInterface/${underlay.interface} has mode ${mode}.`,
      });
    }
  }
  if (underlay.type === 'wireguard' && index.get('WireGuardInterface', underlay.interface) === undefined) {
    yield warningAt(['spec', 'underlay', 'interface'], {
      code: 'overlay.managed-externally',
      message: `No WireGuardInterface "${underlay.interface}" is declared: it is taken as managed externally.`,
    });
  }
}

const firstToNode = firstByKey('OverlayPeer', ({ spec }) => [spec.nodeID]);

function* oneOverlayPeerPerNode(peer: ResourceOf<'OverlayPeer'>, index: ResourceIndex): Iterable<Problem> {
  const first = firstToNode(index).get(peer.spec.nodeID);
  if (first === undefined || first === peer) return;
  yield warningAt(['spec', 'nodeID'], {
    code: 'overlay.node-twice',
    message: `OverlayPeer/${first.metadata.name} leads to "${peer.spec.nodeID}" already: members without delivery or deliveryTo are reached through one of the two.`,
  });
}

export const wireGuardPeersBehind = oncePerIndex((index) =>
  Map.groupBy(index.ofKind('WireGuardPeer'), ({ spec }) => spec.interface),
);
const poolsOfNode = oncePerIndex((index) => {
  const pools = new Map<string, ResourceOf<'MobilityPool'>[]>();
  for (const pool of index.ofKind('MobilityPool')) {
    for (const node of new Set(pool.spec.members.map(({ nodeRef }) => nodeRef))) {
      const known = pools.get(node);
      if (known === undefined) pools.set(node, [pool]);
      else known.push(pool);
    }
  }
  return pools;
});

/** WireGuard drops what its AllowedIPs do not name, in silence, whatever the routes say. */
function* poolMayPass(peer: ResourceOf<'OverlayPeer'>, index: ResourceIndex): Iterable<Problem> {
  const { nodeID, underlay } = peer.spec;
  const behind = wireGuardPeersBehind(index).get(underlay.interface ?? '') ?? [];
  if (underlay.type !== 'wireguard' || behind.length === 0) return;
  for (const { metadata, spec } of poolsOfNode(index).get(nodeID) ?? []) {
    if (spec.prefix === '0.0.0.0/0') continue;
    if (behind.some((wg) => wg.spec.allowedIPs.some((allowed) => prefixContains(allowed, spec.prefix)))) continue;
    yield warningAt(['spec', 'underlay', 'interface'], {
      code: 'wireguard.pool-not-allowed',
      message: `No WireGuardPeer of "${underlay.interface}" has ${spec.prefix} of MobilityPool/${metadata.name} in its allowedIPs: WireGuard would drop what is delivered to "${nodeID}".`,
      remedy: `Add ${spec.prefix} to the allowedIPs of its WireGuardPeer.`,
    });
  }
}

const firstWithKey = firstByKey('WireGuardPeer', ({ spec }) => [`${spec.interface} ${spec.publicKey}`]);

function* wireGuardPeer(peer: ResourceOf<'WireGuardPeer'>, index: ResourceIndex): Iterable<Problem> {
  const host = peer.spec.endpoint?.slice(0, peer.spec.endpoint.lastIndexOf(':'));
  const address = host === undefined ? undefined : parseIpv4(host);
  if (address?.ok === true) {
    yield* reservedOverlayAddress(address.value, ['spec', 'endpoint']);
    yield* outsidePools(address.value, index, ['spec', 'endpoint']);
  }
  const twin = firstWithKey(index).get(`${peer.spec.interface} ${peer.spec.publicKey}`);
  if (twin === undefined || twin === peer) return;
  yield errorAt(['spec', 'publicKey'], {
    code: 'wireguard.key-twice',
    message: `WireGuardPeer/${twin.metadata.name} has this publicKey on interface "${peer.spec.interface}" already; WireGuard would keep one of the two.`,
  });
}

/** The ends of a tunnel, and the network of the tunnel itself. */
export function* tunnelEndsOutsidePools(
  { metadata, spec }: ResourceOf<'TunnelInterface'>,
  index: ResourceIndex,
): Iterable<Problem> {
  yield* reservedOverlayAddress(spec.remote, ['spec', 'remote']);
  yield* outsidePools(spec.remote, index, ['spec', 'remote']);
  if (spec.address !== undefined) yield* tunnelNetwork(metadata.name, spec.address, index, ['spec', 'address']);
}

function* tunnelNetwork(
  device: string,
  text: InterfaceAddress,
  index: ResourceIndex,
  path: FieldPath,
): Iterable<Problem> {
  const own = parseIpv4(text.slice(0, text.indexOf('/')));
  if (own.ok) yield* reservedOverlayAddress(own.value, path);
  const network = networkOf(text);
  const [pool] = poolsByPrefix(index).overlapping(network);
  if (pool !== undefined) yield insideMobile(device, text, pool, path);
}

function insideMobile(
  device: string,
  address: InterfaceAddress,
  { kind, metadata, spec }: ResourceOf<'AddressMobilityDomain' | 'MobilityPool'>,
  path: FieldPath,
): Problem {
  return errorAt(path, {
    code: 'overlay.inside-pool',
    message: `${address} of tunnel "${device}" overlaps ${spec.prefix} of ${kind}/${metadata.name}; tunnels need addresses of their own.`,
  });
}

const tunnelsByNetwork = oncePerIndex((index) => {
  const overlay = overlayInterfaces(index);
  const addresses = index
    .ofKind('IPv4StaticAddress')
    .filter(({ spec }) => overlay.has(spec.interface))
    .map(({ spec }) => ({ device: spec.interface, address: spec.address }));
  const own = index
    .ofKind('TunnelInterface')
    .flatMap(({ metadata, spec }) =>
      spec.address === undefined ? [] : [{ device: metadata.name, address: spec.address }],
    );
  return prefixTable([...addresses, ...own].map((tunnel) => [tunnel.address, tunnel] as const));
});

/** Said at the domain, and only at one written by hand: the pool that others are derived from is checked itself. */
function* domainApart(domain: ResourceOf<'AddressMobilityDomain'>, index: ResourceIndex): Iterable<Problem> {
  if (domain.spec.prefix === '0.0.0.0/0') return;
  const [tunnel] = tunnelsByNetwork(index).overlapping(domain.spec.prefix);
  if (tunnel !== undefined) yield insideMobile(tunnel.device, tunnel.address, domain, ['spec', 'prefix']);
}

/** Interfaces that lead to other routers. */
export const overlayInterfaces = oncePerIndex(
  (index) =>
    new Set<string>([
      ...index.ofKind('WireGuardInterface').map(({ metadata }) => metadata.name),
      ...index.ofKind('TunnelInterface').map(({ metadata }) => metadata.name),
      ...index.ofKind('OverlayPeer').flatMap(({ spec }) => spec.underlay.interface ?? []),
    ]),
);

function* tunnelAddress(address: ResourceOf<'IPv4StaticAddress'>, index: ResourceIndex): Iterable<Problem> {
  const { interface: device, address: text } = address.spec;
  if (!overlayInterfaces(index).has(device)) {
    if (device === 'lo' || interfaceWithName(index).has(device)) return;
    yield warningAt(['spec', 'interface'], {
      code: 'reference.undeclared-interface',
      message: `No Interface or WireGuardInterface is named "${device}": it is used as it is found on the host.`,
    });
    return;
  }
  yield* tunnelNetwork(device, text, index, ['spec', 'address']);
}

/** What carries the facts about mobile addresses cannot be reached through them. */
function* hubEndpoints(group: ResourceOf<'EventGroup'>, index: ResourceIndex): Iterable<Problem> {
  for (const [position, server] of group.spec.servers.entries()) {
    const host = parseIpv4(server.replace(/^\w+:\/\//, '').replace(/:\d+$/, ''));
    if (!host.ok) continue;
    const path = ['spec', 'servers', position];
    yield* reservedOverlayAddress(host.value, path);
    const [pool] = poolsByPrefix(index).containing(host.value);
    if (pool === undefined) continue;
    yield warningAt(path, {
      code: 'group.server-inside-pool',
      message: `The hub ${host.value} is inside ${pool.spec.prefix} of MobilityPool/${pool.metadata.name}: from other sites it can be reached only after its own facts have arrived.`,
      remedy: 'Give the hub an address outside the pool.',
    });
  }
}

export const overlayRules: readonly Rule[] = [
  rule('EventGroup', hubEndpoints),
  rule('OverlayPeer', overlayPeer, { brokenBy: ['MobilityPool'] }),
  rule('OverlayPeer', oneOverlayPeerPerNode),
  rule('OverlayPeer', poolMayPass),
  rule('WireGuardPeer', wireGuardPeer, { brokenBy: ['MobilityPool', 'WireGuardPeer'] }),
  rule('AddressMobilityDomain', domainApart, {
    appliesTo: 'authored',
    brokenBy: ['IPv4StaticAddress', 'TunnelInterface', 'OverlayPeer', 'WireGuardInterface'],
  }),
  rule('IPv4StaticAddress', tunnelAddress, {
    brokenBy: ['MobilityPool', 'OverlayPeer', 'WireGuardInterface', 'TunnelInterface'],
  }),
];
