import { describe, expect, test } from 'vitest';
import { observedAfter } from '../src/host-picture.ts';
import { diffHost } from '../src/diff/diff-host.ts';
import { EMPTY_OBSERVED_HOST } from '../src/host-op.ts';
import { lower, type Lowered } from '../src/lower/lower.ts';
import { estimateTunnelMtu, mssFor } from '../src/mss.ts';
import { hybridRouteStatus, type HybridRouteStatus } from '../src/status/hybrid-route-status.ts';
import {
  hybridRoute,
  ipv4Route,
  networkInterface,
  overlayPeer,
  proxyArpClaim,
  tunnelInterface,
  wireGuardInterface,
  wireGuardPeer,
} from './claims.ts';

const open = { isCaptureOpen: () => true };
const peer = [wireGuardInterface('wg-office'), overlayPeer('office')];

function statusOf(lowered: Lowered, position = 0): HybridRouteStatus | undefined {
  const lowering = lowered.hybridRoutes[position];
  const observed = observedAfter(EMPTY_OBSERVED_HOST, diffHost(lowered.state, EMPTY_OBSERVED_HOST, []));
  return lowering === undefined ? undefined : hybridRouteStatus(lowering, observed);
}

test('each destination becomes an IPv4Route through the tunnel, owned by the HybridRoute', () => {
  const lowered = lower(
    [...peer, hybridRoute('branch', ['10.20.0.0/16', '10.30.1.0/24'], 'office', { install: { metric: 50 } })],
    open,
  );
  expect(lowered.problems).toEqual([]);
  expect(lowered.state.routes).toMatchObject([
    { destination: '10.20.0.0/16', device: 'wg-office', metric: 50, gateway: undefined, blackhole: false },
    { destination: '10.30.1.0/24', device: 'wg-office', metric: 50 },
  ]);
  expect(lowered.hybridRoutes[0]?.destinations.map(({ resource }) => resource.metadata)).toMatchObject([
    {
      name: 'branch-10-20-0-0-16',
      ownerRefs: [{ apiVersion: 'hybrid.routerd.net/v1alpha1', kind: 'HybridRoute', name: 'branch' }],
    },
    { name: 'branch-10-30-1-0-24' },
  ]);
  expect(lowered.state.sysctls).toEqual([{ path: ['net', 'ipv4', 'ip_forward'], value: '1' }]);
  expect(statusOf(lowered)).toMatchObject({ phase: 'Ready', reason: undefined, defaultRouteUntouched: true });
});

describe('one destination costs only itself', () => {
  test.each([
    ['a default route', [], '0.0.0.0/0', 'default routes are not allowed: 0.0.0.0/0'],
    [
      'one that an IPv4Route leads to, whatever its metric',
      [ipv4Route('pinned', { destination: '10.30.1.0/24', device: 'eth0', metric: 7 })],
      '10.30.1.0/24',
      'IPv4Route/pinned leads to 10.30.1.0/24 already',
    ],
    [
      'one whose IPv4Route has a name that is taken',
      [ipv4Route('branch-10-30-1-0-24', { destination: '10.99.0.0/24', device: 'eth0' })],
      '10.30.1.0/24',
      'the route to 10.30.1.0/24 would be IPv4Route/branch-10-30-1-0-24, which is declared',
    ],
    [
      'one that another HybridRoute leads to',
      [hybridRoute('alpha', ['10.30.1.0/24'], 'office')],
      '10.30.1.0/24',
      'HybridRoute/alpha leads to 10.30.1.0/24 already',
    ],
    [
      'one that is a claim',
      [proxyArpClaim('10.77.60.11/32', 'office')],
      '10.77.60.11/32',
      'a RemoteAddressClaim leads to 10.77.60.11/32 already',
    ],
  ])('%s', (_, others, destination, reason) => {
    const route = hybridRoute('branch', [destination, '10.20.0.0/16'], 'office');
    const lowered = lower([...peer, ...others, route], open);
    expect(lowered.problems).toEqual([{ resource: 'HybridRoute/branch', reason }]);
    expect(lowered.state.routes.map((shown) => shown.destination)).toContain('10.20.0.0/16');
    expect(lowered.state.routes.some((shown) => shown.destination === '0.0.0.0/0')).toBe(false);
    const position = lowered.hybridRoutes.findIndex(({ hybridRoute: name }) => name === 'branch');
    expect(statusOf(lowered, position)).toMatchObject({
      phase: 'Degraded',
      reason: 'RoutesNotLowered',
      problems: [reason],
    });
  });
});

test('a peer that does not exist leaves the HybridRoute without routes', () => {
  const lowered = lower([hybridRoute('branch', ['10.20.0.0/16'], 'nobody')], open);
  expect(lowered.state.routes).toEqual([]);
  expect(lowered.state.sysctls).toEqual([]);
  expect(statusOf(lowered)).toMatchObject({
    phase: 'Degraded',
    reason: 'SpecInvalid',
    underlayMTU: 0,
    estimatedMTU: 0,
  });
});

test('a route that the kernel lost is not Ready', () => {
  const [lowering] = lower([...peer, hybridRoute('branch', ['10.20.0.0/16'], 'office')], open).hybridRoutes;
  expect(lowering && hybridRouteStatus(lowering, EMPTY_OBSERVED_HOST)).toMatchObject({
    phase: 'Degraded',
    reason: 'RouteNotInstalled',
    routes: [{ name: 'branch-10-20-0-0-16', installed: false }],
  });
});

test('a peer over a plain route is reached through its address', () => {
  const lowered = lower(
    [
      overlayPeer('office', { type: 'route', interface: undefined, address: '192.0.2.9' }),
      hybridRoute('branch', ['10.20.0.0/16'], 'office'),
    ],
    open,
  );
  expect(lowered.state.routes).toMatchObject([{ gateway: '192.0.2.9', device: undefined }]);
  expect(lowered.state.mssClamps).toEqual([]);
});

test('AllowedIPs of a shared tunnel take the destinations in', () => {
  const { state } = lower(
    [
      wireGuardInterface('wg-office'),
      wireGuardPeer('office', 'wg-office', { allowedIPs: ['10.255.0.3/32'] }),
      overlayPeer('office'),
      hybridRoute('branch', ['10.20.0.0/16'], 'office'),
    ],
    open,
  );
  expect(state.wireGuard[0]?.peers[0]?.allowedIPs).toEqual(['10.20.0.0/16', '10.255.0.3/32']);
});

describe('path MTU', () => {
  // The requirement's OCI path: WireGuard with its usual 1420 over an underlay that carries less than Ethernet.
  test('of the usual WireGuard tunnel is 1340, its segments 1300', () => {
    const lowered = lower([...peer, networkInterface('lan0'), hybridRoute('branch', ['10.20.0.0/16'], 'office')], open);
    expect(statusOf(lowered)).toMatchObject({
      underlayMTU: 1420,
      tunnelOverhead: 80,
      estimatedMTU: 1340,
      mtuWarning: undefined,
    });
    expect(lowered.state.mssClamps).toEqual([{ captureInterface: 'lan0', tunnelInterface: 'wg-office', mss: 1300 }]);
  });

  test.each([
    ['wireguard', 1420, false, 1340],
    ['tailscale', 1280, false, 1200],
    ['ipsec', 1500, false, 1426],
    ['route', 1500, false, 1500],
    ['ipip', 1480, false, 1460],
    ['gre', 1476, false, 1452],
    ['gre', 1476, true, 1448],
  ] as const)('of %s with %d bytes (key: %s) is estimated as %d', (type, mtu, hasKey, estimate) => {
    expect(estimateTunnelMtu(type, mtu, hasKey)).toBe(estimate);
    expect(mssFor(estimate)).toBe(estimate - 40);
  });

  test('knows the key of a GRE tunnel', () => {
    const lowered = lower(
      [
        tunnelInterface('gre-office', { mode: 'gre', key: 7 }),
        overlayPeer('office', { type: 'gre', interface: 'gre-office' }),
        hybridRoute('branch', ['10.20.0.0/16'], 'office'),
      ],
      open,
    );
    expect(statusOf(lowered)).toMatchObject({ underlayMTU: 1476, tunnelOverhead: 28, estimatedMTU: 1448 });
  });

  test('under 1280 is warned about', () => {
    const lowered = lower(
      [
        wireGuardInterface('wg-office', { mtu: 1300 }),
        overlayPeer('office'),
        hybridRoute('b', ['10.20.0.0/16'], 'office'),
      ],
      open,
    );
    expect(statusOf(lowered)?.mtuWarning).toContain('at most 1220 bytes');
  });

  test('is unknown for a device that no resource describes, and the clamp assumes the usual', () => {
    const lowered = lower(
      [overlayPeer('office'), networkInterface('lan0'), hybridRoute('branch', ['10.20.0.0/16'], 'office')],
      open,
    );
    expect(statusOf(lowered)).toMatchObject({ underlayMTU: 0, estimatedMTU: 0, mtuWarning: undefined });
    expect(lowered.state.mssClamps[0]?.mss).toBe(1300);
  });
});
