import { instant } from '@routerd/resources';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deriveLease } from '../src/lease.ts';
import type { AddressLease, Sighting } from '../src/model.ts';
import {
  address,
  contextOf,
  inputOf,
  node,
  pool,
  recordOf,
  recordsOf,
  sighting,
  site,
  situationOf,
  type SituationOptions,
} from './fixtures.ts';

const context = contextOf();

function lease(siteName: string, more: Partial<AddressLease> = {}): AddressLease {
  return {
    pool,
    address,
    status: 'active',
    site: site(siteName),
    ownerNode: node(`${siteName}-router-a`),
    role: siteName === 'onprem' ? 'onprem' : 'cloud',
    leaseEpoch: 1,
    since: instant(0),
    expiresAt: instant(60_000),
    challenger: undefined,
    ...more,
  };
}

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

test('the TTL passing at a living node holds, then ends the lease', () => {
  const old = [sighting('onprem-router-a', { ttl: 1000 })];
  expect(verdict(old, lease('onprem'), { now: 1000 })).toMatchObject({
    lease: { status: 'holding' },
    lookAgainAt: 6000,
  });
  expect(verdict(old, lease('onprem'), { now: 6000 }).lease).toMatchObject({ status: 'expired' });
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

test('static ownership stands without facts and does not end', () => {
  const owning = contextOf({ owned: { 'onprem-router-a': [address] } });
  const result = deriveLease(owning, situationOf(owning, { now: 10 ** 12 }), inputOf([]));
  expect(result.lease).toMatchObject({ status: 'active', site: 'onprem', expiresAt: undefined });
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

test('a fact about another site than its sender, or from no member, counts for nothing', () => {
  expect(
    verdict([{ ...sighting('aws-router-a'), site: site('onprem') }, sighting('stranger-router-a')]).lease,
  ).toBeUndefined();
});

test('the order of facts never matters, and equal inputs give equal bytes', () => {
  const voice = fc.record({
    source: fc.constantFrom('onprem-router-a', 'onprem-router-b', 'aws-router-a', 'oci-router-b'),
    at: fc.nat(5000),
    ttl: fc.integer({ min: 1, max: 5000 }),
    kind: fc.constantFrom('observed' as const, 'expired' as const),
  });
  const last = fc.uniqueArray(voice, { selector: ({ source }) => source, maxLength: 4 });
  fc.assert(
    fc.property(last, fc.nat(12_000), fc.boolean(), (voices, now, dead) => {
      const sightings = voices.map(({ source, ...rest }) => sighting(source, rest));
      const options: SituationOptions = { now, ...(dead ? { liveness: { 'onprem-router-a': 'dead' as const } } : {}) };
      const forwards = JSON.stringify(verdict(sightings, lease('onprem'), options));
      expect(JSON.stringify(verdict(sightings.toReversed(), lease('onprem'), options))).toBe(forwards);
    }),
  );
});
