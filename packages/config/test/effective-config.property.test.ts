/** Merging compared with a second, naive implementation, and the laws that it keeps. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkResource,
  identityOf,
  indexResources,
  instant,
  isOfKind,
  ofKind,
  type Instant,
  type Resource,
} from '@routerd/resources';
import { canonicalJson, digestOf, effectiveConfig, type DynamicConfigPart } from '../src/index.ts';
import {
  claim,
  domain,
  grant,
  group,
  link,
  mask,
  ownClaim,
  peer,
  pool,
  route,
  targetOf,
  tunnelAddress,
  wireGuard,
} from './sample-resources.ts';

/** What most of the others need, so that rejections have more interesting reasons than a missing peer. */
const GROUND: readonly Resource[] = [peer('a'), group];
const PALETTE: readonly Resource[] = [
  peer('b'),
  domain('net', '10.77.60.0/24'),
  domain('other', '10.77.61.0/24'),
  claim('c1', 'net', '10.77.60.1/32'),
  claim('c2', 'net', '10.77.60.2/32', 'b'),
  claim('c2-again', 'net', '10.77.60.2/32'),
  claim('c3', 'other', '10.77.61.3/32'),
  claim('c4', 'net', '10.77.99.4/32'),
  ownClaim('c5', 'net', '10.77.60.5/32', 'b'),
  route('r1', '192.0.2.0/24'),
  route('r2', '0.0.0.0/0'),
  link('lan', 'lan0'),
  link('lan2', 'lan0'),
  wireGuard('wg0', 1),
  wireGuard('wg1', 1),
  wireGuard('wg2', 2),
  tunnelAddress('t', 'wg0', '10.77.60.77/32'),
];
const POOLS: readonly Resource[] = [pool('p1', '10.77.60.0/24'), pool('p2', '10.77.61.0/24')];
const SOURCES = ['Plugin/a', 'Plugin/b', 'Plugin/c', 'MobilityPool/d'] as const;

const someResources = (maxLength: number) => fc.subarray([...PALETTE], { maxLength });
const somePart = fc
  .record({
    source: fc.constantFrom(...SOURCES),
    generation: fc.integer({ min: 1, max: 2 }),
    observedAt: fc.nat(2).map(instant),
    expiresAt: fc.integer({ min: 11, max: 15 }).map(instant),
    resources: someResources(3),
    directives: fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      {
        weight: 1,
        arbitrary: fc.subarray([...GROUND, ...PALETTE], { maxLength: 2 }).map((all) => all.map((each) => mask(each))),
      },
    ),
  })
  .map((fields): DynamicConfigPart => ({ ...fields, actionPlans: [] }));
/** Sources a and MobilityPool/d may mask anything, b a part of it, c nothing. */
const GRANTS: readonly Resource[] = [
  grant('ga', 'Plugin/a', [...GROUND, ...PALETTE]),
  grant('gb', 'Plugin/b', PALETTE.slice(0, 8)),
  grant('gd', 'MobilityPool/d', [...GROUND, ...PALETTE]),
];
const world = fc.record({
  startup: fc
    .tuple(someResources(6), fc.subarray([...POOLS]))
    .map(([resources, pools]) => [...GROUND, ...GRANTS, ...pools, ...resources]),
  parts: fc.array(somePart, { maxLength: 6 }),
  now: fc.integer({ min: 9, max: 13 }).map(instant),
});

/** The rules of effectiveConfig, read aloud: no layers, no memory, everything validated every time. */
function naive(startup: readonly Resource[], parts: readonly DynamicConfigPart[], now: Instant) {
  const rejected: string[] = [];
  let accepted: readonly DynamicConfigPart[] = [];
  for (const part of newestOfEach(parts)) {
    if (now >= part.expiresAt) continue;
    const isJoining =
      part.directives.every(({ target }) => isGranted(startup, part.source, target)) &&
      !repeats([...startup, ...accepted.flatMap(({ resources }) => resources)], part) &&
      !breaks(startup, [], part) &&
      (accepted.length === 0 || !breaks(startup, accepted, part));
    if (isJoining) accepted = [...accepted, part];
    else rejected.push(part.source);
  }
  const gone = maskedBy(accepted);
  const resources = [
    ...startup
      .filter((resource) => !gone.has(identityOf(resource)))
      .map((resource) => ({ resource, source: 'startup-config' })),
    ...accepted.flatMap(({ source, resources: added }) => added.map((resource) => ({ resource, source }))),
  ];
  return { resources, rejected, suppressed: startup.filter((resource) => gone.has(identityOf(resource))) };
}

/** Of each source the one that counts, the planner's first. */
function newestOfEach(parts: readonly DynamicConfigPart[]): readonly DynamicConfigPart[] {
  const rank = ({ generation, observedAt, expiresAt, resources, directives }: DynamicConfigPart) =>
    [9 - generation, 9 - observedAt, 99 - expiresAt, canonicalJson([resources, directives, []])] as const;
  const bySource = Map.groupBy(parts, ({ source }) => source);
  return ['MobilityPool/d', 'Plugin/a', 'Plugin/b', 'Plugin/c'].flatMap((source) =>
    (bySource.get(source) ?? []).toSorted((x, y) => compareRanks(rank(x), rank(y))).slice(0, 1),
  );
}

function compareRanks(
  a: readonly [number, number, number, string],
  b: readonly [number, number, number, string],
): number {
  const position = a.findIndex((value, index) => value !== b[index]);
  return position < 0 ? 0 : (a[position] ?? 0) < (b[position] ?? 0) ? -1 : 1;
}

function isGranted(startup: readonly Resource[], source: string, target: object): boolean {
  const declared = startup.find((resource) => canonicalJson(targetOf(resource)) === canonicalJson(target));
  return (
    declared !== undefined &&
    declared.kind !== 'EventGroup' &&
    ofKind(startup, 'DynamicOverridePolicy').some(({ spec }) =>
      spec.allow.some(
        (allow) => allow.source === source && allow.targets.some((one) => canonicalJson(one) === canonicalJson(target)),
      ),
    )
  );
}

function repeats(below: readonly Resource[], { source, resources }: DynamicConfigPart): boolean {
  const all = [...below, ...resources];
  return resources.some(
    (resource) =>
      all.filter((other) => identityOf(other) === identityOf(resource)).length > 1 ||
      (source !== 'MobilityPool/d' &&
        isOfKind(resource, 'RemoteAddressClaim') &&
        ofKind(below, 'RemoteAddressClaim').some(({ spec }) => spec.address === resource.spec.address)),
  );
}

function maskedBy(parts: readonly DynamicConfigPart[]): ReadonlySet<string> {
  return new Set(
    parts.flatMap(({ directives }) =>
      directives.map(({ target: { apiVersion, kind, name } }) => identityOf({ apiVersion, kind, metadata: { name } })),
    ),
  );
}

/** Whether the part is invalid where it joins, or makes something invalid that is valid without parts. */
function breaks(
  startup: readonly Resource[],
  accepted: readonly DynamicConfigPart[],
  part: DynamicConfigPart,
): boolean {
  const remaining = (parts: readonly DynamicConfigPart[]) => {
    const gone = maskedBy(parts);
    return startup.filter((resource) => !gone.has(identityOf(resource)));
  };
  const derived = accepted.flatMap(({ resources }) => resources);
  const left = remaining([...accepted, part]);
  const after = [...left, ...derived, ...part.resources];
  const isValid = (resource: Resource, among: readonly Resource[], authorship: 'authored' | 'derived') =>
    checkResource(resource, indexResources(among), authorship).every(({ severity }) => severity !== 'error');
  return (
    part.resources.some((resource) => !isValid(resource, after, 'derived')) ||
    left.some((resource) => isValid(resource, startup, 'authored') && !isValid(resource, after, 'authored')) ||
    derived.some((resource) => !isValid(resource, after, 'derived'))
  );
}

describe('effectiveConfig', () => {
  it('agrees with the naive implementation', () => {
    fc.assert(
      fc.property(world, ({ startup, parts, now }) => {
        const { resources, suppressed, parts: verdicts } = effectiveConfig(startup, parts, now);
        const rejected = verdicts.flatMap(({ source, status }) => (status === 'Rejected' ? [source] : []));
        expect({ resources, rejected, suppressed: suppressed.map(({ resource }) => resource) }).toEqual(
          naive(startup, parts, now),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('does not depend on the order of the parts, nor on what was asked before', () => {
    fc.assert(
      fc.property(
        world.chain((fields) =>
          fc.tuple(fc.constant(fields), fc.shuffledSubarray(fields.parts, { minLength: fields.parts.length })),
        ),
        ([{ startup, parts, now }, shuffled]) => {
          const first = effectiveConfig(startup, parts, now);
          expect(effectiveConfig(startup, shuffled, now)).toEqual(first);
          expect(effectiveConfig([...startup], structuredClone(parts), now)).toEqual(first);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('agrees with it also where it remembers which parts joined the last time', () => {
    fc.assert(
      fc.property(
        world,
        fc.array(fc.array(fc.nat(9), { maxLength: 6 }), { minLength: 2, maxLength: 6 }),
        fc.array(somePart, { minLength: 1, maxLength: 4 }),
        ({ startup, parts, now }, choices, more) => {
          const all = [...parts, ...more];
          for (const choice of choices) {
            const chosen = choice.flatMap((position) => all[position % all.length] ?? []);
            const { resources, parts: verdicts } = effectiveConfig(startup, chosen, now);
            const rejected = verdicts.flatMap(({ source, status }) => (status === 'Rejected' ? [source] : []));
            const expected = naive(startup, chosen, now);
            expect({ resources, rejected }).toEqual({ resources: expected.resources, rejected: expected.rejected });
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('changes nothing that it is given', () => {
    fc.assert(
      fc.property(world, ({ startup, parts, now }) => {
        const before = digestOf([startup, parts]);
        effectiveConfig(Object.freeze(startup), Object.freeze(parts), now);
        expect(digestOf([startup, parts])).toBe(before);
      }),
      { numRuns: 200 },
    );
  });

  it('holds all of startup-config first, but for what is suppressed, and every identity once', () => {
    fc.assert(
      fc.property(world, ({ startup, parts, now }) => {
        const { resources, suppressed } = effectiveConfig(startup, parts, now);
        const gone = new Set(suppressed.map(({ resource }) => resource));
        const kept = startup.filter((resource) => !gone.has(resource));
        expect(resources.slice(0, kept.length).map(({ resource }) => resource)).toEqual(kept);
        const identities = resources.map(({ resource }) => identityOf(resource));
        expect(new Set(identities).size).toBe(identities.length);
      }),
      { numRuns: 200 },
    );
  });

  it('is startup-config again, to the byte, when everything has expired', () => {
    fc.assert(
      fc.property(world, ({ startup, parts, now }) => {
        effectiveConfig(startup, parts, now);
        const restored = effectiveConfig(startup, parts, instant(15));
        expect(restored.resources).toEqual(effectiveConfig(startup, [], now).resources);
        expect(restored.resources.map(({ resource }) => resource)).toEqual(startup);
        expect(restored).toMatchObject({ suppressed: [], nextExpiry: undefined });
      }),
      { numRuns: 200 },
    );
  });

  it('stays the same until the next expiry, and a part that was rejected costs the others nothing', () => {
    fc.assert(
      fc.property(world, ({ startup, parts, now }) => {
        const merged = effectiveConfig(startup, parts, now);
        const until = merged.nextExpiry ?? instant(100);
        expect(effectiveConfig(startup, parts, instant(until - 1))).toEqual(merged);
        const stamps = parts.map(({ source, generation }) => `${source}/${generation}`);
        fc.pre(new Set(stamps).size === stamps.length);
        const bad = new Set(merged.rejected.map(({ source, generation }) => `${source}/${generation}`));
        const good = parts.filter(({ source, generation }) => !bad.has(`${source}/${generation}`));
        const goodOnly = effectiveConfig(startup, good, now).resources;
        const sources = new Set(good.map(({ source }) => source));
        expect(goodOnly).toEqual(
          merged.resources.filter(({ source }) => source === 'startup-config' || sources.has(source)),
        );
      }),
      { numRuns: 300 },
    );
  });
});
