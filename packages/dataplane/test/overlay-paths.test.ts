import { expect, test } from 'vitest';
import { renderTable } from '../src/adapters/linux/nft-tables.ts';
import { lower } from '../src/lower/lower.ts';
import { firewallZone, networkInterface, overlayPeer, staticAddress, wireGuardInterface } from './claims.ts';

const open = { isCaptureOpen: () => true };
const peerAt = (name: string, address: string, underlay = {}) => overlayPeer(name, { address, ...underlay });

test('a path goes from this router’s overlay address to the peer’s, as large as its device', () => {
  const { overlayPaths } = lower(
    [
      staticAddress('overlay', 'lo', '10.255.0.1/32'),
      staticAddress('tunnel', 'wg-b', '10.255.9.1/30'),
      wireGuardInterface('wg-a', { mtu: 1400 }),
      wireGuardInterface('wg-b'),
      peerAt('b', '10.255.9.2'),
      peerAt('a', '10.255.0.2'),
      networkInterface('eth9', { mtu: 9000 }),
      peerAt('c', '10.255.0.3', { type: 'route', interface: 'eth9' }),
    ],
    open,
  );
  expect(overlayPaths.paths).toEqual([
    { peer: 'a', device: 'wg-a', from: '10.255.0.1', to: '10.255.0.2', deviceMtu: 1400, estimatedMtu: 1320 },
    { peer: 'b', device: 'wg-b', from: '10.255.9.1', to: '10.255.9.2', deviceMtu: 1420, estimatedMtu: 1340 },
    { peer: 'c', device: 'eth9', from: '10.255.0.1', to: '10.255.0.3', deviceMtu: 9000, estimatedMtu: 9000 },
  ]);
  expect(overlayPaths.unmeasured).toEqual(new Map());
});

test.each([
  ['the peer’s address is not told', [staticAddress('o', 'lo', '10.255.0.1/32'), overlayPeer('a')], 'underlay.address'],
  ['this router has none', [peerAt('a', '10.255.0.2')], 'no IPv4StaticAddress'],
  [
    'it is this router’s own',
    [staticAddress('o', 'lo', '10.255.0.1/32'), peerAt('a', '10.255.0.1')],
    'this router’s own',
  ],
  [
    'there is no interface',
    [overlayPeer('a', { type: 'route', interface: undefined, address: '10.255.0.2' })],
    'names no interface',
  ],
])('a path is not measured where %s, and says so', (_, resources, reason) => {
  const { overlayPaths } = lower(resources, open);
  expect(overlayPaths.paths).toEqual([]);
  expect(overlayPaths.unmeasured.get('a')).toContain(reason);
});

test('of two peers with one address the first is measured', () => {
  const { overlayPaths } = lower(
    [staticAddress('o', 'lo', '10.255.0.1/32'), peerAt('a', '10.255.0.2'), peerAt('b', '10.255.0.2')],
    open,
  );
  expect(overlayPaths.paths.map(({ peer }) => peer)).toEqual(['a']);
  expect(overlayPaths.unmeasured.get('b')).toContain('another OverlayPeer has 10.255.0.2');
});

test('our firewall opens the port from tunnels, and closes it to everybody else', () => {
  const zones = [firewallZone('tunnels', 'untrust', 'wg-a', 'wg-b'), firewallZone('lan', 'trust', 'lan0')];
  const own = staticAddress('o', 'lo', '10.255.0.1/32');
  const tablesOf = (...peers: ReturnType<typeof peerAt>[]) =>
    lower([...zones, own, ...peers], open)
      .state.tables.map(renderTable)
      .join('\n');
  const lines = tablesOf(peerAt('a', '10.255.0.2'), peerAt('b', '10.255.0.3')).split('\n');
  const [accept, drop, untrust] = [
    lines.findIndex((line) => line.includes('iifname { "wg-a", "wg-b" } udp dport 24784 accept')),
    lines.findIndex((line) => /^\s*udp dport 24784 drop/.test(line)),
    lines.findIndex((line) => line.includes('drop comment "FirewallZone role untrust"')),
  ];
  expect([accept > 0, drop === accept + 1, untrust > drop]).toEqual([true, true, true]);
  expect(tablesOf()).not.toContain('24784');
});
