/** Many routers plan at once, fail and come back: what must hold at every step, and what must hold when faults have stopped. */
import { parseHostAddress, type NodeName, type SiteName } from '@routerd/resources';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { must, node, site } from './fixtures.ts';
import { Fleet, TTL_MS } from './fleet.ts';

const SITES = ['onprem', 'aws', 'azure'] as const; // OCI never owns here: it always captures
const ROUTERS = ['onprem', 'aws', 'azure', 'oci'].flatMap((name) => [`${name}-router-a`, `${name}-router-b`]);
const ADDRESSES = [10, 11, 200].map((host) => must(parseHostAddress(`10.77.60.${host}/32`)));

const address = fc.constantFrom(...ADDRESSES);
const router = fc.constantFrom(...ROUTERS);
const event = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('move' as const), address, to: fc.constantFrom(...SITES, undefined) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('toggle' as const), router }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drain' as const), router }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('steps' as const), order: fc.array(router, { maxLength: 12 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 100, max: 2 * TTL_MS }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('provider' as const), isFailing: fc.boolean() }) },
);
type Event = typeof event extends fc.Arbitrary<infer Drawn> ? Drawn : never;

function apply(fleet: Fleet, happening: Event): void {
  switch (happening.kind) {
    case 'move':
      return fleet.move(happening.address, happening.to === undefined ? undefined : site(happening.to));
    case 'toggle': {
      const one = fleet.router(node(happening.router));
      one.isAlive = !one.isAlive;
      return;
    }
    case 'drain': {
      const one = fleet.router(node(happening.router));
      one.isDraining = !one.isDraining;
      return;
    }
    case 'steps':
      fleet.observe();
      for (const name of happening.order) fleet.step(node(name));
      return;
    case 'provider':
      fleet.isProviderFailing = happening.isFailing;
      return;
    case 'wait':
      fleet.now += happening.ms;
  }
}

function members(fleet: Fleet, at: SiteName): readonly NodeName[] {
  return [...fleet.routers].filter(([, { context }]) => context.selfMember?.site === at).map(([name]) => name);
}

/** Faults end: everybody lives, nobody drains, providers answer. */
function heal(fleet: Fleet): void {
  fleet.isProviderFailing = false;
  for (const one of fleet.routers.values()) {
    one.isAlive = true;
    one.isDraining = false;
  }
}

function expectConverged(fleet: Fleet): void {
  for (const each of ADDRESSES) {
    const home = fleet.home(each);
    for (const at of ['onprem', 'aws', 'azure', 'oci'].map((name) => site(name))) {
      const best = members(fleet, at).slice(0, home === undefined || at === home ? 0 : 1);
      expect(fleet.capturers(each, at), `${each} at ${at}\n${fleet.describe()}`).toEqual(best);
    }
  }
}

test('from nothing, each address is captured once in every other site, and then nothing is left to do', () => {
  const fleet = new Fleet(ADDRESSES);
  fleet.move(ADDRESSES[0]!, site('onprem'));
  fleet.move(ADDRESSES[1]!, site('aws'));
  expect(fleet.settle(10)).toBeLessThanOrEqual(6);
  expectConverged(fleet);
  expect(fleet.moves).toBe(6);
  expect(fleet.violations).toEqual([]);
});

test('a dead holder is succeeded once, and takes its captures back once when it returns', () => {
  const fleet = new Fleet(ADDRESSES);
  fleet.move(ADDRESSES[0]!, site('onprem'));
  fleet.settle(10);
  const before = fleet.moves;
  fleet.router(node('aws-router-a')).isAlive = false;
  expect(fleet.settle(10)).toBeDefined();
  expect(fleet.capturers(ADDRESSES[0]!, site('aws'))).toEqual(['aws-router-b']);
  expect(fleet.moves).toBe(before + 1);
  fleet.router(node('aws-router-a')).isAlive = true;
  expect(fleet.settle(10)).toBeDefined();
  expectConverged(fleet);
  expect(fleet.moves).toBe(before + 2);
});

test('an address that somebody puts on the NIC of a standby goes back to its holder, in the same tenure', () => {
  const fleet = new Fleet(ADDRESSES);
  fleet.move(ADDRESSES[0]!, site('onprem'));
  fleet.settle(10);
  const { moves } = fleet;
  fleet.router(node('aws-router-a')).nic.addresses.delete(ADDRESSES[0]!);
  fleet.router(node('aws-router-b')).nic.addresses.add(ADDRESSES[0]!);
  fleet.now += 1000;
  expect(fleet.settle(10)).toBeDefined();
  expectConverged(fleet);
  expect(fleet.router(node('aws-router-b')).nic.addresses.size).toBe(0);
  expect(fleet.moves).toBe(moves);
  expect(fleet.violations).toEqual([]);
});

test('a machine that leaves for good is captured nowhere, and its NICs are as they were', () => {
  const fleet = new Fleet(ADDRESSES);
  fleet.move(ADDRESSES[0]!, site('onprem'));
  fleet.settle(10);
  fleet.move(ADDRESSES[0]!, undefined);
  expect(fleet.settle(10)).toBeDefined();
  expectConverged(fleet);
  for (const { nic } of fleet.routers.values()) expect(nic).toEqual({ addresses: new Set(), forwarding: false });
});

test('a machine may come to a site whose capturing router is dead', () => {
  const fleet = new Fleet(ADDRESSES);
  fleet.move(ADDRESSES[0]!, site('aws'));
  fleet.settle(10);
  fleet.router(node('onprem-router-a')).isAlive = false;
  fleet.move(ADDRESSES[0]!, site('onprem'));
  expect(fleet.settle(20)).toBeDefined();
  expect(fleet.router(node('oci-router-a')).leases.get(ADDRESSES[0]!)).toMatchObject({
    status: 'active',
    site: 'onprem',
    ownerNode: 'onprem-router-b',
  });
});

test('whatever fails in whatever order, nothing forbidden happens, and when faults stop the fleet converges', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const fleet = new Fleet(ADDRESSES);
      for (const happening of events) apply(fleet, happening);
      heal(fleet);
      const faults = events.filter(({ kind }) => kind === 'move' || kind === 'toggle' || kind === 'drain').length;
      fleet.now += 2 * TTL_MS; // what only a dead router knew has lapsed
      const rounds = fleet.settle(60);
      expect(rounds === undefined ? fleet.describe() : 'settled').toBe('settled');
      expect(fleet.violations).toEqual([]);
      expectConverged(fleet);
      // I6: each fault moves each capture at most once away and once back, in each of the four domains.
      expect(fleet.moves).toBeLessThanOrEqual((faults + 1) * ADDRESSES.length * 4 * 2);
    }),
    { numRuns: 300 },
  );
}, 60_000);
