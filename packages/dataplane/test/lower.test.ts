import { describe, expect, test } from 'vitest';
import { lower } from '../src/lower/lower.ts';
import { estimateTunnelMtu, mssFor } from '../src/mss.ts';
import {
  claim,
  ipv4Route,
  KEY_A,
  KEY_E,
  networkInterface,
  overlayPeer,
  providerClaim,
  proxyArpClaim,
  staticAddress,
  tunnelInterface,
  virtualAddress,
  wireGuardInterface,
  wireGuardPeer,
} from './claims.ts';

const open = { isCaptureOpen: () => true };
const closed = { isCaptureOpen: () => false };
const held = { activeWhen: { type: 'capture-holder', captureKey: 'pool|10.77.60.11/32|site:onprem:segment:lan0' } };
const onMaster = { activeWhen: { type: 'vrrp-master', virtualAddressRef: 'vip' } };
const delivery = { destination: '10.77.60.11/32', device: 'wg-aws', metric: 120, blackhole: false };

function settings(state: ReturnType<typeof lower>['state']): readonly string[] {
  return state.sysctls.map(({ path, value }) => `${path.join('/')}=${value}`);
}

describe('a proxy ARP claim', () => {
  test('delivers by a host route and answers for the address', () => {
    const { state, claims, problems } = lower([overlayPeer('aws'), proxyArpClaim('10.77.60.11/32', 'aws')], closed);
    expect(problems).toEqual([]);
    expect(state.routes).toMatchObject([delivery]);
    expect(state.proxyNeighbors).toEqual([{ address: '10.77.60.11/32', interface: 'lan0', announce: true }]);
    expect(settings(state)).toEqual([
      'net/ipv4/conf/all/send_redirects=0',
      'net/ipv4/conf/lan0/send_redirects=0',
      'net/ipv4/ip_forward=1',
      'net/ipv4/ip_nonlocal_bind=1',
      'net/ipv4/neigh/lan0/proxy_delay=0',
    ]);
    expect(claims).toMatchObject([{ gate: 'none', answersArp: true, tunnelInterface: 'wg-aws' }]);
  });

  test('of a standby has everything but the answer, so that a hand-over loses nothing', () => {
    const resources = [overlayPeer('aws'), proxyArpClaim('10.77.60.11/32', 'aws', held)];
    const standby = lower(resources, closed);
    const holder = lower(resources, open);
    expect(standby.state).toEqual({ ...holder.state, proxyNeighbors: [] });
    expect(standby.claims).toMatchObject([{ gate: 'closed', answersArp: false }]);
  });

  test('behind a vrrp-master gate that is closed, or that nobody can tell, has no effect at all', () => {
    const resources = [overlayPeer('aws'), proxyArpClaim('10.77.60.11/32', 'aws', onMaster)];
    for (const gates of [open, { ...open, isVrrpMaster: () => false }]) {
      const { state } = lower(resources, gates);
      expect(state).toEqual(lower([], open).state);
    }
    expect(lower(resources, { ...closed, isVrrpMaster: () => true }).state.proxyNeighbors).toHaveLength(1);
  });

  test('never asks for proxy_arp, with which a router answers for the whole world', () => {
    const { state } = lower([overlayPeer('aws'), proxyArpClaim('10.77.60.11/32', 'aws')], open);
    expect(settings(state).filter((line) => line.includes('/proxy_arp'))).toEqual([]);
  });
});

describe('a provider claim', () => {
  test.each([
    ['open', open],
    ['closed', closed],
  ])('whose gate is %s keeps the address off this host and forwards', (_, gates) => {
    const { state } = lower([overlayPeer('aws'), providerClaim('10.77.60.11/32', 'aws', held)], gates);
    expect(state.absentAddresses).toEqual(['10.77.60.11/32']);
    expect(state.proxyNeighbors).toEqual([]);
    expect(state.routes).toMatchObject([delivery]);
    expect(settings(state)).toEqual([
      'net/ipv4/conf/all/send_redirects=0',
      'net/ipv4/conf/eth0/send_redirects=0',
      'net/ipv4/ip_forward=1',
    ]);
  });
});

describe('a claim that cannot be lowered costs only itself', () => {
  const good = proxyArpClaim('10.77.60.12/32', 'aws');
  test.each([
    ['there is no such peer', [proxyArpClaim('10.77.60.11/32', 'nowhere')], 'OverlayPeer nowhere does not exist'],
    [
      'its peer names no interface',
      [overlayPeer('direct', { type: 'route', interface: undefined }), proxyArpClaim('10.77.60.11/32', 'direct')],
      'names an interface',
    ],
    [
      'the host has the address itself',
      [staticAddress('own', 'lo', '10.77.60.11/32'), proxyArpClaim('10.77.60.11/32', 'aws')],
      'configured on this host',
    ],
    [
      'another claims the address',
      [overlayPeer('azure'), proxyArpClaim('10.77.60.12/32', 'azure')],
      'is claimed by claim-10-77-60-12-32-aws already',
    ],
  ])('when %s', (_, resources, reason) => {
    const { state, problems } = lower([overlayPeer('aws'), good, ...resources], open);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.reason).toContain(reason);
    expect(state.routes.map(({ destination }) => destination)).toEqual(['10.77.60.12/32']);
  });
});

test('every delivery route is a host route: no claim ever makes a default route', () => {
  const addresses = ['0.0.0.0/32', '10.77.60.11/32', '255.255.255.255/32'];
  const { state } = lower([overlayPeer('aws'), ...addresses.map((address) => proxyArpClaim(address, 'aws'))], open);
  expect(state.routes.map(({ destination }) => destination)).toEqual(addresses);
});

test('a claim may name its tunnel and the source of the router’s own packets', () => {
  const { state } = lower(
    [
      overlayPeer('aws'),
      claim(
        '10.77.60.11/32',
        'aws',
        { type: 'proxy-arp', interface: 'lan0' },
        { tunnelInterface: 'wg-special', preferredSource: '10.77.60.10' },
      ),
    ],
    open,
  );
  expect(state.routes).toMatchObject([{ ...delivery, device: 'wg-special', preferredSource: '10.77.60.10' }]);
  expect(state.mssClamps.map(({ tunnelInterface }) => tunnelInterface)).toEqual(['wg-aws', 'wg-special']);
});

describe('segment sizes', () => {
  test('of the usual WireGuard device are 1300 bytes', () => {
    expect(mssFor(estimateTunnelMtu('wireguard', 1420))).toBe(1300);
    expect(mssFor(estimateTunnelMtu('wireguard', undefined))).toBe(1300);
    expect(mssFor(estimateTunnelMtu('wireguard', 576))).toBe(536);
  });

  test('are clamped on every tunnel of every capture interface, whichever a claim is delivered through', () => {
    const { state } = lower(
      [
        wireGuardInterface('wg-aws'),
        wireGuardInterface('wg-azure', { mtu: 1380, listenPort: 51_821 }),
        overlayPeer('aws'),
        overlayPeer('azure'),
        proxyArpClaim('10.77.60.11/32', 'aws'),
      ],
      open,
    );
    expect(state.mssClamps).toEqual([
      { captureInterface: 'lan0', tunnelInterface: 'wg-aws', mss: 1300 },
      { captureInterface: 'lan0', tunnelInterface: 'wg-azure', mss: 1260 },
    ]);
  });

  test('need no clamp where the capture interface is no larger, and none without a claim', () => {
    const small = networkInterface('lan0', { mtu: 1280 });
    expect(lower([small, overlayPeer('aws'), proxyArpClaim('10.77.60.11/32', 'aws')], open).state.mssClamps).toEqual(
      [],
    );
    expect(lower([overlayPeer('aws')], open).state.mssClamps).toEqual([]);
  });

  test('of a provider capture without an interface are clamped on every declared one', () => {
    const resources = [
      networkInterface('eth0'),
      networkInterface('eth1'),
      overlayPeer('aws'),
      providerClaim('10.77.60.11/32', 'aws', { interface: undefined }),
    ];
    expect(lower(resources, open).state.mssClamps.map(({ captureInterface }) => captureInterface)).toEqual([
      'eth0',
      'eth1',
    ]);
  });
});

describe('WireGuard', () => {
  test('devices get their peers, sorted', () => {
    const { state, problems } = lower(
      [
        wireGuardPeer('b', 'wg-aws', { publicKey: KEY_E, allowedIPs: ['10.1.0.0/16'] }),
        wireGuardPeer('a', 'wg-aws', { endpoint: 'aws.example:51820', persistentKeepalive: 5 }),
        wireGuardInterface('wg-aws'),
      ],
      open,
    );
    expect(problems).toEqual([]);
    expect(state.wireGuard).toMatchObject([
      {
        name: 'wg-aws',
        mtu: 1420,
        peers: [
          { publicKey: KEY_A, endpoint: 'aws.example:51820', persistentKeepalive: 5 },
          { publicKey: KEY_E, allowedIPs: ['10.1.0.0/16'] },
        ],
      },
    ]);
  });

  test('peers without a device, with a key or a prefix that is taken, are named', () => {
    const { state, problems } = lower(
      [
        wireGuardInterface('wg-aws'),
        wireGuardPeer('a', 'wg-aws'),
        wireGuardPeer('b', 'wg-aws'),
        wireGuardPeer('c', 'wg-aws', { publicKey: KEY_E }),
        wireGuardPeer('d', 'wg-missing'),
      ],
      open,
    );
    expect(problems.map(({ resource }) => resource).toSorted()).toEqual([
      'WireGuardPeer/b',
      'WireGuardPeer/c',
      'WireGuardPeer/d',
    ]);
    expect(state.wireGuard[0]?.peers.map(({ allowedIPs }) => allowedIPs)).toEqual([['10.77.60.0/24'], []]);
  });

  test('peers on one shared device accept the addresses that are delivered to them', () => {
    const { state } = lower(
      [
        wireGuardInterface('wg-hybrid'),
        wireGuardPeer('aws', 'wg-hybrid', { allowedIPs: ['10.255.0.3/32'] }),
        wireGuardPeer('oci', 'wg-hybrid', { publicKey: KEY_E, allowedIPs: ['10.255.0.7/32'] }),
        overlayPeer('cloud-a', { interface: 'wg-hybrid', address: '10.255.0.3' }),
        overlayPeer('oci', { interface: 'wg-hybrid' }),
        proxyArpClaim('10.77.60.11/32', 'cloud-a'),
        proxyArpClaim('10.77.60.13/32', 'oci'),
      ],
      open,
    );
    expect(state.wireGuard[0]?.peers.map(({ allowedIPs }) => allowedIPs)).toEqual([
      ['10.255.0.3/32', '10.77.60.11/32'],
      ['10.255.0.7/32', '10.77.60.13/32'],
    ]);
  });

  test('AllowedIPs that cover the pool are left as they were written', () => {
    const resources = [
      wireGuardInterface('wg-aws'),
      wireGuardPeer('aws', 'wg-aws'),
      overlayPeer('aws'),
      proxyArpClaim('10.77.60.11/32', 'aws'),
    ];
    expect(lower(resources, open).state.wireGuard[0]?.peers[0]?.allowedIPs).toEqual(['10.77.60.0/24']);
  });
});

describe('routes', () => {
  test('that an operator wrote are kept as they are', () => {
    const { state } = lower(
      [
        ipv4Route('overlay', { destination: '10.255.0.3/32', device: 'wg-aws' }),
        ipv4Route('sink', { destination: '10.77.61.0/24', type: 'blackhole', metric: 5 }),
      ],
      open,
    );
    expect(state.routes).toMatchObject([
      { destination: '10.255.0.3/32', device: 'wg-aws', metric: 0 },
      { destination: '10.77.61.0/24', blackhole: true, metric: 5 },
    ]);
  });

  test('win over a delivery route in the same place, and that is said', () => {
    const { state, problems } = lower(
      [
        overlayPeer('aws'),
        proxyArpClaim('10.77.60.11/32', 'aws'),
        ipv4Route('pinned', { destination: '10.77.60.11/32', device: 'wg-other', metric: 120 }),
      ],
      open,
    );
    expect(state.routes.map(({ device }) => device)).toEqual(['wg-other']);
    expect(problems[0]?.reason).toContain('it is kept');
  });
});

test('a managed interface is set as it says; what it does not say is left, and so is one that is not managed', () => {
  const lowered = lower(
    [
      networkInterface('lan0', { managed: true, adminUp: true, mtu: 1400 }),
      networkInterface('lan1', { managed: true, adminUp: false }),
      networkInterface('lan2', { adminUp: true, mtu: 1400 }),
      wireGuardInterface('wg-aws'),
      networkInterface('wg-aws', { managed: true, mtu: 1300 }),
    ],
    open,
  );
  expect(lowered.state.links).toEqual([
    { name: 'lan0', property: 'admin', value: 'up' },
    { name: 'lan1', property: 'admin', value: 'down' },
    { name: 'lan0', property: 'mtu', value: '1400' },
  ]);
  expect(lowered.problems).toEqual([
    { resource: 'Interface/wg-aws', reason: 'wg-aws is made by another resource, which says how' },
  ]);
});

test('a tunnel is made with its address, and its address is where paths are measured from', () => {
  const gre = { mode: 'gre', local: '192.0.2.1', remote: '192.0.2.2', key: 7, address: '10.254.0.1/30' };
  const lowered = lower(
    [
      tunnelInterface('gre1', gre),
      tunnelInterface('ipip1', { mode: 'ipip', local: '192.0.2.1', remote: '192.0.2.2' }),
      overlayPeer('far', { type: 'gre', interface: 'gre1', address: '10.254.0.2' }),
      proxyArpClaim('10.77.60.11/32', 'far'),
    ],
    open,
  );
  const ends = { local: '192.0.2.1', remote: '192.0.2.2', ttl: 64 };
  expect(lowered.state.tunnels).toEqual([
    { name: 'gre1', mode: 'gre', ...ends, key: 7, mtu: 1476 },
    { name: 'ipip1', mode: 'ipip', ...ends, key: undefined, mtu: 1480 },
  ]);
  expect(lowered.state.addresses).toEqual([{ interface: 'gre1', address: '10.254.0.1/30' }]);
  expect(lowered.state.routes.map(({ device }) => device)).toEqual(['gre1']);
  expect(lowered.overlayPaths.paths).toMatchObject([{ from: '10.254.0.1', to: '10.254.0.2', device: 'gre1' }]);
  expect(lowered.problems).toEqual([]);
});

test('the order of resources changes nothing', () => {
  const resources = [
    overlayPeer('aws'),
    overlayPeer('azure'),
    wireGuardInterface('wg-aws'),
    wireGuardPeer('aws', 'wg-aws'),
    staticAddress('overlay', 'lo', '10.255.0.1/32'),
    ipv4Route('overlay', { destination: '10.255.0.3/32', device: 'wg-aws' }),
    ...Array.from({ length: 20 }, (_, index) =>
      proxyArpClaim(`10.77.60.${20 + index}/32`, index % 2 ? 'aws' : 'azure'),
    ),
  ];
  expect(JSON.stringify(lower(resources.toReversed(), open))).toBe(JSON.stringify(lower(resources, open)));
});

describe('a virtual address', () => {
  const spec = (more: object): object => ({
    interface: 'lan0',
    address: '10.77.60.1/32',
    mode: 'vrrp',
    vrrp: { virtualRouterID: 77, priority: 150, peers: ['10.77.60.3'] },
    track: [
      { resource: 'uplink', unhealthyPenalty: 60 },
      { resource: 'peering', unhealthyPenalty: 100 },
      { interface: 'wan0', unhealthyPenalty: 50 },
      { interface: 'lan0', unhealthyPenalty: 50 },
    ],
    ...more,
  });

  test('is advertised every 300 ms unless told, every second with a password', () => {
    const withPassword = {
      vrrp: { virtualRouterID: 77, peers: ['10.77.60.3'], authentication: { passwordFile: '/etc/routerd/vrrp' } },
    };
    const told = { vrrp: { virtualRouterID: 77, peers: ['10.77.60.3'], advertInterval: '2s' } };
    const intervals = [{}, withPassword, told].map(
      (more) => lower([virtualAddress('lan', spec(more))], open).virtualRouters[0]?.advertIntervalMs,
    );
    expect(intervals).toEqual([300, 1000, 2000]);
  });

  test('costs its router what unhealthy checks take off, down to 1, and leaves links other than its own to VRRP', () => {
    const priorityWith = (...unhealthy: readonly string[]): number | undefined =>
      lower([virtualAddress('lan', spec({}))], { ...open, isUnhealthy: (check) => unhealthy.includes(check) })
        .virtualRouters[0]?.priority;
    expect([priorityWith(), priorityWith('uplink'), priorityWith('uplink', 'peering')]).toEqual([150, 90, 1]);
    expect(lower([virtualAddress('lan', spec({}))], open).virtualRouters[0]?.trackedLinks).toEqual([
      { interface: 'wan0', penalty: 50 },
    ]);
  });
});
