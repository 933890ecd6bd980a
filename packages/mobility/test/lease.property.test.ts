/** Leases over random facts: properties, and agreement with a naive second implementation. */
import { instant } from '@routerd/resources';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deriveLease, type LeaseVerdict } from '../src/lease.ts';
import type { AddressInput, AddressLease, Liveness, PoolContext, PoolSituation } from '../src/model.ts';
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
} from './fixtures.ts';
import { wordOf, type Word } from './oracle.ts';

const HOLD_MS = 5000; // of the fixture's pool
const SITES = ['onprem', 'aws', 'azure'] as const;
const SOURCES = SITES.flatMap((name) => [`${name}-router-a`, `${name}-router-b`]);

const spoken = fc.record({
  source: fc.constantFrom(...SOURCES),
  at: fc.nat(9000),
  age: fc.nat(4000),
  ttl: fc.integer({ min: 1, max: 6000 }),
  kind: fc.constantFrom('observed' as const, 'observed' as const, 'expired' as const),
});
const sightings = fc
  .uniqueArray(spoken, { selector: ({ source }) => source, maxLength: 5 })
  .map((all) =>
    all.map(({ source, age, ...rest }) => sighting(source, { ...rest, first: Math.max(0, rest.at - age) })),
  );
const previous = fc.option(
  fc.record({
    site: fc.constantFrom(...SITES),
    letter: fc.constantFrom('a', 'b'),
    status: fc.constantFrom(
      'active' as const,
      'holding' as const,
      'conflict' as const,
      'stale' as const,
      'expired' as const,
    ),
    lapsingSince: fc.option(fc.nat(12_000), { nil: undefined }),
  }),
  { nil: undefined },
);
const liveness = fc.record(
  Object.fromEntries(SOURCES.map((name) => [name, fc.constantFrom<Liveness>('alive', 'suspect', 'dead', 'unheard')])),
);
const worlds = fc.record({
  sightings,
  previous,
  liveness,
  now: fc.nat(14_000),
  disconnected: fc.boolean(),
  membersAwaited: fc.boolean(),
  isStatic: fc.boolean(),
  awsHolds: fc.boolean(),
});
type World = readonly [PoolContext, PoolSituation, AddressInput];

const undeclared = contextOf();
const declared = contextOf({ owned: { 'onprem-router-a': [address] } });

function given(drawn: typeof worlds extends fc.Arbitrary<infer Drawn> ? Drawn : never): World {
  const context = drawn.isStatic ? declared : undeclared;
  const records = drawn.awsHolds ? recordsOf(recordOf(context, 'aws-router-a')) : recordsOf();
  const input = inputOf(drawn.sightings, { previousLease: leaseFrom(drawn.previous), records });
  return [context, situationOf(context, drawn), input];
}

function leaseFrom(
  drawn: { site: string; letter: string; status: AddressLease['status']; lapsingSince: number | undefined } | undefined,
): AddressLease | undefined {
  if (drawn === undefined) return undefined;
  const isLapsing = drawn.lapsingSince !== undefined && drawn.status === 'holding';
  return {
    pool,
    address,
    status: drawn.status,
    site: site(drawn.site),
    ownerNode: node(`${drawn.site}-router-${drawn.letter}`),
    role: drawn.site === 'onprem' ? 'onprem' : 'cloud',
    leaseEpoch: 7,
    since: instant(0),
    expiresAt: instant(5000),
    ...(isLapsing ? { lapsingSince: instant(drawn.lapsingSince ?? 0) } : {}),
    challenger: undefined,
  };
}

test('the order of facts never matters, and equal inputs give equal bytes', () => {
  fc.assert(
    fc.property(worlds, fc.func(fc.integer()), (world, rank) => {
      const [context, situation, input] = given(world);
      const shuffled = { ...input, sightings: input.sightings.toSorted((a, b) => rank(a.source) - rank(b.source)) };
      expect(JSON.stringify(deriveLease(context, situation, shuffled))).toBe(
        JSON.stringify(deriveLease(context, situation, input)),
      );
    }),
  );
});

test('deriving again from the outcome, at the same instant, changes nothing', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const [context, situation, input] = given(world);
      const once = deriveLease(context, situation, input);
      const twice = deriveLease(context, situation, { ...input, previousLease: once.lease });
      expect(twice.lease).toEqual(once.lease);
      expect(twice.lookAgainAt).toBe(once.lookAgainAt);
    }),
    { numRuns: 1000 },
  );
});

test('between news, a lease changes at the instants it named and at no other', () => {
  fc.assert(
    fc.property(worlds, fc.integer({ min: 1, max: 20_000 }), (world, later) => {
      const [context, situation, input] = given(world);
      const before = deriveLease(context, situation, input);
      const until = Math.min(situation.now + later, (before.lookAgainAt ?? Number.MAX_SAFE_INTEGER) - 1);
      const after = deriveLease(
        context,
        { ...situation, now: instant(until) },
        { ...input, previousLease: before.lease },
      );
      expect(after.lease).toEqual(before.lease);
    }),
    { numRuns: 1000 },
  );
});

test('a lease moves to a site that asserts, and the epoch counts the moves', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const [context, situation, input] = given(world);
      const { lease } = deriveLease(context, situation, input);
      const before = input.previousLease;
      const hasMoved = before !== undefined && lease !== undefined && lease.site !== before.site;
      expect(lease?.leaseEpoch).toBe(lease === undefined ? undefined : (before?.leaseEpoch ?? 1) + Number(hasMoved));
      const asserting = new Set([
        ...input.sightings
          .filter((each) => each.kind === 'observed' && situation.now < each.expiresAt)
          .map((each) => each.site),
        ...[...context.members.values()]
          .filter(({ spec }) => spec.staticOwnedAddresses.length > 0)
          .map((each) => each.site),
      ]);
      expect(!hasMoved || asserting.has(lease.site)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test('silence alone ends nothing: with nobody heard and no denial, an owned address stays owned', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const [context, situation, input] = given(world);
      const deaf: PoolSituation = { ...situation, registryConnected: false };
      const silent = input.sightings.filter(({ kind }) => kind === 'observed');
      const { lease } = deriveLease(context, deaf, { ...input, sightings: silent });
      const before = input.previousLease;
      const wasOwned = before !== undefined && before.status !== 'expired';
      expect(wasOwned ? lease?.site : undefined).toBe(wasOwned ? before.site : undefined);
      expect(wasOwned && lease?.status === 'expired').toBe(false);
    }),
    { numRuns: 1000 },
  );
});

// ---- compared with a naive second implementation ----

function wordAt([context, situation, input]: World, name: string): Word {
  return wordOf({ context, situation, input }, name);
}

function oracle(world: World): string {
  const [, { now, registryConnected, membersWaited }, { previousLease: before }] = world;
  const fresh = SITES.map((name) => ({ name, ...wordAt(world, name) }))
    .filter(({ says }) => says === 'fresh')
    .toSorted((a, b) => a.first - b.first || (a.name < b.name ? -1 : 1));
  const owned = (name: string): string => `${fresh.some((each) => each.name !== name) ? 'conflict' : 'active'} ${name}`;
  if (before === undefined || before.status === 'expired') {
    const [winner] = fresh;
    if (winner !== undefined) return owned(winner.name);
    if (before !== undefined) return `expired ${before.site}`;
    return SITES.some((name) => wordAt(world, name).says === 'gone') ? 'expired' : 'none';
  }
  const incumbent = before.site;
  const { says } = wordAt(world, incumbent);
  // The pool names who has it when nobody asserts it: until that one does, it stays where it was.
  const isAwaited = incumbent !== 'onprem' && world[0] === declared;
  const end = isAwaited ? `holding ${incumbent}` : `expired ${incumbent}`;
  const [rival] = fresh.filter(({ name }) => name !== incumbent);
  if (says === 'fresh') return owned(incumbent);
  if (says === 'gone') return rival === undefined ? end : owned(rival.name);
  if (says === 'lapsed') {
    if (now < (before.lapsingSince ?? now) + HOLD_MS) return `holding ${incumbent}`;
    return rival === undefined ? end : owned(rival.name);
  }
  if (rival === undefined || !registryConnected || !membersWaited) return `stale ${incumbent}`;
  return now < rival.first + HOLD_MS ? `holding ${incumbent}` : owned(rival.name);
}

function told({ lease }: LeaseVerdict, expected: string): string {
  if (lease === undefined) return 'none';
  return expected === 'expired' ? lease.status : `${lease.status} ${lease.site}`;
}

test('leases agree with a naive second implementation', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const expected = oracle(given(world));
      expect(told(deriveLease(...given(world)), expected)).toBe(expected);
    }),
    { numRuns: 3000 },
  );
}, 60_000);
