/** Each check passes on a sound node, and fails or warns when its condition is broken. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { UNKNOWN_HEALTH, type HealthState, type ObservedHost } from '@routerd/dataplane';
import type { ActionProposal, AddressLease } from '@routerd/mobility';
import { durationMs, instant, type Resource } from '@routerd/resources';
import { describe, expect, test } from 'vitest';
import type { DoctorFacts } from '../src/doctor/doctor-facts.ts';
import { DOCTOR_AREAS, DOCTOR_CHECKS, type DoctorArea } from '../src/doctor/catalogue.ts';
import { examine } from '../src/doctor/examine.ts';
import type { Finding, FindingStatus } from '../src/doctor/finding.ts';
import { iptablesVerdict } from '../src/doctor/iptables-verdict.ts';
import { ASSIGNED, EFFECTIVE, epoch, factsOf, hostOf, NOW, path as pathTo, PROXIED, resource } from './doctor-facts.ts';

type Row = readonly [code: string, broken: FindingStatus, facts: DoctorFacts, detail: string];

/** The worst of a check's findings; undefined when it is not among them. */
function worst(facts: DoctorFacts, code: string): Finding | undefined {
  const rank = (finding: Finding): number => ['skip', 'pass', 'warn', 'fail'].indexOf(finding.status);
  return examine(facts)
    .checks.filter((finding) => finding.code === code)
    .toSorted((a, b) => rank(b) - rank(a))[0];
}

function without(kind: Resource['kind'], name: string): readonly Resource[] {
  return EFFECTIVE.filter((entry) => entry.kind !== kind || entry.metadata.name !== name);
}

const sound = factsOf();
const { observed } = hostOf(EFFECTIVE, () => 'master');
const sysctls = (key: string, value: string): Partial<ObservedHost> => ({
  sysctls: new Map([...observed.sysctls, [key, value]]),
});
const route = (spec: object): readonly Resource[] => [
  ...without('HybridRoute', 'vpc'),
  resource('hybrid', 'HybridRoute', 'vpc', { destinationCIDRs: ['10.9.0.0/16'], peerRef: 'cloud', ...spec }),
];
const SMALL = resource('net', 'WireGuardInterface', 'wg-cloud', {
  privateKeyFile: '/etc/wg.key',
  listenPort: 51_820,
  mtu: 1300,
});

/** Validation refuses it; the check is for what gets past that. */
const byDefault = EFFECTIVE.map((entry) =>
  entry.kind === 'HybridRoute' ? { ...entry, spec: { ...entry.spec, destinationCIDRs: ['0.0.0.0/0'] } } : entry,
) as unknown as readonly Resource[];
const anywhere = resource('hybrid', 'RemoteAddressClaim', 'assigned', {
  domainRef: 'lan',
  address: ASSIGNED,
  ownerSide: 'onprem',
  capture: {
    type: 'provider-secondary-ip',
    providerRef: 'aws',
    providerMode: 'eni-secondary-ip',
    nicRef: 'eni-1',
  },
  delivery: { peerRef: 'cloud' },
});

const uplink = resource('net', 'HealthCheck', 'uplink', { target: '192.0.2.1' });
const checked = (state: HealthState): DoctorFacts =>
  factsOf({
    effective: [...EFFECTIVE, uplink],
    healthOf: () => ({ ...UNKNOWN_HEALTH, state, last: { kind: 'failed', detail: 'no echo from 192.0.2.1' } }),
  });
const measured = (changes: Parameters<typeof pathTo>[0]): DoctorFacts => factsOf({ pathOf: () => pathTo(changes) });
/** Validation refuses it too. */
const otherCapture = EFFECTIVE.map((entry) =>
  entry.kind === 'RemoteAddressClaim' && entry.metadata.name === 'proxied'
    ? { ...entry, spec: { ...entry.spec, capture: { type: 'bgp' } } }
    : entry,
) as unknown as readonly Resource[];

const hybridRows: readonly Row[] = [
  ['hybrid.resources', 'skip', factsOf({ effective: [], host: undefined }), 'no hybrid resource'],
  ['hybrid.capture-type', 'fail', { ...factsOf(), effective: otherCapture }, 'bgp is reserved'],
  ['hybrid.overlay-path-silent', 'fail', measured({ phase: 'silent' }), 'nothing comes back'],
  ['hybrid.overlay-path-silent', 'skip', measured({ phase: 'unmeasured', detail: 'no address' }), 'no address'],
  ['hybrid.overlay-path-silent', 'skip', measured({ phase: 'probing' }), 'too little'],
  ['hybrid.overlay-path-one-way', 'fail', measured({ phase: 'one-way' }), 'does not arrive'],
  [
    'hybrid.overlay-path-loss',
    'warn',
    measured({ loss: { roundTrip: 0.04, toPeer: 0.04, fromPeer: 0 } }),
    '4.0 % there, 0.0 % back',
  ],
  ['hybrid.overlay-path-mtu', 'fail', measured({ mtuToPeer: 1300 }), '1300 bytes pass there, of an estimate of 1340'],
  ['hybrid.overlay-path-mtu', 'fail', measured({ mtuFromPeer: 1000 }), '1000 bytes pass back'],
  ['hybrid.overlay-path-mtu', 'skip', measured({ mtuToPeer: undefined }), 'not known'],
  ['hybrid.health-check', 'warn', checked('unhealthy'), 'no echo from 192.0.2.1'],
  ['hybrid.health-check', 'skip', checked('unknown'), 'too little'],
  ['hybrid.default-route', 'fail', factsOf({ effective: byDefault }), '0.0.0.0/0 is a default route'],
  [
    'hybrid.lowered',
    'fail',
    factsOf({ claims: [], problems: [{ subject: 'RemoteAddressClaim/proxied', reason: 'claimed twice' }] }),
    'claimed twice',
  ],
  [
    'hybrid.mss-interface',
    'warn',
    factsOf({ effective: [...without('RemoteAddressClaim', 'assigned'), anywhere] }),
    'names no capture interface',
  ],

  [
    'hybrid.underlay-interface',
    'warn',
    factsOf({ effective: without('WireGuardInterface', 'wg-cloud') }),
    'wg-cloud is not declared',
  ],
  ['hybrid.route-peer', 'fail', factsOf({ effective: route({ peerRef: 'gone' }) }), 'OverlayPeer/gone does not exist'],
  [
    'hybrid.route-mtu',
    'warn',
    factsOf({ effective: [...without('WireGuardInterface', 'wg-cloud'), SMALL] }),
    '1220 bytes',
  ],
  ['hybrid.route-health-check', 'fail', factsOf({ effective: route({ healthCheckRef: 'gone' }) }), 'HealthCheck/gone'],
  ['hybrid.route-installed', 'warn', factsOf({ observed: { routes: [] } }), 'no route of ours to 10.9.0.0/16'],
  [
    'hybrid.domain-peer',
    'fail',
    factsOf({
      effective: [
        ...without('AddressMobilityDomain', 'lan'),
        resource('hybrid', 'AddressMobilityDomain', 'lan', {
          prefix: '10.77.60.0/24',
          mode: 'selective-address',
          peerRef: 'gone',
        }),
      ],
    }),
    'OverlayPeer/gone',
  ],
  [
    'hybrid.claim-domain',
    'fail',
    factsOf({ effective: without('AddressMobilityDomain', 'lan') }),
    'AddressMobilityDomain/lan',
  ],
  ['hybrid.claim-peer', 'fail', factsOf({ effective: without('OverlayPeer', 'cloud') }), 'OverlayPeer/cloud'],
  [
    'hybrid.virtual-address',
    'fail',
    factsOf({ vrrpFault: { code: 'vrrp.ended', detail: 'keepalived ended' } }),
    'keepalived ended',
  ],
  ['hybrid.virtual-address', 'warn', factsOf({ roleOf: () => 'unknown' }), 'no role is known'],
  ['hybrid.vrrp-master', 'skip', factsOf({ roleOf: () => 'backup' }), 'its role is backup'],
  ['hybrid.ip-forward', 'warn', factsOf({ observed: sysctls('net/ipv4/ip_forward', '0') }), 'nothing is forwarded'],
  [
    'hybrid.delivery-route',
    'warn',
    factsOf({ hostChanges: { routes: new Map([[ASSIGNED, ['wg-cloud']]]) } }),
    'there is no route to',
  ],
  ['hybrid.route-get', 'warn', factsOf({ hostChanges: { ways: new Map() } }), 'knows no way'],
  [
    'hybrid.route-get',
    'warn',
    factsOf({
      hostChanges: { ways: new Map([PROXIED, ASSIGNED].map((address) => [address, { device: 'lo', local: true }])) },
    }),
    'is this host itself',
  ],
  [
    'hybrid.allowed-ips',
    'fail',
    factsOf({ observed: { wireGuard: observed.wireGuard.map((device) => ({ ...device, peers: [] })) } }),
    'WireGuard drops',
  ],
  ['hybrid.mss-to-tunnel', 'warn', factsOf({ observed: { mssClamps: undefined } }), 'no table inet routerd_mss'],
  ['hybrid.mss-to-capture', 'warn', factsOf({ observed: { mssClamps: [] } }), 'no rule limits'],
  [
    'hybrid.host-firewall',
    'warn',
    factsOf({ hostChanges: { iptables: { kind: 'read', value: ['-P FORWARD DROP', '-P INPUT DROP'] } } }),
    'FORWARD eth0 → wg-cloud, FORWARD wg-cloud → eth0, INPUT udp/51820',
  ],
  [
    'hybrid.host-firewall',
    'skip',
    factsOf({ hostChanges: { iptables: { kind: 'unreadable', detail: 'it is not installed' } } }),
    'not installed',
  ],
  [
    'hybrid.foreign-table',
    'warn',
    factsOf({
      hostChanges: {
        nftChains: {
          kind: 'read',
          value: [
            { family: 'inet', table: 'theirs', name: 'way', handle: 1, hook: 'forward', policy: 'drop', rules: [] },
          ],
        },
      },
    }),
    'drops what',
  ],
  [
    'hybrid.foreign-table',
    'skip',
    factsOf({ hostChanges: { nftChains: { kind: 'unreadable', detail: 'nft is not installed' } } }),
    'not installed',
  ],
  [
    'hybrid.forward-policy',
    'warn',
    factsOf({ hostChanges: { forwardPolicy: { kind: 'read', value: 'drop' } } }),
    'is dropped',
  ],
  ['hybrid.capture-interface', 'fail', factsOf({ observed: { links: [] } }), 'there is no interface lan0'],
  ['hybrid.proxy-arp', 'warn', factsOf({ observed: sysctls('net/ipv4/conf/lan0/proxy_arp', '1') }), 'every address'],
  ['hybrid.proxy-neighbor', 'fail', factsOf({ observed: { proxyNeighbors: [] } }), 'nobody here answers'],
  [
    'hybrid.closed-gate',
    'fail',
    factsOf({ roleOf: () => 'backup', observed: { proxyNeighbors: observed.proxyNeighbors } }),
    'though its gate is closed',
  ],
  [
    'hybrid.duplicate-responder',
    'fail',
    factsOf({ hostChanges: { responders: new Map([[PROXIED, { kind: 'read', value: ['02:00:00:00:00:09'] }]]) } }),
    '2 machines answer',
  ],
  [
    'hybrid.duplicate-responder',
    'warn',
    factsOf({
      hostChanges: { responders: new Map([[PROXIED, { kind: 'unreadable', detail: 'arping is not installed' }]]) },
    }),
    'arping',
  ],
  ['hybrid.rp-filter', 'warn', factsOf({ observed: sysctls('net/ipv4/conf/all/rp_filter', '1') }), 'strict'],
  [
    'hybrid.os-address',
    'warn',
    factsOf({ observed: { addresses: [{ interface: 'eth0', address: '10.77.60.11/32' }] } }),
    'configured on eth0',
  ],
  ['hybrid.lease-conflict', 'fail', factsOf({ leases: [lease('conflict')] }), 'both say'],
  ['hybrid.lease-conflict', 'warn', factsOf({ leases: [lease('frozen')] }), 'moved too often'],
  ['hybrid.host', 'fail', factsOf({ host: { kind: 'unreadable', detail: 'not root' } }), 'not root'],
];

function lease(status: AddressLease['status']): AddressLease {
  return {
    pool: 'p' as AddressLease['pool'],
    address: PROXIED,
    status,
    site: 'aws' as AddressLease['site'],
    ownerNode: 'a' as AddressLease['ownerNode'],
    role: 'cloud',
    leaseEpoch: 1,
    since: NOW,
    expiresAt: undefined,
    challenger: undefined,
  };
}

const membership = { nodeName: 'a', servers: ['nats://127.0.0.1:4222'], identity: { seedFile: '/etc/seed' } };
const group = resource('federation', 'EventGroup', 'g', membership);
const withHub = resource('federation', 'EventGroup', 'g', {
  ...membership,
  hub: { operatorSeedFile: '/etc/operator' },
});
type Federation = NonNullable<DoctorFacts['federation']>;
type Peer = Federation['peers'][number];
const peer: Peer = {
  node: 'b' as Peer['node'],
  liveness: 'alive',
  silentFor: durationMs(1000),
  factsBehind: 0,
  capturesBehind: 0,
  clockAheadMs: 3,
  differingPools: [],
};
const federated = (changes: Partial<Federation> = {}, peerChanges: Partial<Peer> = {}): DoctorFacts =>
  factsOf({
    effective: [...EFFECTIVE, group],
    federation: {
      connected: true,
      factsCaughtUp: true,
      registryCaughtUp: true,
      hub: 'hub',
      outboxDepth: 0,
      refused: {},
      lastError: undefined,
      lastErrorAt: undefined,
      peers: [{ ...peer, ...peerChanges }],
      ...changes,
    },
  });

const pool = resource('mobility', 'MobilityPool', 'p', {
  prefix: '10.77.60.0/24',
  groupRef: 'g',
  members: [
    {
      nodeRef: 'a',
      site: 'aws',
      role: 'cloud',
      capture: {
        type: 'provider-secondary-ip',
        providerRef: 'aws',
        providerMode: 'eni-secondary-ip',
        nicRef: 'eni-1',
        interface: 'eth0',
      },
      delivery: { peerRef: 'cloud' },
    },
  ],
});

const federationRows: readonly Row[] = [
  ['federation.group', 'skip', factsOf(), 'belongs to no group'],
  ['federation.hub-place', 'warn', { ...federated(), effective: [withHub, pool] }, 'a hub runs on this router'],
  ['federation.connected', 'fail', federated({ connected: false, lastError: 'refused' }), 'not connected: refused'],
  ['federation.caught-up', 'warn', federated({ registryCaughtUp: false }), 'not read to their end'],
  ['federation.outbox', 'warn', federated({ outboxDepth: 3 }), '3 facts wait'],
  ['federation.refused', 'warn', federated({ refused: { signature: 2, late: 0 } }), '2 signature'],
  ['federation.member', 'fail', federated({}, { liveness: 'dead' }), 'dead, last heard 1 s ago'],
  ['federation.member', 'warn', federated({}, { liveness: 'suspect' }), 'suspect'],
  ['federation.behind', 'warn', federated({}, { capturesBehind: 500 }), '500 messages'],
  ['federation.clock', 'warn', federated({}, { clockAheadMs: -5000 }), '5000 ms'],
  ['federation.clock', 'fail', federated({}, { clockAheadMs: 200_000 }), 'plainly wrong'],
  [
    'federation.own-clock',
    'fail',
    federated({ clock: { aheadMs: 3_600_000, agreeing: 4, of: 5, isSkewed: true } }),
    'ClockSkewed: this clock is 3600000 ms behind what 4 of 5 clocks agree on',
  ],
  [
    'federation.own-clock',
    'pass',
    federated({ clock: { aheadMs: -3, agreeing: 5, of: 5, isSkewed: false } }),
    '3 ms ahead',
  ],
  [
    'federation.pools',
    'fail',
    federated({}, { differingPools: ['p'] as unknown as Peer['differingPools'] }),
    'in another way',
  ],
];

type Part = DoctorFacts['parts'][number];
const active: Part = { source: 'Plugin/x', generation: 2, status: 'Active', expiresAt: instant(NOW + 60_000) };
const rejected: Part = {
  source: 'Plugin/x',
  generation: 3,
  status: 'Rejected',
  code: 'part.damaged',
  resource: undefined,
  reason: 'It cannot be read.',
};
const expired: Part = { source: 'Plugin/x', generation: 1, status: 'Expired', expiredAt: NOW };
const plugin = (changes: Partial<DoctorFacts['plugins'][number]>, parts: readonly Part[] = [active]): DoctorFacts =>
  factsOf({
    parts,
    plugins: [
      {
        name: 'x',
        executable: '/opt/x',
        file: 'executable',
        observing: { lastRun: { result: 'Applied', message: '', endedAt: NOW } },
        ...changes,
      },
    ],
  });
const proposal = {
  verb: 'assign-secondary-ip',
  address: ASSIGNED,
  nicRef: 'eni-1',
  captureEpoch: epoch(3),
} as unknown as ActionProposal;
const action = (status: DoctorFacts['actions'][number]['status'], current = 3): DoctorFacts =>
  factsOf({ actions: [{ id: 7, status, message: 'no permission', proposal, currentEpoch: epoch(current) }] });
const holding = (isCaptured: boolean | undefined): DoctorFacts =>
  factsOf({ holdings: [{ pool: 'p', address: ASSIGNED, phase: 'held', isCaptured }] });

const policy = (spec: object): DoctorFacts =>
  factsOf({ effective: [...EFFECTIVE, pool, resource('hybrid', 'ProviderActionPolicy', 'aws', spec)] });

const otherRows: readonly Row[] = [
  ['actions.policy', 'warn', policy({}), 'disabled'],
  ['actions.policy', 'warn', policy({ enabled: true }), 'dry runs alone'],
  ['actions.policy', 'fail', policy({ enabled: true, dryRunOnly: false }), 'waits for approval'],

  ['dynamic.effective-config', 'fail', factsOf({ problems: [{ subject: 'X/y', reason: 'no' }] }), 'X/y: no'],
  ['dynamic.part', 'fail', factsOf({ parts: [active, rejected] }), 'generation 3 (part.damaged)'],
  ['dynamic.part-expiry', 'warn', factsOf({ parts: [expired] }), 'all that it has is expired'],
  ['dynamic.override-policy', 'warn', factsOf({ idlePolicies: ['p'] }), 'no part masks'],
  ['plugin.plugins', 'skip', factsOf(), 'none is declared'],
  ['plugin.executable', 'fail', plugin({ file: 'missing' }), 'does not exist'],
  ['plugin.executable', 'fail', plugin({ file: 'not-a-file' }), 'no regular file'],
  ['plugin.executable', 'fail', plugin({ file: 'not-executable' }), 'cannot be executed'],
  [
    'plugin.last-run',
    'fail',
    plugin({ observing: { lastRun: { result: 'Failed', message: 'boom', endedAt: NOW } } }),
    'boom',
  ],
  ['plugin.last-run', 'warn', plugin({ observing: { lastRun: undefined } }), 'never ran'],
  ['plugin.result', 'warn', plugin({}, [expired]), 'nothing that it found'],
  ['actions.failed', 'fail', action('failed'), 'no permission'],
  ['actions.waiting', 'warn', action('pending'), 'no permission'],
  ['actions.epoch', 'warn', action('approved', 4), 'older than 4'],
  ['actions.holder', 'fail', holding(false), 'it does not'],
];

const ALL_ROWS = [...hybridRows, ...federationRows, ...otherRows];
const CODES = DOCTOR_AREAS.flatMap((area) => DOCTOR_CHECKS[area].map((name) => `${area}.${name}`));

test.each(CODES)('%s is shown to be broken and mended, and stands in the reference', (code) => {
  expect(ALL_ROWS.map(([broken]) => broken)).toContain(code);
  const reference = readFileSync(path.join(import.meta.dirname, '../../../docs/reference/doctor.md'), 'utf8');
  expect(reference).toContain(`| \`${code}\` `);
});

describe.each([
  ['hybrid', sound, hybridRows],
  ['federation', federated(), federationRows],
  ['the other areas', { ...plugin({}), ...action('succeeded'), ...pick(plugin({}), holding(true)) }, otherRows],
] as const)('%s', (_, whole, rows) => {
  test.each(rows)('%s is "%s" when it is broken', (code, status, facts, detail) => {
    const finding = worst(facts, code);
    expect(finding).toMatchObject({ status });
    expect(finding?.detail).toContain(detail);
    if (status === 'warn' || status === 'fail') expect(finding?.remedy).not.toBe('');
    const mended = worst(whole, code);
    expect(mended === undefined || mended.status === 'pass' || mended.status === 'skip', JSON.stringify(mended)).toBe(
      true,
    );
  });
});

function pick(plugins: DoctorFacts, holdings: DoctorFacts): Pick<DoctorFacts, 'plugins' | 'parts' | 'holdings'> {
  return { plugins: plugins.plugins, parts: plugins.parts, holdings: holdings.holdings };
}

test('a sound node has neither failures nor warnings, in any area', () => {
  for (const facts of [sound, federated(), plugin({}), holding(true)]) {
    const { summary, checks } = examine(facts);
    expect(checks.filter(({ status }) => status === 'warn' || status === 'fail')).toEqual([]);
    expect(summary.overall).toBe('pass');
  }
});

test('without the host nothing is said of the host', () => {
  const codes = examine(factsOf({ host: undefined }), ['hybrid']).checks.map(({ code }) => code);
  expect(codes).not.toContain('hybrid.ip-forward');
  expect(codes).toContain('hybrid.claim-peer');
});

test('a node without anything of an area has one skipped check there', () => {
  const nothing = factsOf({ effective: [], host: undefined });
  for (const area of ['hybrid', 'federation', 'plugin'] satisfies readonly DoctorArea[])
    expect(examine(nothing, [area]).checks.map(({ status }) => status)).toEqual(['skip']);
});

test.each([
  [['-P FORWARD DROP', '-A FORWARD -i a -o b -j ACCEPT'], { in: 'a', out: 'b' }, 'accept'],
  [['-P FORWARD DROP', '-A FORWARD -i a -o b -j ACCEPT'], { in: 'b', out: 'a' }, 'drop'],
  [['-P FORWARD ACCEPT', '-A FORWARD -j REJECT --reject-with icmp-host-prohibited'], { in: 'a', out: 'b' }, 'drop'],
  [['-P FORWARD ACCEPT', '-A FORWARD -m conntrack --ctstate INVALID -j DROP'], { in: 'a', out: 'b' }, 'accept'],
  [['-P FORWARD ACCEPT', '-A FORWARD -j DOCKER-USER', '-A FORWARD -o b -j DROP'], { in: 'a', out: 'b' }, 'drop'],
] as const)('iptables %j on %j says %s', (lines, packet, verdict) => {
  expect(iptablesVerdict(lines, 'FORWARD', packet)).toBe(verdict);
});
