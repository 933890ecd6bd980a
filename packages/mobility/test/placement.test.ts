import { parseHostAddress, type HostAddress, type NodeName } from '@routerd/resources';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Liveness, PoolContext, PoolSituation, VrrpRole } from '../src/model.ts';
import { deliveryRouters, isDraining, placeHolder, yieldsMastership } from '../src/placement.ts';
import { address, contextOf, must, node, site, situationOf, type SituationOptions } from './fixtures.ts';
import { rendezvousWeight } from './oracle.ts';

const [a, b] = [node('aws-router-a'), node('aws-router-b')];
const numbered = (host: number): HostAddress => must(parseHostAddress(`10.77.60.${host}/32`));

function domainOf(context: PoolContext) {
  const member = context.members.get(a);
  if (member === undefined) throw new Error('the fixture has routers at AWS');
  return member.domain;
}

function place(context: PoolContext, options: SituationOptions, incumbent?: NodeName, of = address) {
  return placeHolder(context, situationOf(context, options), domainOf(context), of, incumbent);
}

/** From outside the site, so that no router is alive only because it looks at itself. */
const outside = contextOf({ self: 'oci-router-a' });
const equal = contextOf({ self: 'oci-router-a', priorities: [10, 10] });

test('the lowest priority captures, and takes back what a stand-in holds', () => {
  expect(place(outside, {}, b)).toMatchObject({
    node: a,
    losers: [{ node: b, because: 'lower-priority' }],
    because: {
      rule: 'placement.preferred',
      node: a,
      priority: 10,
      losers: [{ node: b, because: 'lower-priority' }],
    },
  });
});

test('at equal priority the incumbent keeps', () => {
  for (const [incumbent, other] of [
    [a, b],
    [b, a],
  ] as const) {
    expect(place(equal, {}, incumbent)).toMatchObject({
      node: incumbent,
      because: { rule: 'placement.incumbent', node: incumbent, losers: [{ node: other, because: 'not-incumbent' }] },
    });
  }
});

test('addresses without an incumbent spread over equals, and losing one router moves only its own', () => {
  const addresses = Array.from({ length: 200 }, (_, index) => numbered(index + 1));
  const of = (name: NodeName): readonly HostAddress[] =>
    addresses.filter((each) => place(equal, {}, undefined, each).node === name);
  expect(of(a).length).toBeGreaterThan(60);
  expect(of(b).length).toBeGreaterThan(60);
  for (const each of of(b)) expect(place(equal, { liveness: { [a]: 'dead' } }, undefined, each).node).toBe(b);
});

test.each([
  ['dead', undefined],
  ['suspect', a],
  ['unheard', undefined],
] as const)('a router that is %s is given nothing new; as the incumbent it keeps: %s', (liveness, kept) => {
  const options: SituationOptions = { liveness: { [a]: liveness } };
  expect(place(outside, options).node).toBe(b);
  expect(place(outside, options, a).node).toBe(kept ?? b);
});

test('an incumbent that was not heard yet keeps while the members are waited for', () => {
  expect(place(outside, { liveness: { [a]: 'unheard' }, membersAwaited: true }, a).node).toBe(a);
});

test('a node is alive to itself, and not eligible while it drains', () => {
  const self = contextOf({ self: a });
  const alone: SituationOptions = { liveness: { [a]: 'unheard', [b]: 'dead' } };
  expect(place(self, alone).node).toBe(a);
  expect(place(self, { ...alone, draining: [a] })).toMatchObject({
    node: undefined,
    because: {
      rule: 'placement.none-eligible',
      losers: [
        { node: a, because: 'draining' },
        { node: b, because: 'dead' },
      ],
    },
  });
});

test('a router whose NIC is full keeps what it holds and is given nothing new; nobody with room is reported', () => {
  const full = (load: Readonly<Record<string, number>>): SituationOptions => ({ load });
  const bounded = contextOf({ self: 'oci-router-a', capacity: 2 });
  expect(place(bounded, full({ [a]: 1 })).node).toBe(a);
  expect(place(bounded, full({ [a]: 2 }))).toMatchObject({ node: b, losers: [{ node: a, because: 'full' }] });
  expect(place(bounded, full({ [a]: 2, [b]: 2 }), a).node).toBe(a);
  expect(place(bounded, full({ [a]: 2, [b]: 2 }))).toMatchObject({
    node: undefined,
    because: { rule: 'placement.no-room' },
  });
});

test('where VRRP is the authority the master captures whatever its priority, and a backup nothing', () => {
  const lan = contextOf({ self: 'onprem-router-b', vrrp: true });
  const [first, second] = [node('onprem-router-a'), node('onprem-router-b')];
  const at = (vrrp: VrrpRole | undefined, incumbent?: NodeName) =>
    placeHolder(lan, situationOf(lan, vrrp === undefined ? {} : { vrrp }), lan.selfMember!.domain, address, incumbent);
  expect(at('master', first)).toMatchObject({ node: second, losers: [{ node: first, because: 'not-vrrp-master' }] });
  for (const role of ['backup', 'unknown', undefined] as const)
    expect(at(role, second)).toMatchObject({ node: first, losers: [{ node: second, because: 'not-vrrp-master' }] });
});

const livenesses = fc.constantFrom<Liveness>('alive', 'suspect', 'dead', 'unheard');
const situations = fc.record({
  liveness: fc.record({ [a]: livenesses, [b]: livenesses }),
  draining: fc.subarray<string>([a, b]),
  membersAwaited: fc.boolean(),
});

test('placement agrees with a naive second implementation', () => {
  const priorities = fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 }));
  fc.assert(
    fc.property(
      situations,
      priorities,
      fc.integer({ min: 1, max: 254 }),
      fc.constantFrom(undefined, a, b),
      (...given) => {
        const [options, drawn, host, incumbent] = given;
        const context = contextOf({ self: 'oci-router-a', priorities: drawn });
        const candidates = [a, b]
          .filter((name) => !options.draining.includes(name))
          .filter((name) => {
            const liveness = options.liveness[name];
            const mayStay = liveness === 'suspect' || (liveness === 'unheard' && options.membersAwaited);
            return liveness === 'alive' || (mayStay && name === incumbent);
          })
          .map((name) => ({
            name,
            order: [
              drawn[name === a ? 0 : 1],
              name === incumbent ? 0 : 1,
              -rendezvousWeight(`10.77.60.${host}/32`, name),
            ],
          }));
        const best = candidates.reduce<(typeof candidates)[number] | undefined>(
          (winner, each) => (winner === undefined || isBefore(each.order, winner.order) ? each : winner),
          undefined,
        );
        expect(place(context, options, incumbent, numbered(host)).node).toBe(best?.name);
      },
    ),
    { numRuns: 1000 },
  );
});

function isBefore(left: readonly number[], right: readonly number[]): boolean {
  const index = left.findIndex((value, position) => value !== right[position]);
  return index >= 0 && (left[index] ?? 0) < (right[index] ?? 0);
}

function deliver(options: SituationOptions): readonly NodeName[] {
  const situation: PoolSituation = situationOf(outside, options);
  return deliveryRouters(outside, situation, site('aws'), address);
}

test.each<[string, SituationOptions, NodeName]>([
  ['both are well', {}, a],
  ['the first is only suspect', { liveness: { [a]: 'suspect' } }, a],
  ['the first drains', { draining: [a] }, b],
  ['the first is dead', { liveness: { [a]: 'dead' } }, b],
  ['the first is dead and the second drains', { liveness: { [a]: 'dead' }, draining: [b] }, b],
  ['the first was not heard since our start, and is still waited for', waiting(), a],
  ['the first was waited for in vain', { liveness: { [a]: 'unheard' } }, b],
  ['all are dead, which a broken view looks like', { liveness: { [a]: 'dead', [b]: 'dead' } }, a],
  ['all are unheard', { liveness: { [a]: 'unheard', [b]: 'unheard' } }, a],
])('delivery goes to the right router of the owning site when %s', (_, options, expected) => {
  expect(deliver(options)[0]).toBe(expected);
});

function waiting(): SituationOptions {
  return { liveness: { [a]: 'unheard' }, membersAwaited: true };
}

test.each<[string, SituationOptions, NodeName]>([
  ['nobody captures there yet', {}, a],
  ['the stand-in holds the captures and the first has only just returned', { load: { [b]: 3 } }, b],
  ['the first has begun to take back', { load: { [a]: 1, [b]: 2 } }, a],
  ['the holder drains', { load: { [b]: 3 }, draining: [b] }, a],
  ['the holder is dead', { load: { [b]: 3 }, liveness: { [b]: 'dead' } }, a],
])('delivery goes where the site captures, so that both directions meet, when %s', (_, options, expected) => {
  expect(deliver(options)[0]).toBe(expected);
});

test('whatever is alive, delivery always has every router of the site to fall back on', () => {
  fc.assert(
    fc.property(situations, (options) => {
      expect([...deliver(options)].toSorted()).toEqual([a, b]);
    }),
  );
});

test('delivery follows the router that captures there, so that both directions meet', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 254 }), fc.constantFrom<Liveness>('alive', 'dead'), (host, liveness) => {
      const options: SituationOptions = { liveness: { [a]: liveness } };
      const of = numbered(host);
      expect(deliveryRouters(equal, situationOf(equal, options), site('aws'), of)[0]).toBe(
        place(equal, options, undefined, of).node,
      );
    }),
  );
});

test('a router that drains leaves the mastership of its LAN to another one that could capture, and keeps it otherwise', () => {
  const [first, second] = ['onprem-router-a', 'onprem-router-b'];
  const gated = contextOf({ self: 'onprem-router-a', vrrp: true });
  const yields = (options: SituationOptions, of = gated): boolean => yieldsMastership(of, situationOf(of, options));
  expect(yields({ draining: [first] })).toBe(true);
  expect(yields({ draining: [first], liveness: { [second]: 'suspect' } })).toBe(true);
  expect(yields({})).toBe(false);
  expect(yields({ draining: [second] })).toBe(false);
  expect(yields({ draining: [first, second] })).toBe(false);
  for (const liveness of ['dead', 'unheard'] as const)
    expect(yields({ draining: [first], liveness: { [second]: liveness } }), liveness).toBe(false);
  expect(yields({ draining: [first] }, contextOf({ self: 'onprem-router-a' })), 'VRRP has no say').toBe(false);
  expect(yields({ draining: [a] }, contextOf({ vrrp: true })), 'in a cloud').toBe(false);
});

test('what a pool says of a drain holds for a member of which nothing else is known', () => {
  const member = equal.members.get(a);
  if (member === undefined) throw new Error('the fixture has routers at AWS');
  const drained = { ...member, spec: { ...member.spec, maintenance: { drain: true } } };
  const members = new Map([...situationOf(equal, {}).members].filter(([name]) => name !== a));
  expect(isDraining({ members }, drained)).toBe(true);
  expect(isDraining({ members }, member)).toBe(false);
  expect(isDraining(situationOf(equal, {}), drained), 'it says itself that it does not').toBe(false);
});

test('of equal routers that nobody prefers each address names the other as the one that hashing passed over, beside who is out', () => {
  for (const host of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const { node: winner, because, losers } = place(equal, {}, undefined, numbered(host));
    const other = winner === a ? b : a;
    expect(losers).toEqual([{ node: other, because: 'rendezvous' }]);
    expect(because).toEqual({ rule: 'placement.preferred', node: winner, priority: 10, losers });
  }
  expect(place(equal, { draining: [a] }, undefined, numbered(1)).losers).toEqual([{ node: a, because: 'draining' }]);
});
