/** Configurations drawn from a seed, for a host with `lan0`, `tun-a` and `tun-b`. */
import type { Resource } from '@routerd/resources';
import type { CaptureGates } from '../src/lower/claim-lowering.ts';
import {
  firewallRule,
  firewallZone,
  hybridRoute,
  ipv4Route,
  nat44Rule,
  networkInterface,
  overlayPeer,
  providerClaim,
  proxyArpClaim,
  KEY_A,
  KEY_E,
  staticAddress,
  sysctl,
  tunnelInterface,
  wireGuardInterface,
  wireGuardPeer,
} from './claims.ts';

/** A small generator with a known sequence (mulberry32): between 0 and 1, 1 excluded. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface DrawnConfiguration {
  readonly resources: readonly Resource[];
  readonly gates: CaptureGates;
}

/** What a host with real WireGuard devices needs for them. */
export interface DrawnWireGuard {
  readonly device: string;
  readonly privateKeyFile: string;
  readonly listenPort: number;
}

/** @param wireGuard without it none is drawn */
export function drawConfiguration(random: () => number, wireGuard?: DrawnWireGuard): DrawnConfiguration {
  const chance = (probability: number): boolean => random() < probability;
  const oneOf = <T>(...items: readonly [T, ...T[]]): T => items[Math.floor(random() * items.length)] ?? items[0];
  const some = (probability: number, make: () => Resource): readonly Resource[] =>
    chance(probability) ? [make()] : [];
  const claims = Array.from({ length: 12 }, (_, index) => 20 + index)
    .filter(() => chance(0.5))
    .map((last) => {
      const activeWhen = oneOf(undefined, { type: 'capture-holder', captureKey: `key-${last}` });
      const capture = activeWhen === undefined ? {} : { activeWhen };
      return chance(0.6)
        ? proxyArpClaim(`10.77.60.${last}/32`, oneOf('aws', 'azure'), { ...capture, gratuitousARP: chance(0.1) })
        : providerClaim(`10.77.60.${last}/32`, oneOf('aws', 'azure'), { ...capture, interface: 'lan0' });
    });
  const open = new Set(Array.from({ length: 12 }, (_, index) => `key-${20 + index}`).filter(() => chance(0.7)));
  return {
    resources: [
      overlayPeer('aws', { interface: 'tun-a' }),
      overlayPeer('azure', { interface: oneOf('tun-a', 'tun-b') }),
      networkInterface('lan0', chance(0.5) ? {} : { mtu: oneOf(1400, 1500) }),
      ...claims,
      ...some(0.5, () =>
        hybridRoute('branch', chance(0.5) ? ['10.20.0.0/16'] : ['10.20.0.0/16', '10.30.0.0/16'], oneOf('aws', 'azure')),
      ),
      ...some(0.5, () => staticAddress('loop', 'lo', oneOf('10.255.0.1/32', '10.255.0.2/32'))),
      ...some(0.4, () => ipv4Route('sink', { destination: '10.99.0.0/24', type: 'blackhole' })),
      ...some(0.4, () => sysctl('rp', { key: 'net.ipv4.conf.lan0.rp_filter', value: oneOf('1', '2') })),
      ...(chance(0.4)
        ? [
            firewallZone('lan', 'trust', 'lan0'),
            firewallZone('tunnels', 'untrust', 'tun-a', 'tun-b'),
            ...some(0.5, () => firewallRule('mobile', { fromZone: 'tunnels', toZone: 'lan', action: 'accept' })),
          ]
        : []),
      ...(wireGuard === undefined ? [] : drawWireGuard(wireGuard, chance)),
      ...some(0.3, () =>
        nat44Rule('out', {
          outboundInterface: 'lan0',
          sourceCIDRs: [oneOf('10.20.0.0/16', '10.30.0.0/16')],
          translation: { type: 'interfaceAddress' },
        }),
      ),
    ],
    gates: { isCaptureOpen: (key) => open.has(key) },
  };
}

/** Most of the time a device, with one or two peers whose settings differ from draw to draw. */
function drawWireGuard({ device, ...keys }: DrawnWireGuard, chance: (probability: number) => boolean): Resource[] {
  if (chance(0.3)) return [];
  return [
    wireGuardInterface(device, { ...keys, mtu: chance(0.5) ? 1420 : 1380 }),
    wireGuardPeer('first', device, {
      publicKey: KEY_A,
      allowedIPs: chance(0.5) ? ['10.77.60.0/24'] : ['10.77.60.0/24', '10.20.0.0/16'],
      persistentKeepalive: chance(0.5) ? 25 : 0,
    }),
    ...(chance(0.5) ? [wireGuardPeer('second', device, { publicKey: KEY_E, allowedIPs: ['10.30.0.0/16'] })] : []),
    ...(chance(0.5) ? [staticAddress('tunnel', device, '10.255.9.1/32')] : []),
  ];
}

/** Tunnels whose mode, ends and MTU differ from draw to draw, with addresses and a route, and links that are ours to set or not. */
export function drawLinks(random: () => number): readonly Resource[] {
  const chance = (probability: number): boolean => random() < probability;
  const oneOf = <T>(...items: readonly [T, ...T[]]): T => items[Math.floor(random() * items.length)] ?? items[0];
  const ends = { local: '192.0.2.1', remote: oneOf('192.0.2.2', '192.0.2.3'), ttl: oneOf(64, 32) };
  const made = chance(0.6);
  return [
    ...(made
      ? [
          tunnelInterface('gre1', {
            ...ends,
            ...(chance(0.5) ? { mode: 'ipip' } : { mode: 'gre', ...(chance(0.5) ? { key: 7 } : {}) }),
            ...(chance(0.5) ? { address: '10.254.0.1/30' } : {}),
            mtu: oneOf(1400, 1476),
          }),
        ]
      : []),
    ...(made && chance(0.5) ? [ipv4Route('far', { destination: '10.98.0.0/24', device: 'gre1' })] : []),
    ...(chance(0.5)
      ? [networkInterface('tun-b', { managed: chance(0.7), adminUp: true, mtu: oneOf(1280, 1400) })]
      : []),
    ...(chance(0.4) ? [networkInterface('spare', { managed: true, adminUp: chance(0.5) })] : []),
  ];
}
