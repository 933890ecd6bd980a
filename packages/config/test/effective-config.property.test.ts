/** Merging compared with a second, naive implementation, and the laws that it keeps. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkResource, identityOf, indexResources, instant, type Instant, type Resource } from '@routerd/resources';
import { canonicalJson, digestOf, effectiveConfig, type DynamicConfigPart } from '../src/index.ts';
import { claim, domain, group, link, peer, pool, route, tunnelAddress, wireGuard } from './sample-resources.ts';

/** What most of the others need, so that rejections have more interesting reasons than a missing peer. */
const GROUND: readonly Resource[] = [peer('a'), group];
const PALETTE: readonly Resource[] = [
  peer('b'),
  domain('net', '10.77.60.0/24'),
  domain('other', '10.77.61.0/24'),
  claim('c1', 'net', '10.77.60.1/32'),
  claim('c2', 'net', '10.77.60.2/32', 'b'),
  claim('c3', 'other', '10.77.61.3/32'),
  claim('c4', 'net', '10.77.99.4/32'),
  route('r1', '192.0.2.0/24'),
  route('r2', '0.0.0.0/0'),
  link('lan', 'lan0'),
  link('lan2', 'lan0'),
  wireGuard('wg0', 1),
  wireGuard('wg1', 1),
  wireGuard('wg2', 2),
  tunnelAddress('t', 'wg0', '10.77.60.77/32'),
  pool('p1', '10.77.60.0/24'),
  pool('p2', '10.77.60.128/25'),
];

const someResources = (maxLength: number) => fc.subarray([...PALETTE], { maxLength });
const somePart = fc
  .record({
    source: fc.constantFrom('a', 'b', 'c', 'd'),
    generation: fc.integer({ min: 1, max: 2 }),
    observedAt: fc.nat(2).map(instant),
    expiresAt: fc.integer({ min: 11, max: 15 }).map(instant),
    resources: someResources(3),
  })
  .map((fields): DynamicConfigPart => ({ ...fields, directives: [], actionPlans: [] }));
const world = fc.record({
  startup: someResources(4).map((resources) => [...GROUND, ...resources]),
  parts: fc.array(somePart, { maxLength: 6 }),
  now: fc.integer({ min: 9, max: 13 }).map(instant),
});

/** The rules of effectiveConfig, read aloud: no layers, no memory, everything validated every time. */
function naive(startup: readonly Resource[], parts: readonly DynamicConfigPart[], now: Instant) {
  const newest = Map.groupBy(parts, ({ source }) => source);
  const chosen = [...newest.keys()].toSorted().flatMap((source) => {
    const rivals = newest.get(source) ?? [];
    const rank = ({ generation, observedAt, expiresAt, resources }: DynamicConfigPart) =>
      [9 - generation, 9 - observedAt, 99 - expiresAt, canonicalJson(resources)] as const;
    return rivals.toSorted((x, y) => compareRanks(rank(x), rank(y))).slice(0, 1);
  });
  const resources = startup.map((resource) => ({ resource, source: 'startup-config' }));
  const rejected: string[] = [];
  let accepted: readonly Resource[] = [];
  for (const { source, expiresAt, resources: added } of chosen) {
    if (now >= expiresAt) continue;
    const all = [...startup, ...accepted, ...added];
    const repeats = added.some(
      (resource) => all.filter((other) => identityOf(other) === identityOf(resource)).length > 1,
    );
    if (repeats || breaks(startup, added) || (accepted.length > 0 && breaks([...startup, ...accepted], added))) {
      rejected.push(source);
      continue;
    }
    accepted = [...accepted, ...added];
    resources.push(...added.map((resource) => ({ resource, source })));
  }
  return { resources, rejected };
}

function compareRanks(
  a: readonly [number, number, number, string],
  b: readonly [number, number, number, string],
): number {
  const position = a.findIndex((value, index) => value !== b[index]);
  return position < 0 ? 0 : (a[position] ?? 0) < (b[position] ?? 0) ? -1 : 1;
}

function breaks(below: readonly Resource[], added: readonly Resource[]): boolean {
  const isValid = (resource: Resource, among: readonly Resource[], authorship: 'authored' | 'derived') =>
    checkResource(resource, indexResources(among), authorship).every(({ severity }) => severity !== 'error');
  const all = [...below, ...added];
  return (
    added.some((resource) => !isValid(resource, all, 'derived')) ||
    below.some((resource) => isValid(resource, below, 'authored') && !isValid(resource, all, 'authored'))
  );
}

describe('effectiveConfig', () => {
  it('agrees with the naive implementation', () => {
    fc.assert(
      fc.property(world, ({ startup, parts, now }) => {
        const { resources, rejected } = effectiveConfig(startup, parts, now);
        const superseded = rejected.filter(({ code }) => code !== 'part.superseded').map(({ source }) => source);
        expect({ resources, rejected: superseded }).toEqual(naive(startup, parts, now));
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with it where two parts together break what startup-config declares', () => {
    fc.assert(
      fc.property(world, ({ startup, parts, now }) => {
        const { resources } = effectiveConfig(startup, parts, now);
        expect(resources).toEqual(naive(startup, parts, now).resources);
      }),
      { seed: 1495703519, path: '1058:1:0:5:4:4:5:7:8:8:9:9:6:6' },
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

  it('holds all of startup-config first, and every identity of a part once', () => {
    fc.assert(
      fc.property(world, ({ startup, parts, now }) => {
        const { resources } = effectiveConfig(startup, parts, now);
        expect(resources.slice(0, startup.length).map(({ resource }) => resource)).toEqual(startup);
        const identities = resources.map(({ resource }) => identityOf(resource));
        expect(new Set(identities).size).toBe(identities.length);
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
