import { expect, test } from 'vitest';
import { assign, setForwarding, type AddressSpace } from '../../src/cloud/address-space.ts';
import { fabricPlumbing, fabricRuleset } from '../../src/cloud/fabric-rules.ts';
import { fabricViewOf, planFabric, type FabricPlan } from '../../src/cloud/fabric-view.ts';
import { sampleConfig, sampleSpace, valueOf } from './sample-space.ts';

const primaries = new Map(sampleConfig().instances.map(({ device, privateIp }) => [device, privateIp]));
const give = (space: AddressSpace, nicId: string, address: string, settled = true): AddressSpace =>
  valueOf(assign(space, { nicId, addresses: [address], mayTake: () => true, settled }));
const between = (before: AddressSpace, after: AddressSpace): FabricPlan =>
  planFabric(fabricViewOf(before), fabricViewOf(after), primaries);

test('a new address is routed through the primary of its NIC, once it may be used there', () => {
  const space = sampleSpace();
  expect(between(space, give(space, 'eni-a', '10.77.60.10'))).toEqual({
    permit: ['add element ip fabric eni_addr { "e-a" . 10.77.60.10 }'],
    routes: ['route replace 10.77.60.10/32 via 10.77.60.4 dev e-a onlink'],
    forbid: [],
    changes: [{ address: '10.77.60.10', to: 'e-a' }],
  });
});

test('a move permits the new holder, moves the route in one replacement, and forbids the old one last', () => {
  const before = give(sampleSpace(), 'eni-a', '10.77.60.10');
  expect(between(before, give(before, 'eni-b', '10.77.60.10'))).toEqual({
    permit: ['add element ip fabric eni_addr { "e-b" . 10.77.60.10 }'],
    routes: ['route replace 10.77.60.10/32 via 10.77.60.5 dev e-b onlink'],
    forbid: ['delete element ip fabric eni_addr { "e-a" . 10.77.60.10 }'],
    changes: [{ address: '10.77.60.10', to: 'e-b', from: 'e-a' }],
  });
});

test('a release takes the route away before the permission', () => {
  const before = give(sampleSpace(), 'eni-a', '10.77.60.10');
  const plan = between(before, sampleSpace());
  expect(plan.routes).toEqual(['route del 10.77.60.10/32']);
  expect(plan.forbid).toEqual(['delete element ip fabric eni_addr { "e-a" . 10.77.60.10 }']);
});

test('a reservation changes nothing, and neither does the same view again', () => {
  const space = sampleSpace();
  const nothing = { permit: [], routes: [], forbid: [], changes: [] };
  expect(between(space, give(space, 'eni-a', '10.77.60.10', false))).toEqual(nothing);
  expect(between(space, space)).toEqual(nothing);
});

test('forwarding opens the check at once with new addresses, and closes it after old ones', () => {
  const space = sampleSpace();
  const open = valueOf(setForwarding(space, 'eni-a', true));
  expect(between(space, open).permit).toEqual(['add element ip fabric nocheck { "e-a" }']);
  expect(between(open, space).forbid).toEqual(['delete element ip fabric nocheck { "e-a" }']);
});

test('a public address is mapped both ways, and only where there is one', () => {
  const rules = fabricRuleset(sampleConfig());
  expect(rules).toContain('map pub2priv { type ipv4_addr : ipv4_addr; elements = { 198.51.100.31 : 10.77.60.4 } }');
  expect(rules).toContain('map priv2pub { type ipv4_addr : ipv4_addr; elements = { 10.77.60.4 : 198.51.100.31 } }');
});

test('only Azure answers for the whole subnet', () => {
  const whole = 'route replace 10.77.60.0/24 dev lo';
  expect(fabricPlumbing(sampleConfig('azure'))).toContain(whole);
  expect(fabricPlumbing(sampleConfig('aws'))).not.toContain(whole);
  expect(fabricPlumbing(sampleConfig('oci'))).not.toContain(whole);
});
