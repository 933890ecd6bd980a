import type { HostOp, HostRoute, ObservedWireGuardPeer } from '@routerd/dataplane';
import { parseIpv4, parseIpv4Prefix, type Ipv4, type Ipv4Prefix, type ReconcileSettings } from '@routerd/resources';
import { describe, expect, test } from 'vitest';
import { lockouts, managementAccess, withheldOps, withholding } from '../src/management-access.ts';
import { sshSession, type SshSession } from '../src/ssh-session.ts';
import { resource } from './doctor-facts.ts';

const KEY = `${'A'.repeat(43)}=`;
const session = sshSession('192.0.2.7 50022 10.0.0.2 22');
const peer: ObservedWireGuardPeer = {
  publicKey: KEY,
  allowedIPs: ['10.9.0.0/24', '10.9.1.0/24'],
  endpoint: undefined,
  persistentKeepalive: 0,
  latestHandshake: 0,
};
const before = {
  addresses: [
    { interface: 'eth0', address: '10.0.0.2/24' },
    { interface: 'eth0', address: '10.0.0.9/24' },
    { interface: 'eth1', address: '10.1.0.2/24' },
  ],
  links: ['eth0', 'wg-cloud'].map((name) => ({ name, up: true, mtu: 1420, mac: undefined })),
  wireGuard: ['eth0', 'wg-cloud'].map((name) => ({ name, publicKey: KEY, listenPort: 1, peers: [peer] })),
};
const zone = (role: string): ReturnType<typeof resource> =>
  resource('firewall', 'FirewallZone', 'z', { role, interfaces: ['eth0'] });
const cut = (
  op: HostOp,
  resources: readonly ReturnType<typeof resource>[] = [],
  asking: SshSession | undefined = session,
): readonly string[] => lockouts([op], before, managementAccess(resources, undefined, asking), resources);

/** At a console, where only what is declared counts. */
function cutProtected(
  op: HostOp,
  reconcile: object,
  resources: readonly ReturnType<typeof resource>[],
): readonly string[] {
  return lockouts([op], before, managementAccess(resources, settingsOf(reconcile), undefined), resources);
}

function settingsOf(reconcile: object): ReconcileSettings {
  return { mode: 'strict', protectedInterfaces: [], protectedZones: [], ...reconcile };
}

function prefix(text: string): Ipv4Prefix {
  const parsed = parseIpv4Prefix(text);
  if (!parsed.ok) throw new Error(parsed.error.code);
  return parsed.value;
}

function quad(text: string): Ipv4 {
  const parsed = parseIpv4(text);
  if (!parsed.ok) throw new Error(parsed.error.code);
  return parsed.value;
}

function route(destination: string, device: string | undefined, blackhole = false): HostRoute {
  return {
    destination: prefix(destination),
    device,
    gateway: undefined,
    preferredSource: undefined,
    metric: 120,
    blackhole,
  };
}

const removal = (name: string, address: string, because: 'surplus' | 'captured' = 'surplus'): HostOp => ({
  verb: 'address-remove',
  interface: name,
  address,
  because,
});
const filter: HostOp = { verb: 'table-replace', table: { family: 'inet', name: 'routerd_filter', lines: [] } };

test('the address that the session came to stays', () => {
  expect(cut(removal('eth0', '10.0.0.2/24'))).toHaveLength(1);
  expect(cut(removal('eth1', '10.0.1.2/24'))).toEqual([]);
});

test('interfaces of a mgmt zone keep their addresses and are not taken away, whoever asks', () => {
  expect(cut(removal('eth0', '10.0.0.9/24'), [zone('mgmt')])).toHaveLength(1);
  expect(cut({ verb: 'wireguard-remove', name: 'eth0' }, [zone('mgmt')])).toHaveLength(1);
  expect(cut({ verb: 'wireguard-remove', name: 'wg-cloud' })).toEqual([]);
});

test('no route leads answers to the client another way, and the one that does stays', () => {
  expect(cut({ verb: 'route-add', route: route('192.0.2.0/24', 'wg-cloud') })).toHaveLength(1);
  expect(cut({ verb: 'route-replace', route: route('192.0.2.7/32', 'eth0') })).toEqual([]);
  expect(cut({ verb: 'route-add', route: route('198.51.100.0/24', 'wg-cloud') })).toEqual([]);
  expect(cut({ verb: 'route-remove', route: route('192.0.2.0/24', 'eth0') })).toHaveLength(1);
});

test('an untrusted zone cuts the session off unless a rule lets something reach the router', () => {
  const accept = resource('firewall', 'FirewallRule', 'ssh', {
    fromZone: 'z',
    toZone: 'self',
    protocol: 'tcp',
    destinationPorts: [22],
    action: 'accept',
  });
  expect(cut(filter, [zone('untrust')])).toHaveLength(1);
  expect(cut(filter, [zone('untrust'), accept])).toEqual([]);
  expect(cut(filter, [zone('trust')])).toEqual([]);
});

test.each([
  ['an interface', { protectedInterfaces: ['eth0'] }],
  ['the zone of an interface', { protectedZones: ['z'] }],
])('%s that a Router protects keeps address, device, routes and its way in, whoever asks', (_, reconcile) => {
  const resources = [zone('untrust')];
  const ops: readonly HostOp[] = [
    removal('eth0', '10.0.0.9/24'),
    { verb: 'wireguard-remove', name: 'eth0' },
    { verb: 'route-remove', route: route('198.51.100.0/24', 'eth0') },
    filter,
  ];
  for (const op of ops) {
    expect(cutProtected(op, reconcile, resources)).toHaveLength(1);
    expect(cutProtected(op, {}, resources)).toEqual([]);
  }
  expect(cutProtected(removal('eth1', '10.0.0.9/24'), reconcile, resources)).toEqual([]);
  expect(cutProtected({ verb: 'route-add', route: route('198.51.100.0/24', 'eth0') }, reconcile, resources)).toEqual(
    [],
  );
});

describe('of every kind of op that can cut off, what cuts a protected interface is told from what does not', () => {
  const ends = { local: quad('10.0.0.2'), remote: quad('192.0.2.1'), ttl: 64, key: undefined, mtu: 1400 } as const;
  const tunnel = (name: string) => ({ name, mode: 'gre', ...ends }) as const;
  const device = (name: string, allowedIPs: readonly string[], publicKey = KEY) => ({
    name,
    privateKeyFile: '/k',
    listenPort: 1,
    mtu: 1420,
    peers: [
      {
        publicKey,
        allowedIPs: allowedIPs.map(prefix),
        endpoint: undefined,
        persistentKeepalive: 0,
        presharedKeyFile: undefined,
      },
    ],
  });
  const setting = (name: string, key: string, value: string, prior = '0'): HostOp => ({
    verb: 'sysctl-set',
    path: ['net', 'ipv4', 'conf', name, key],
    value,
    prior,
  });
  const link = (name: string, value: string): HostOp => ({
    verb: 'link-set',
    setting: { name, property: value === 'down' || value === 'up' ? 'admin' : 'mtu', value },
    prior: 'up',
  });
  const configure = (name: string, allowedIPs: readonly string[], publicKey = KEY): HostOp => ({
    verb: 'wireguard-configure',
    device: device(name, allowedIPs, publicKey),
    endpointsOf: [],
  });
  const cases: readonly (readonly [what: string, cuts: HostOp, passes: HostOp])[] = [
    ['an address of ours goes', removal('eth0', '10.0.0.9/24'), removal('eth1', '10.1.0.2/24')],
    [
      'the last address goes, captured elsewhere or not',
      removal('eth0', '10.0.0.9/24', 'surplus'),
      removal('eth0', '10.0.0.9/24', 'captured'),
    ],
    ['a device goes', { verb: 'wireguard-remove', name: 'eth0' }, { verb: 'wireguard-remove', name: 'wg-cloud' }],
    ['a tunnel goes', { verb: 'tunnel-remove', name: 'eth0' }, { verb: 'tunnel-remove', name: 'gre1' }],
    [
      'a tunnel gets other ends',
      { verb: 'tunnel-change', tunnel: tunnel('eth0') },
      { verb: 'tunnel-change', tunnel: tunnel('gre1') },
    ],
    [
      'a peer goes',
      configure('eth0', ['10.9.0.0/24', '10.9.1.0/24'], KEY.replace('A', 'B')),
      configure('wg-cloud', []),
    ],
    [
      'a peer loses a prefix',
      configure('eth0', ['10.9.0.0/24']),
      configure('eth0', ['10.9.0.0/24', '10.9.1.0/24', '10.9.2.0/24']),
    ],
    ['a link goes down', link('eth0', 'down'), link('eth1', 'down')],
    [
      'a link that goes down again',
      { verb: 'link-restore', setting: { name: 'eth0', property: 'admin', value: 'down' } },
      link('eth0', '1400'),
    ],
    [
      'a route goes',
      { verb: 'route-remove', route: route('198.51.100.0/24', 'eth0') },
      { verb: 'route-remove', route: route('198.51.100.0/24', 'eth1') },
    ],
    [
      'a route leads part of its network elsewhere',
      { verb: 'route-add', route: route('10.0.0.128/25', 'wg-cloud') },
      { verb: 'route-add', route: route('10.0.0.128/32', 'wg-cloud') },
    ],
    [
      'a route ends its network',
      { verb: 'route-replace', route: route('10.0.0.0/24', undefined, true) },
      { verb: 'route-replace', route: route('10.1.0.0/24', undefined, true) },
    ],
    ['rp_filter becomes strict', setting('eth0', 'rp_filter', '1'), setting('eth0', 'rp_filter', '2')],
    ['rp_filter becomes strict everywhere', setting('all', 'rp_filter', '1'), setting('all', 'rp_filter', '1', '1')],
    ['ARP is ignored', setting('eth0', 'arp_ignore', '8'), setting('eth1', 'arp_ignore', '8')],
  ];

  test.each(cases)('%s', (_, cuts, passes) => {
    const reconcile = { protectedInterfaces: ['eth0'] };
    expect(cutProtected(cuts, reconcile, [])).toHaveLength(1);
    expect(cutProtected(passes, reconcile, [])).toEqual([]);
    expect(cutProtected(cuts, {}, [])).toEqual([]);
  });

  test('the firewall lets nothing from a protected interface in', () => {
    const drop = (spec: object) =>
      resource('firewall', 'FirewallRule', 'none', { fromZone: 'z', toZone: 'self', action: 'drop', ...spec });
    const reconcile = { protectedInterfaces: ['eth0'] };
    expect(cutProtected(filter, reconcile, [zone('untrust')])).toHaveLength(1);
    expect(cutProtected(filter, reconcile, [zone('trust'), drop({})])).toHaveLength(1);
    expect(cutProtected(filter, reconcile, [zone('trust'), drop({ fromZone: undefined })])).toHaveLength(1);
    expect(cutProtected(filter, reconcile, [zone('trust'), drop({ protocol: 'udp', port: 53 })])).toEqual([]);
    expect(cutProtected(filter, reconcile, [zone('trust')])).toEqual([]);
  });

  test('a captured address that is the last one of a protected interface stays', () => {
    const alone = { ...before, addresses: [{ interface: 'eth0', address: '10.0.0.9/24' }] };
    const access = managementAccess([], settingsOf({ protectedInterfaces: ['eth0'] }), undefined);
    expect(lockouts([removal('eth0', '10.0.0.9/24', 'captured')], alone, access, [])).toHaveLength(1);
  });

  test('an address that would be the way to the client of the session', () => {
    const add = (name: string, address: string): HostOp => ({ verb: 'address-add', interface: name, address });
    expect(cut(add('eth1', '192.0.2.1/24'))).toHaveLength(1);
    expect(cut(add('lo', '192.0.2.7/32'))).toHaveLength(1);
    expect(cut(add('eth0', '192.0.2.1/24'))).toEqual([]);
    expect(cut(add('eth1', '198.51.100.1/24'))).toEqual([]);
  });
});

describe('what is withheld in each mode', () => {
  const access = managementAccess([], settingsOf({ protectedInterfaces: ['eth0'] }), undefined);
  const ops: readonly HostOp[] = [
    { verb: 'address-add', interface: 'eth0', address: '10.0.0.3/24' },
    { verb: 'address-add', interface: 'eth1', address: '10.1.0.3/24' },
    removal('eth0', '10.0.0.2/24'),
    removal('eth0', '10.0.0.9/24', 'captured'),
  ];
  const withheldIn = (mode: ReconcileSettings['mode']) =>
    withheldOps(ops, before, access, [], mode).map(({ op }) => ops.indexOf(op));

  test('progressive: the op alone', () => {
    expect(withheldIn('progressive')).toEqual([2]);
  });

  test('strict: with it what else sets up the interface, and never what keeps the host from answering for others', () => {
    expect(withheldIn('strict')).toEqual([0, 2]);
  });

  test('where nothing is protected nobody is asked', () => {
    expect(withholding([zone('trust')], settingsOf({}))).toBeUndefined();
    expect(withholding([zone('mgmt')], undefined)).toBeDefined();
  });
});

describe('a session over IPv6', () => {
  const overIpv6 = sshSession('2001:db8::1 50022 2001:db8::2 22', (address) =>
    address === '2001:db8::2' ? 'eth0' : undefined,
  );
  const link = (name: string, property: 'admin' | 'mtu', value: string): HostOp => ({
    verb: 'link-set',
    setting: { name, property, value },
    prior: property === 'mtu' ? '1420' : 'up',
  });
  const setting = (name: string, value: string, prior: string): HostOp => ({
    verb: 'sysctl-set',
    path: ['net', 'ipv6', 'conf', ...name.split('/')],
    value,
    prior,
  });
  const rule = (name: string, spec: object): ReturnType<typeof resource> =>
    resource('firewall', 'FirewallRule', name, { fromZone: 'z', toZone: 'self', action: 'accept', ...spec });

  test('is known by its interface, which a link-local address names', () => {
    expect(overIpv6).toEqual({ family: 'ipv6', interface: 'eth0', port: 22 });
    expect(sshSession('fe80::1%eth1 50022 fe80::2%eth1 2222')).toEqual({
      family: 'ipv6',
      interface: 'eth1',
      port: 2222,
    });
  });

  test.each<[string, HostOp, HostOp]>([
    ['its link', link('eth0', 'admin', 'down'), link('eth1', 'admin', 'down')],
    ['an MTU too small for IPv6', link('eth0', 'mtu', '1279'), link('eth0', 'mtu', '1280')],
    ['that MTU of a tunnel', configured(1200), configured(1280)],
    ['IPv6 switched off', setting('eth0/disable_ipv6', '1', '0'), setting('eth1/disable_ipv6', '1', '0')],
    ['its gateways forgotten', setting('all/forwarding', '1', '0'), setting('eth1/forwarding', '1', '0')],
    ['no new gateways', setting('eth0/accept_ra', '0', '1'), setting('eth0/accept_ra', '2', '1')],
  ])('is cut by %s, and not by what only looks like it', (_, cutting, harmless) => {
    expect(cut(cutting, [], overIpv6)).toHaveLength(1);
    expect(cut(harmless, [], overIpv6)).toEqual([]);
    expect(cut(cutting, [zone('mgmt')], undefined)).toHaveLength(1);
  });

  test('is let in by no rule about IPv4', () => {
    const fromClient = rule('ssh', { protocol: 'tcp', port: 22, srcCIDRs: ['192.0.2.0/24'] });
    expect(cut(filter, [zone('untrust'), fromClient])).toEqual([]);
    expect(cut(filter, [zone('untrust'), fromClient], overIpv6)).toHaveLength(1);
    expect(cut(filter, [zone('untrust'), rule('ssh', { protocol: 'tcp', port: 22 })], overIpv6)).toEqual([]);
  });

  function configured(mtu: number): HostOp {
    const kept = { ...peer, allowedIPs: peer.allowedIPs.map(prefix), presharedKeyFile: undefined };
    const device = { name: 'eth0', privateKeyFile: '/k', listenPort: 1, mtu, peers: [kept] };
    return { verb: 'wireguard-configure', device, endpointsOf: [] };
  }
});

test('the first rule that a session matches lets it in or not, and what is forwarded is another matter', () => {
  const rule = (name: string, spec: object): ReturnType<typeof resource> =>
    resource('firewall', 'FirewallRule', name, { fromZone: 'z', toZone: 'self', action: 'accept', ...spec });
  const isCut = (role: string, ...rules: readonly ReturnType<typeof resource>[]): boolean =>
    cut(filter, [zone(role), ...rules]).length === 1;
  expect(isCut('untrust', rule('web', { protocol: 'tcp', port: 443 }))).toBe(true);
  expect(isCut('untrust', rule('other', { srcCIDRs: ['198.51.100.0/24'] }))).toBe(true);
  expect(isCut('untrust', rule('forwarded', { toZone: undefined }))).toBe(true);
  expect(isCut('trust', rule('no-ssh', { protocol: 'tcp', port: 22, action: 'drop' }))).toBe(true);
  expect(isCut('trust', rule('a', {}), rule('b', { action: 'drop' }))).toBe(false);
  expect(isCut('trust', rule('b', {}), rule('a', { action: 'drop' }))).toBe(true);
  expect(isCut('trust', rule('slow', { action: 'drop', rateLimit: { perSecond: 1 } }))).toBe(false);
});

test('at a console nothing is a session', () => {
  expect(sshSession(undefined)).toBeUndefined();
  expect(sshSession('2001:db8::1 50022 2001:db8::2 22')).toBeUndefined();
});
