import type { HostOp, HostRoute } from '@routerd/dataplane';
import { parseIpv4Prefix, type Ipv4Prefix, type ReconcileSettings } from '@routerd/resources';
import { expect, test } from 'vitest';
import { lockouts, managementInterfaces, protectedInterfaces, sshSession } from '../src/one-shot/management-access.ts';
import { resource } from './doctor-facts.ts';

const session = sshSession('192.0.2.7 50022 10.0.0.2 22');
const before = { addresses: [{ interface: 'eth0', address: '10.0.0.2/24' }] };
const zone = (role: string): ReturnType<typeof resource> =>
  resource('firewall', 'FirewallZone', 'z', { role, interfaces: ['eth0'] });
const cut = (op: HostOp, resources: readonly ReturnType<typeof resource>[] = []): readonly string[] =>
  lockouts(
    [op],
    before,
    { interfaces: managementInterfaces(resources), protectedInterfaces: new Set(), session },
    resources,
  );

/** At a console, where only what is declared counts. */
function cutProtected(
  op: HostOp,
  reconcile: object,
  resources: readonly ReturnType<typeof resource>[],
): readonly string[] {
  const kept = protectedInterfaces(resources, settingsOf(reconcile));
  return lockouts([op], before, { interfaces: kept, protectedInterfaces: kept, session: undefined }, resources);
}

function settingsOf(reconcile: object): ReconcileSettings {
  return { mode: 'strict', protectedInterfaces: [], protectedZones: [], ...reconcile };
}

function prefix(text: string): Ipv4Prefix {
  const parsed = parseIpv4Prefix(text);
  if (!parsed.ok) throw new Error(parsed.error.code);
  return parsed.value;
}

function route(destination: string, device: string): HostRoute {
  return {
    destination: prefix(destination),
    device,
    gateway: undefined,
    preferredSource: undefined,
    metric: 120,
    blackhole: false,
  };
}

const removal = (name: string, address: string): HostOp => ({
  verb: 'address-remove',
  interface: name,
  address,
  because: 'surplus',
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

test('at a console nothing is a session', () => {
  expect(sshSession(undefined)).toBeUndefined();
  expect(sshSession('2001:db8::1 50022 2001:db8::2 22')).toBeUndefined();
});
