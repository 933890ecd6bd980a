/** Configurations of any size, valid or with as many conflicts as resources. */

const QUADS = 256;

function quad(network: number, index: number): string {
  return `${network}.${Math.floor(index / QUADS / QUADS) % QUADS}.${Math.floor(index / QUADS) % QUADS}.${index % QUADS}`;
}

function resource(group: string, kind: string, name: string, spec: object): object {
  return { apiVersion: `${group}.routerd.net/v1alpha1`, kind, metadata: { name }, spec };
}

/** 32 bytes that differ, as base64. */
function key(index: number): string {
  return `${index.toString(36).padStart(42, 'A')}A=`;
}

const BASE: readonly object[] = [
  resource('hybrid', 'OverlayPeer', 'onprem', {
    role: 'onprem',
    nodeID: 'onprem-a',
    underlay: { type: 'route', interface: 'tun0' },
  }),
  resource('hybrid', 'AddressMobilityDomain', 'demo', { prefix: '10.0.0.0/8', mode: 'selective-address' }),
  resource('net', 'Interface', 'lan', { ifname: 'lan0' }),
  resource('net', 'WireGuardInterface', 'wg0', { privateKeyFile: '/k', listenPort: 51_820 }),
];

function claim(index: number): object {
  return resource('hybrid', 'RemoteAddressClaim', `claim-${index}`, {
    domainRef: 'demo',
    address: `${quad(10, index)}/32`,
    ownerSide: 'onprem',
    capture: { type: 'proxy-arp', interface: 'lan0' },
    delivery: { peerRef: 'onprem' },
  });
}

/** Kinds that are compared with others of their kind or of another. */
const MIXED: readonly ((index: number) => object)[] = [
  claim,
  (index) => resource('net', 'Interface', `if-${index}`, { ifname: `e${index}` }),
  (index) => resource('net', 'IPv4Route', `route-${index}`, { destination: `${quad(20, index)}/32`, device: 'lan0' }),
  (index) =>
    resource('net', 'IPv4StaticAddress', `a-${index}`, { interface: 'lan0', address: `${quad(30, index)}/32` }),
  (index) =>
    resource('net', 'WireGuardPeer', `wg-${index}`, {
      interface: 'wg0',
      publicKey: key(index),
      allowedIPs: [`${quad(40, index)}/32`],
      endpoint: `${quad(50, index)}:51820`,
    }),
  (index) =>
    resource('hybrid', 'OverlayPeer', `peer-${index}`, {
      role: 'cloud',
      nodeID: `node-${index}`,
      underlay: { type: 'route', interface: 'tun0', address: quad(60, index) },
    }),
  (index) =>
    resource('hybrid', 'HybridRoute', `hybrid-${index}`, {
      destinationCIDRs: [`${quad(70, index)}/32`],
      peerRef: `peer-${index - 1}`,
    }),
  (index) => resource('system', 'Sysctl', `sysctl-${index}`, { key: `net.x.y${index}`, value: '1' }),
];

/** Valid: claims of one domain. */
export function claims(count: number): readonly object[] {
  return [...BASE, ...Array.from({ length: count - BASE.length }, (_, index) => claim(index))];
}

/** Valid: eight kinds in turn. */
export function mixed(count: number): readonly object[] {
  const rest = Array.from({ length: count - BASE.length }, (_, index) => MIXED[index % MIXED.length]?.(index) ?? {});
  return [...BASE, ...rest];
}

/** Every one but the first in conflict with another, or referring to what is not there. */
export function conflicting(count: number): readonly object[] {
  const kinds: readonly ((index: number) => object)[] = [
    (index) => resource('net', 'Interface', `if-${index}`, { ifname: 'lan0' }),
    (index) => resource('net', 'IPv4Route', `route-${index}`, { destination: '20.0.0.0/8', device: 'lan0' }),
    (index) =>
      resource('net', 'IPv4StaticAddress', `a-${index}`, { interface: `e${index}`, address: `${quad(30, index)}/8` }),
    (index) =>
      resource('net', 'WireGuardPeer', `wg-${index}`, {
        interface: `wg-${index}`,
        publicKey: key(1),
        allowedIPs: ['40.0.0.0/8'],
      }),
    (index) =>
      resource('hybrid', 'HybridRoute', `hybrid-${index}`, {
        destinationCIDRs: ['70.0.0.0/8'],
        peerRef: `pear-${index}`,
      }),
    (index) =>
      resource('mobility', 'MobilityPool', `pool-${index}`, {
        prefix: '80.0.0.0/8',
        groupRef: `group-${index}`,
        members: [{ nodeRef: 'a', site: 'a', role: 'onprem', capture: { type: 'proxy-arp', interface: 'lan0' } }],
      }),
  ];
  return Array.from({ length: count }, (_, index) => kinds[index % kinds.length]?.(index) ?? {});
}

/** Block YAML as people write it, one document each. */
export function yamlOf(resources: readonly object[]): string {
  return resources.map((value) => `---\n${lines(value, '')}`).join('');
}

function lines(value: object, indent: string): string {
  return Object.entries(value)
    .map(([name, inner]: [string, unknown]) => {
      if (typeof inner !== 'object' || inner === null) return `${indent}${name}: ${JSON.stringify(inner)}\n`;
      if (Array.isArray(inner)) return `${indent}${name}: ${JSON.stringify(inner)}\n`;
      return `${indent}${name}:\n${lines(inner, `${indent}  `)}`;
    })
    .join('');
}
