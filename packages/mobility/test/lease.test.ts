import { instant, parseHostAddress } from '@routerd/resources';
import { expect, test } from 'vitest';
import { deriveLease } from '../src/lease.ts';
import type { AddressLease, Sighting } from '../src/model.ts';
import {
  address,
  contextOf,
  inputOf,
  leaseAt as lease,
  must,
  node,
  recordOf,
  recordsOf,
  sighting,
  site,
  situationOf,
  type SituationOptions,
} from './fixtures.ts';

const context = contextOf();

function verdict(sightings: readonly Sighting[], previousLease?: AddressLease, options: SituationOptions = {}) {
  return deriveLease(context, situationOf(context, options), inputOf(sightings, { previousLease }));
}

test('nobody has said anything: there is no lease', () => {
  expect(verdict([])).toEqual({ lease: undefined, because: [{ rule: 'lease.never-seen' }], lookAgainAt: undefined });
});

test('the first observation makes a lease of epoch 1, looked at again when it ends', () => {
  const result = verdict([sighting('onprem-router-a')]);
  expect(result.lease).toMatchObject({ status: 'active', site: 'onprem', leaseEpoch: 1, ownerNode: 'onprem-router-a' });
  expect(result.lookAgainAt).toBe(60_000);
});

test('two routers of one site asserting are one voice', () => {
  const both = [sighting('onprem-router-b', { at: 10 }), sighting('onprem-router-a', { at: 5 })];
  expect(verdict(both).lease).toMatchObject({ status: 'active', ownerNode: 'onprem-router-a', expiresAt: 60_010 });
  expect(verdict(both, lease('onprem', { ownerNode: node('onprem-router-b') })).lease).toMatchObject({
    ownerNode: 'onprem-router-b',
  });
});

test('a fresh incumbent keeps against a fresh challenger, visibly', () => {
  const result = verdict([sighting('onprem-router-a'), sighting('aws-router-a', { at: 900 })], lease('onprem'));
  expect(result.lease).toMatchObject({
    status: 'conflict',
    site: 'onprem',
    leaseEpoch: 1,
    challenger: { site: 'aws' },
  });
});

test('a positive expiry ends the lease at once, and needs no hold for the next site', () => {
  const gone = sighting('onprem-router-a', { kind: 'expired' });
  expect(verdict([gone], lease('onprem')).lease).toMatchObject({ status: 'expired', site: 'onprem', leaseEpoch: 1 });
  expect(verdict([gone, sighting('aws-router-a', { at: 999 })], lease('onprem')).lease).toMatchObject({
    status: 'active',
    site: 'aws',
    leaseEpoch: 2,
  });
});

test('one router saying expired does not silence the other that still asserts', () => {
  const result = verdict(
    [sighting('onprem-router-a', { kind: 'expired', at: 20 }), sighting('onprem-router-b', { at: 10 })],
    lease('onprem'),
  );
  expect(result.lease).toMatchObject({ status: 'active', ownerNode: 'onprem-router-b' });
});

test('the TTL passing at a living node holds from when that was seen, then ends the lease', () => {
  const old = [sighting('onprem-router-a', { ttl: 1000 })];
  const lapsing = verdict(old, lease('onprem'), { now: 1000 });
  expect(lapsing).toMatchObject({ lease: { status: 'holding', lapsingSince: 1000 }, lookAgainAt: 6000 });
  expect(verdict(old, lapsing.lease, { now: 5999 }).lease).toEqual(lapsing.lease);
  expect(verdict(old, lapsing.lease, { now: 6000 }).lease).toMatchObject({ status: 'expired', since: 6000 });
});

test('an outage of the hub ends no lease, and afterwards the owner has the hold to be heard in', () => {
  const old = [sighting('onprem-router-a', { ttl: 1000 })];
  const cutOff = verdict(old, lease('onprem'), { now: 3_600_000, disconnected: true });
  expect(cutOff.lease).toMatchObject({ status: 'stale' });
  const back = verdict(old, cutOff.lease, { now: 3_600_001 });
  expect(back).toMatchObject({ lease: { status: 'holding' }, lookAgainAt: 3_605_001 });
  const heard = [sighting('onprem-router-a', { at: 3_600_500 })];
  expect(verdict(heard, back.lease, { now: 3_600_500 }).lease).toEqual({
    ...lease('onprem'),
    expiresAt: 3_660_500,
  });
});

test('a node that cannot hear moves no lease, whatever lapses first', () => {
  const sightings = [sighting('onprem-router-a', { ttl: 1000 }), sighting('aws-router-a', { ttl: 90_000 })];
  for (const deafness of [{ disconnected: true }, { membersAwaited: true }]) {
    const result = verdict(sightings, lease('onprem'), { now: 60_000, ...deafness });
    expect(result.lease).toMatchObject({ status: 'stale', site: 'onprem', challenger: { site: 'aws' } });
  }
});

test('when the owning router is silent, a later denial by its neighbour speaks for the site', () => {
  const options = { now: 60_000, liveness: { 'onprem-router-a': 'dead' } } as const;
  const silent = sighting('onprem-router-a', { at: 500, ttl: 1000 });
  const denial = (at: number): Sighting => sighting('onprem-router-b', { at, kind: 'expired' });
  expect(verdict([silent, denial(499)], lease('onprem'), options).lease).toMatchObject({ status: 'stale' });
  expect(verdict([silent, denial(501)], lease('onprem'), options).lease).toMatchObject({ status: 'expired' });
});

test('of several challengers the one that asserts longest takes over, and the others stay visible', () => {
  const gone = sighting('onprem-router-a', { kind: 'expired' });
  const challengers = [sighting('oci-router-a', { first: 300 }), sighting('azure-router-a', { first: 200 })];
  const result = verdict([gone, ...challengers], lease('onprem'), { now: 900 });
  expect(result.lease).toMatchObject({ status: 'conflict', site: 'azure', leaseEpoch: 2, challenger: { site: 'oci' } });
  expect(result.lookAgainAt).toBe(60_000);
});

test('a newcomer that hears only of an end knows that it is one', () => {
  const result = verdict([sighting('onprem-router-a', { kind: 'expired' })]);
  expect(result).toMatchObject({ lease: { status: 'expired', site: 'onprem' }, lookAgainAt: undefined });
  expect(result.because).toEqual([{ rule: 'lease.expired-fact', source: 'onprem-router-a' }]);
});

test("an address outside the pool is nobody's, whoever says so", () => {
  const foreign = must(parseHostAddress('10.99.0.1/32'));
  const result = deriveLease(context, situationOf(context), {
    ...inputOf([{ ...sighting('onprem-router-a'), address: foreign }]),
    address: foreign,
  });
  expect(result.lease).toBeUndefined();
});

test('the TTL passing at a silent node proves nothing: the lease is stale and stays', () => {
  const old = [sighting('onprem-router-a', { ttl: 1000 })];
  for (const liveness of ['dead', 'suspect', 'unheard'] as const) {
    const result = verdict(old, lease('onprem'), { now: 10_000_000, liveness: { 'onprem-router-a': liveness } });
    expect(result.lease).toMatchObject({ status: 'stale', site: 'onprem', leaseEpoch: 1 });
  }
});

test('a stale incumbent hands over after a hold that is anchored at the first sighting of the challenger', () => {
  const options = { liveness: { 'onprem-router-a': 'dead' } } as const;
  const sightings = (at: number): readonly Sighting[] => [
    sighting('onprem-router-a', { ttl: 1000 }),
    sighting('aws-router-a', { at, first: 2000 }),
  ];
  expect(verdict(sightings(4000), lease('onprem'), { ...options, now: 6999 })).toMatchObject({
    lease: { status: 'holding', site: 'onprem', challenger: { site: 'aws' } },
    lookAgainAt: 7000,
  });
  expect(verdict(sightings(6900), lease('onprem'), { ...options, now: 7000 }).lease).toMatchObject({
    status: 'active',
    site: 'aws',
    leaseEpoch: 2,
  });
});

test('a challenger that falls silent gives the lease back to the incumbent', () => {
  const challenged = lease('onprem', {
    status: 'holding',
    challenger: { site: site('aws'), node: node('aws-router-a'), firstAcceptedAt: instant(10) },
  });
  const result = verdict([sighting('onprem-router-a'), sighting('aws-router-a', { kind: 'expired' })], challenged);
  expect(result.lease).toMatchObject({ status: 'active', site: 'onprem', challenger: undefined });
});

test('the same site coming back after its end keeps the lease epoch, another site raises it', () => {
  const ended = lease('onprem', { status: 'expired', leaseEpoch: 3 });
  expect(verdict([sighting('onprem-router-a')], ended).lease).toMatchObject({ status: 'active', leaseEpoch: 3 });
  expect(verdict([sighting('oci-router-a')], ended).lease).toMatchObject({
    status: 'active',
    site: 'oci',
    leaseEpoch: 4,
  });
});

test('static ownership stands without facts, does not end, and is visible when contested', () => {
  const owning = contextOf({ owned: { 'onprem-router-a': [address] } });
  const now = 10 ** 12;
  const result = deriveLease(owning, situationOf(owning, { now }), inputOf([sighting('onprem-router-a')]));
  expect(result.lease).toMatchObject({ status: 'active', site: 'onprem', expiresAt: undefined });
  expect(result.lookAgainAt).toBeUndefined();
  expect(result.because).toEqual([{ rule: 'lease.static', node: 'onprem-router-a' }]);
  const contested = deriveLease(owning, situationOf(owning, { now }), inputOf([sighting('aws-router-a', { at: now })]));
  expect(contested.lease).toMatchObject({ status: 'conflict', site: 'onprem', challenger: { site: 'aws' } });
});

test('a static owner that denies the address has released it, whatever this node was configured with', () => {
  const owning = contextOf({ owned: { 'onprem-router-a': [address] } });
  const denied = inputOf([sighting('onprem-router-a', { kind: 'expired' })], { previousLease: lease('onprem') });
  expect(deriveLease(owning, situationOf(owning), denied).lease).toMatchObject({ status: 'expired' });
});

test('what a router captures it cannot own: its observation is ignored, with the reason', () => {
  const record = recordOf(context, 'aws-router-a');
  const result = deriveLease(
    context,
    situationOf(context),
    inputOf([sighting('aws-router-a')], { records: recordsOf(record) }),
  );
  expect(result.lease).toBeUndefined();
  expect(result.because).toContainEqual({
    rule: 'fact.refused-holder',
    source: 'aws-router-a',
    captureKey: record.key,
  });
});

test('a site that captures an address itself owns it no longer, once the hold is over and unless nobody can be heard', () => {
  const records = recordsOf(recordOf(context, 'aws-router-a'));
  const given = inputOf([sighting('aws-router-a')], { records, previousLease: lease('aws') });
  const held = deriveLease(context, situationOf(context), given);
  expect(held.lease).toMatchObject({ status: 'holding', site: 'aws' });
  const later = situationOf(context, { now: held.lookAgainAt ?? instant(0) });
  const again = { ...given, previousLease: held.lease };
  expect(deriveLease(context, later, again).lease).toMatchObject({ status: 'expired', site: 'aws' });
  const deaf = { ...later, registryConnected: false };
  expect(deriveLease(context, deaf, again).lease).toMatchObject({ status: 'stale', site: 'aws' });
});

test('a fact about another site than its sender, or from no member, counts for nothing', () => {
  expect(
    verdict([{ ...sighting('aws-router-a'), site: site('onprem') }, sighting('stranger-router-a')]).lease,
  ).toBeUndefined();
});

test('of the routers of a site the one that the pool declares speaks for it, whichever else has seen the machine', () => {
  for (const owner of ['onprem-router-a', 'onprem-router-b']) {
    const declaring = contextOf({ owned: { [owner]: [address] } });
    const seen = inputOf([sighting('onprem-router-a'), sighting('onprem-router-b')]);
    expect(deriveLease(declaring, situationOf(declaring), seen)).toMatchObject({
      lease: { ownerNode: owner, expiresAt: undefined, status: 'active' },
      lookAgainAt: undefined,
      because: [{ rule: 'lease.static', node: owner }],
    });
  }
});
