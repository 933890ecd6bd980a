/** Facts of a node on which every check passes or has nothing to say; each test breaks one thing. */
import {
  EMPTY_OBSERVED_HOST,
  lower,
  UNKNOWN_HEALTH,
  unmeasuredPath,
  type ObservedHost,
  type PathStatus,
} from '@routerd/dataplane';
import type { CaptureEpoch } from '@routerd/mobility';
import { hostAddressOf, instant, parseIpv4, parseResource, type HostAddress, type Resource } from '@routerd/resources';
import type { DoctorFacts, HostFacts } from '../src/doctor/doctor-facts.ts';
import type { RoleOf } from '../src/vrrp-gates.ts';

export const NOW = instant(1_800_000_000_000);

export function addressOf(quad: string): HostAddress {
  const parsed = parseIpv4(quad);
  if (!parsed.ok) throw new Error(parsed.error.code);
  return hostAddressOf(parsed.value);
}

export function resource(group: string, kind: string, name: string, spec: object): Resource {
  const parsed = parseResource({ apiVersion: `${group}.routerd.net/v1alpha1`, kind, metadata: { name }, spec });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

const KEY = `${'A'.repeat(43)}=`;
export const PROXIED = addressOf('10.77.60.10');
export const ASSIGNED = addressOf('10.77.60.11');

/** A gated proxy-ARP claim on lan0 and a provider claim on eth0, both delivered over wg-cloud. */
export const EFFECTIVE: readonly Resource[] = [
  resource('net', 'Interface', 'lan', { ifname: 'lan0' }),
  resource('net', 'WireGuardInterface', 'wg-cloud', { privateKeyFile: '/etc/wg.key', listenPort: 51_820 }),
  resource('net', 'WireGuardPeer', 'cloud', { interface: 'wg-cloud', publicKey: KEY, allowedIPs: ['10.77.60.0/24'] }),
  resource('net', 'VirtualAddress', 'gateway', {
    interface: 'lan0',
    address: '10.77.60.1/32',
    mode: 'vrrp',
    vrrp: { virtualRouterID: 60, peers: ['10.77.60.3'] },
  }),
  resource('hybrid', 'OverlayPeer', 'cloud', {
    role: 'cloud',
    nodeID: 'cloud',
    underlay: { type: 'wireguard', interface: 'wg-cloud' },
  }),
  resource('hybrid', 'HybridRoute', 'vpc', { destinationCIDRs: ['10.9.0.0/16'], peerRef: 'cloud' }),
  resource('hybrid', 'AddressMobilityDomain', 'lan', { prefix: '10.77.60.0/24', mode: 'selective-address' }),
  resource('hybrid', 'RemoteAddressClaim', 'proxied', {
    domainRef: 'lan',
    address: PROXIED,
    ownerSide: 'cloud',
    capture: {
      type: 'proxy-arp',
      interface: 'lan0',
      activeWhen: { type: 'vrrp-master', virtualAddressRef: 'gateway' },
    },
    delivery: { peerRef: 'cloud' },
  }),
  resource('hybrid', 'RemoteAddressClaim', 'assigned', {
    domainRef: 'lan',
    address: ASSIGNED,
    ownerSide: 'onprem',
    capture: {
      type: 'provider-secondary-ip',
      providerRef: 'aws',
      providerMode: 'eni-secondary-ip',
      nicRef: 'eni-1',
      interface: 'eth0',
    },
    delivery: { peerRef: 'cloud' },
  }),
];

export function hostOf(effective: readonly Resource[], roleOf: RoleOf): HostFacts {
  const { state } = lower(effective, { isCaptureOpen: () => false, isVrrpMaster: (name) => roleOf(name) === 'master' });
  const link = (name: string) => ({ name, up: true, mtu: 1500, mac: undefined });
  const observed: ObservedHost = {
    ...EMPTY_OBSERVED_HOST,
    links: ['lan0', 'eth0', 'wg-cloud'].map(link),
    routes: state.routes,
    proxyNeighbors: state.proxyNeighbors.map((entry) => ({ ...entry, ours: true })),
    mssClamps: state.mssClamps,
    wireGuard: [
      {
        name: 'wg-cloud',
        publicKey: KEY,
        listenPort: 51_820,
        peers: [
          {
            allowedIPs: ['10.77.60.0/24'],
            publicKey: KEY,
            endpoint: undefined,
            persistentKeepalive: 0,
            latestHandshake: 0,
          },
        ],
      },
    ],
    sysctls: new Map([
      ['net/ipv4/ip_forward', '1'],
      ...['all', 'lan0', 'eth0', 'wg-cloud'].flatMap(
        (name) =>
          [
            [`net/ipv4/conf/${name}/rp_filter`, '0'],
            [`net/ipv4/conf/${name}/proxy_arp`, '0'],
          ] as const,
      ),
    ]),
  };
  return {
    observed,
    routes: new Map([PROXIED, ASSIGNED].map((address) => [address, ['wg-cloud']])),
    ways: new Map([PROXIED, ASSIGNED].map((address) => [address, { device: 'wg-cloud', local: false }])),
    forwardPolicy: { kind: 'read', value: 'accept' },
    iptables: { kind: 'read', value: ['-P INPUT ACCEPT', '-P FORWARD ACCEPT'] },
    nftChains: { kind: 'read', value: [] },
    responders: new Map([[PROXIED, { kind: 'read', value: [] }]]),
  };
}

export function factsOf(
  changes: Partial<DoctorFacts> & {
    readonly hostChanges?: Partial<HostFacts>;
    readonly observed?: Partial<ObservedHost>;
  } = {},
): DoctorFacts {
  const { hostChanges, observed, ...rest } = changes;
  const { effective = EFFECTIVE, roleOf = () => 'master' as const } = rest;
  const lowered = lower(effective, { isCaptureOpen: () => false, isVrrpMaster: (name) => roleOf(name) === 'master' });
  const host = hostOf(EFFECTIVE, roleOf);
  return {
    now: NOW,
    effective,
    problems: [],
    claims: lowered.claims,
    mssClamps: lowered.state.mssClamps,
    roleOf,
    vrrpFault: undefined,
    pathOf: () => path(),
    healthOf: () => ({ ...UNKNOWN_HEALTH, state: 'healthy' }),
    host: { kind: 'read', value: { ...host, ...hostChanges, observed: { ...host.observed, ...observed } } },
    leases: [],
    federation: undefined,
    parts: [],
    idlePolicies: [],
    plugins: [],
    actions: [],
    holdings: [],
    ...rest,
  };
}

/** A path on which nothing is wrong, but for what is told. */
export function path(changes: Partial<PathStatus> = {}): PathStatus {
  return {
    ...unmeasuredPath(''),
    phase: 'up',
    detail: undefined,
    rttMs: 10,
    jitterMs: 1,
    loss: { roundTrip: 0, toPeer: 0, fromPeer: 0 },
    mtuToPeer: 1420,
    mtuFromPeer: 1420,
    estimatedMtu: 1340,
    ...changes,
  };
}

export function epoch(value: number): CaptureEpoch {
  return value as CaptureEpoch;
}
