import { describe, expect, test } from 'vitest';
import { describeOp } from '../src/describe-op.ts';
import { diffHost } from '../src/diff/diff-host.ts';
import { EMPTY_OBSERVED_HOST, type HostOp, type ObservedHost } from '../src/host-op.ts';
import { EMPTY_HOST_STATE, type HostState } from '../src/host-state.ts';
import { lower } from '../src/lower/lower.ts';
import { observedAfter } from '../src/host-picture.ts';
import { ownershipOf, recordsOf } from '../src/ownership.ts';
import type { OwnedObject } from '../src/ports.ts';
import {
  KEY_A,
  overlayPeer,
  providerClaim,
  proxyArpClaim,
  staticAddress,
  wireGuardInterface,
  wireGuardPeer,
} from './claims.ts';

const gates = { isCaptureOpen: () => true };
const bare: ObservedHost = {
  ...EMPTY_OBSERVED_HOST,
  links: [{ name: 'lan0', up: true, mtu: 1500, mac: '02:00:00:00:00:01' }],
  addresses: [{ interface: 'lan0', address: '10.77.60.2/24' }],
  sysctls: new Map([
    ['net/ipv4/ip_forward', '0'],
    ['net/ipv4/ip_nonlocal_bind', '0'],
    ['net/ipv4/conf/all/send_redirects', '1'],
    ['net/ipv4/conf/lan0/send_redirects', '1'],
    ['net/ipv4/neigh/lan0/proxy_delay', '80'],
  ]),
};
const onprem = [
  wireGuardInterface('wg-aws'),
  wireGuardPeer('aws', 'wg-aws', { endpoint: '198.51.100.31:51801' }),
  overlayPeer('aws'),
  staticAddress('overlay', 'lo', '10.255.0.1/32'),
  proxyArpClaim('10.77.60.11/32', 'aws'),
  providerClaim('10.77.60.12/32', 'aws', { interface: undefined }),
];

function recordsOfAll(ops: readonly HostOp[]): readonly OwnedObject[] {
  return [...ownershipOf(ops.flatMap(recordsOf)).values()];
}

function become(state: HostState, from: ObservedHost = bare) {
  const ops = diffHost(state, from, []);
  return { ops, observed: observedAfter(from, ops), owned: recordsOfAll(ops) };
}

test('nothing is attracted before it can be delivered, and a hijacked address leaves before that', () => {
  const guest = { ...bare, addresses: [...bare.addresses, { interface: 'lan0', address: '10.77.60.12/24' }] };
  const { ops } = become(lower(onprem, gates).state, guest);
  expect(ops.map(({ verb }) => verb)).toEqual([
    'wireguard-create',
    'address-add',
    'route-add',
    'route-add',
    'sysctl-set',
    'sysctl-set',
    'sysctl-set',
    'sysctl-set',
    'sysctl-set',
    'mss-replace',
    'address-remove',
    'proxy-neighbor-add',
    'announce',
  ]);
  expect(ops.map(describeOp)).toMatchInlineSnapshot(`
    [
      "ip link add wg-aws type wireguard; wg set wg-aws private-key /etc/routerd/wireguard.key listen-port 51820 peer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= endpoint 198.51.100.31:51801 persistent-keepalive 0 allowed-ips 10.77.60.0/24; ip link set wg-aws mtu 1420 up",
      "ip addr add 10.255.0.1/32 dev lo",
      "ip route add 10.77.60.11/32 proto 84 metric 120 dev wg-aws",
      "ip route add 10.77.60.12/32 proto 84 metric 120 dev wg-aws",
      "sysctl -w net/ipv4/conf/all/send_redirects=0 # was 1",
      "sysctl -w net/ipv4/conf/lan0/send_redirects=0 # was 1",
      "sysctl -w net/ipv4/ip_forward=1 # was 0",
      "sysctl -w net/ipv4/ip_nonlocal_bind=1 # was 0",
      "sysctl -w net/ipv4/neigh/lan0/proxy_delay=0 # was 80",
      "clamp lan0 <-> wg-aws to 1300 bytes",
      "ip addr del 10.77.60.12/24 dev lan0 # captured",
      "ip neigh replace proxy 10.77.60.11 dev lan0 protocol 84",
      "arping -A -I lan0 -s 10.77.60.11 10.77.60.11",
    ]
  `);
});

test('deactivation is the reverse', () => {
  const { observed, owned } = become(lower(onprem, gates).state);
  const ops = diffHost(EMPTY_HOST_STATE, observed, owned);
  expect(ops.map(({ verb }) => verb)).toEqual([
    'proxy-neighbor-remove',
    'mss-remove',
    'sysctl-restore',
    'sysctl-restore',
    'sysctl-restore',
    'sysctl-restore',
    'sysctl-restore',
    'route-remove',
    'route-remove',
    'address-remove',
    'wireguard-remove',
  ]);
});

test('after its ops have landed nothing is left to do', () => {
  const { state } = lower(onprem, gates);
  const { observed, owned } = become(state);
  expect(diffHost(state, observed, owned)).toEqual([]);
  expect(diffHost(EMPTY_HOST_STATE, observedAfter(observed, diffHost(EMPTY_HOST_STATE, observed, owned)), [])).toEqual(
    [],
  );
});

test('a move adds before it removes and replaces a route in one step', () => {
  const before = become(lower([...onprem, overlayPeer('azure')], gates).state);
  const moved = lower(
    [
      ...onprem.slice(0, 4),
      overlayPeer('azure'),
      proxyArpClaim('10.77.60.11/32', 'azure'),
      proxyArpClaim('10.77.60.13/32', 'azure'),
    ],
    gates,
  ).state;
  expect(diffHost(moved, before.observed, before.owned).map(describeOp)).toEqual([
    'ip route replace 10.77.60.11/32 proto 84 metric 120 dev wg-azure',
    'ip route add 10.77.60.13/32 proto 84 metric 120 dev wg-azure',
    'ip neigh replace proxy 10.77.60.13 dev lan0 protocol 84',
    'arping -A -I lan0 -s 10.77.60.13 10.77.60.13',
    'ip route del 10.77.60.12/32 proto 84 metric 120 dev wg-aws',
  ]);
});

test('one claim more is one route and one neighbour: no rule and no setting changes', () => {
  const before = become(lower(onprem, gates).state);
  const { state } = lower([...onprem, proxyArpClaim('10.77.60.14/32', 'aws')], gates);
  expect(diffHost(state, before.observed, before.owned).map(({ verb }) => verb)).toEqual([
    'route-add',
    'proxy-neighbor-add',
    'announce',
  ]);
});

test('with routes retained what has a way keeps it, and what has none gets one', () => {
  const lowered = (device: string): HostState => ({
    ...EMPTY_HOST_STATE,
    routes: lower(onprem, gates).state.routes.map((route) => ({ ...route, device })),
  });
  const observed: ObservedHost = { ...bare, routes: lowered('wg-aws-a').routes.slice(0, 1) };
  const told = (retainRoutes: boolean): readonly string[] =>
    diffHost(lowered('wg-aws-b'), observed, [], { retainSurplus: true, retainRoutes }).map(({ verb }) => verb);
  expect(told(true)).toEqual(['route-add']);
  expect(told(false)).toEqual(['route-replace', 'route-add']);
});

describe('with surplus retained', () => {
  test('nothing of ours is removed, and clamps only grow', () => {
    const before = become(lower(onprem, gates).state);
    expect(diffHost(EMPTY_HOST_STATE, before.observed, before.owned, { retainSurplus: true })).toEqual([]);
    const other = lower([overlayPeer('oci'), proxyArpClaim('10.77.60.14/32', 'oci')], gates).state;
    const ops = diffHost(other, before.observed, before.owned, { retainSurplus: true });
    expect(ops.map(({ verb }) => verb)).toEqual(['route-add', 'mss-replace', 'proxy-neighbor-add', 'announce']);
    expect(ops.find(({ verb }) => verb === 'mss-replace')).toMatchObject({
      clamps: [{ tunnelInterface: 'wg-oci' }, { tunnelInterface: 'wg-aws' }],
    });
  });

  test('a captured address still leaves the host', () => {
    const guest = { ...bare, addresses: [{ interface: 'lan0', address: '10.77.60.12/24' }] };
    const ops = diffHost(
      { ...EMPTY_HOST_STATE, absentAddresses: lower(onprem, gates).state.absentAddresses },
      guest,
      [],
      {
        retainSurplus: true,
      },
    );
    expect(ops.map(describeOp)).toEqual(['ip addr del 10.77.60.12/24 dev lan0 # captured']);
  });
});

describe('what is not ours', () => {
  test('is left alone: addresses, proxy entries and devices without a record or mark', () => {
    const foreign: ObservedHost = {
      ...bare,
      proxyNeighbors: [
        { address: lower(onprem, gates).state.absentAddresses[0] ?? never(), interface: 'lan0', ours: false },
      ],
      wireGuard: [{ name: 'wg-office', publicKey: KEY_A, listenPort: 51_999, peers: [] }],
    };
    expect(diffHost(EMPTY_HOST_STATE, foreign, [])).toEqual([]);
  });

  test('serves where it is what is desired', () => {
    const { state } = lower([overlayPeer('aws'), proxyArpClaim('10.77.60.11/32', 'aws')], gates);
    const [neighbor] = state.proxyNeighbors;
    const foreign = {
      ...bare,
      proxyNeighbors: [{ address: neighbor?.address ?? never(), interface: 'lan0', ours: false }],
    };
    expect(diffHost(state, foreign, []).some(({ verb }) => verb === 'proxy-neighbor-add')).toBe(false);
  });
});

test('a preferred source that no interface has is left out until one does', () => {
  const [route] = lower([overlayPeer('aws'), proxyArpClaim('10.77.60.11/32', 'aws')], gates).state.routes;
  if (route === undefined) return never();
  const desired = { ...EMPTY_HOST_STATE, routes: [{ ...route, preferredSource: sourceOf('10.77.60.10') }] };
  const without = become(desired);
  expect(without.ops.map(describeOp)).toEqual(['ip route add 10.77.60.11/32 proto 84 metric 120 dev wg-aws']);
  const local = { ...without.observed, addresses: [{ interface: 'lo', address: '10.77.60.10/32' }] };
  expect(diffHost(desired, local, []).map(describeOp)).toEqual([
    'ip route replace 10.77.60.11/32 proto 84 metric 120 dev wg-aws src 10.77.60.10',
  ]);
});

describe('WireGuard', () => {
  const { state } = lower(onprem.slice(0, 2), gates);
  const made = become(state);
  const device = made.observed.wireGuard[0] ?? never();

  test('keeps an endpoint that a peer roamed to', () => {
    const roamed = {
      ...made.observed,
      wireGuard: [{ ...device, peers: device.peers.map((peer) => ({ ...peer, endpoint: '203.0.113.9:7' })) }],
    };
    expect(diffHost(state, roamed, made.owned)).toEqual([]);
  });

  test('takes an endpoint that the configuration did not have before', () => {
    const changed = lower(
      [onprem[0] ?? never(), wireGuardPeer('aws', 'wg-aws', { endpoint: '198.51.100.99:1' })],
      gates,
    );
    expect(diffHost(changed.state, made.observed, made.owned)).toMatchObject([
      { verb: 'wireguard-configure', endpointsOf: [KEY_A] },
    ]);
  });

  test.each([
    ['it is down', { links: [{ name: 'wg-aws', up: false, mtu: 1420, mac: undefined }] }],
    ['its MTU differs', { links: [{ name: 'wg-aws', up: true, mtu: 1280, mac: undefined }] }],
    ['it has no key yet', { wireGuard: [{ ...device, publicKey: undefined }] }],
    ['a peer is missing', { wireGuard: [{ ...device, peers: [] }] }],
    ['it listens elsewhere', { wireGuard: [{ ...device, listenPort: 1 }] }],
  ])('is configured when %s', (_, difference) => {
    const ops = diffHost(state, { ...made.observed, ...difference }, made.owned);
    expect(ops.map(({ verb }) => verb)).toEqual(['wireguard-configure']);
  });
});

test('ten thousand claims are lowered and compared in linear time', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) =>
      proxyArpClaim(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}/32`, 'aws'),
    );
  const cost = (count: number): number => {
    const resources = [overlayPeer('aws'), ...many(count)];
    const start = performance.now();
    const { state } = lower(resources, gates);
    const { observed, owned } = become(state);
    expect(diffHost(state, observed, owned)).toEqual([]);
    return performance.now() - start;
  };
  cost(1000); // compiled from here on
  const [small, large] = [cost(2000), cost(10_000)];
  console.log(
    `lower, diff, fold and diff again: 2,000 claims ${small.toFixed(0)} ms, 10,000 claims ${large.toFixed(0)} ms`,
  );
  expect(large).toBeLessThan(30_000); // quadratic work would take minutes
}, 60_000);

function sourceOf(quad: string) {
  return lower([staticAddress('a', 'lo', `${quad}/32`)], gates).state.addresses[0]?.address.split('/')[0] as never;
}

function never(): never {
  throw new Error('the set-up of this test is wrong');
}
