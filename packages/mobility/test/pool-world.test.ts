/** The index between two plans: what a piece of news touches, and that what is planned by parts is what is planned whole. */
import { compareAddresses, instant, parseHostAddress, type HostAddress } from '@routerd/resources';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CaptureKey, CaptureRecord } from '../src/capture-record.ts';
import { captureKeyOf } from '../src/capture-record.ts';
import { LookAgain } from '../src/look-again.ts';
import type { PoolContext } from '../src/model.ts';
import { PoolWorld, type OuterSituation } from '../src/pool-world.ts';
import { contextOf, must, node, pool, recordOf, sighting, situationOf, type SituationOptions } from './fixtures.ts';

const numbered = (host: number): HostAddress => must(parseHostAddress(`10.77.60.${host}/32`));
const NO_MARKS = new Map();
const A = 'aws-router-a';
const B = 'aws-router-b';

function outer(context: PoolContext, options: SituationOptions = {}): OuterSituation {
  return situationOf(context, { nic: { addresses: [], forwarding: true }, ...options });
}

function seen(world: PoolWorld, address: HostAddress, source = 'onprem-router-a'): void {
  world.acceptSighting({ ...sighting(source), address });
}

function take(
  world: PoolWorld,
  address: HostAddress,
  holder: string | undefined,
  revision = 1,
): readonly HostAddress[] {
  const record = recordFor(world.context, address, holder, revision);
  return world.acceptRecord(record.key, record);
}

function recordFor(
  context: PoolContext,
  address: HostAddress,
  holder: string | undefined,
  revision: number,
): CaptureRecord {
  const domain = context.members.get(node(A))!.domain;
  return {
    ...recordOf(context, holder, { domain, revision, epoch: revision, writer: holder ?? A }),
    address,
    key: captureKeyOf(pool, address, domain),
  };
}

const placed = (world: PoolWorld, address: HostAddress): string | undefined => world.plan(address)?.placement?.node;

test('of more addresses than a NIC carries as many as fit are claimed, and the rest are named', () => {
  const context = contextOf({ capacity: 2, self: A });
  const world = new PoolWorld(context, []);
  for (const host of [4, 3, 2, 1]) seen(world, numbered(host));
  const alone = outer(context, { liveness: { [B]: 'dead' } });
  const changes = world.replanAll(world.addresses(), alone, NO_MARKS);
  expect(changes.filter(({ after }) => after.transition !== undefined).map(({ after }) => after.address)).toEqual([
    numbered(1),
    numbered(2),
  ]);
  for (const host of [3, 4])
    expect(world.plan(numbered(host))?.because).toContainEqual({
      rule: 'placement.no-room',
      losers: [
        { node: A, because: 'full' },
        { node: B, because: 'dead' },
      ],
    });
  expect(world.load().get(node(A))).toBe(2);
  // Planned again, in whatever order, the same two keep their places.
  world.replanAll([numbered(4), numbered(1), numbered(3), numbered(2)], alone, NO_MARKS);
  expect([1, 2, 3, 4].map((host) => world.plan(numbered(host))?.transition?.holder)).toEqual([
    A,
    A,
    undefined,
    undefined,
  ]);
});

test('a NIC that fills up sends the rest to the next router, and one that frees a place takes one back', () => {
  const context = contextOf({ capacity: 1, self: B });
  const world = new PoolWorld(context, []);
  const [first, second] = [numbered(1), numbered(2)];
  for (const address of [first, second]) seen(world, address);
  world.replanAll(world.addresses(), outer(context), NO_MARKS);
  expect([placed(world, first), placed(world, second)]).toEqual([A, A]);

  expect(take(world, first, A), 'A is full now: what it has not taken concerns this node').toEqual([first, second]);
  world.replanAll([first, second], outer(context), NO_MARKS);
  expect(world.plan(second)?.transition).toMatchObject({ holder: B });
  take(world, second, B);
  world.replanAll([second], outer(context), NO_MARKS);

  expect(take(world, first, undefined, 2), 'A has a place again').toContain(second);
  world.replanAll([first, second], outer(context), NO_MARKS);
  expect(placed(world, second), 'it is A that should take it, as the better by priority').toBe(A);
  expect(world.plan(second)?.captureOpen, 'and B keeps it until then').toBe(true);
});

test('a claim that is not wanted any more gives its place to another in the same pass', () => {
  const context = contextOf({ capacity: 1, self: A });
  const world = new PoolWorld(context, []);
  const [first, second] = [numbered(1), numbered(2)];
  for (const address of [first, second]) seen(world, address);
  const alone = outer(context, { liveness: { [B]: 'dead' } });
  world.replanAll(world.addresses(), alone, NO_MARKS);
  expect(world.plan(second)?.transition).toBeUndefined();
  world.acceptSighting({ ...sighting('onprem-router-a', { kind: 'expired', at: 5 }), address: first });
  const changes = world.replanAll([first], alone, NO_MARKS);
  expect(changes.map(({ after }) => after.address)).toEqual([first, second]);
  expect(world.plan(second)?.transition).toMatchObject({ holder: A });
});

test('what other pools capture through a NIC counts against its room', () => {
  const context = contextOf({ capacity: 2, self: A });
  const world = new PoolWorld(context, []);
  seen(world, numbered(1));
  const full = { ...outer(context), loadOfOtherPools: new Map([[node(A), 2]]) };
  world.replanAll(world.addresses(), full, NO_MARKS);
  expect(placed(world, numbered(1))).toBe(B);
});

test('when a site begins to capture with another router, what lives there is planned again for its delivery', () => {
  const context = contextOf({ self: 'onprem-router-a' });
  const world = new PoolWorld(context, []);
  const [atAws, atAzure, onLan] = [numbered(1), numbered(2), numbered(3)];
  seen(world, atAws, A);
  seen(world, atAzure, 'azure-router-a');
  seen(world, onLan);
  world.replanAll(world.addresses(), outer(context, { hostCaptures: [] }), NO_MARKS);
  const via = (): string | undefined => world.plan(atAws)?.claim?.spec.delivery.peerRef;
  expect(via()).toBe('aws-a');
  expect(take(world, onLan, B)).toEqual([onLan, atAws]);
  world.replanAll([atAws], outer(context, { hostCaptures: [] }), NO_MARKS);
  expect(via()).toBe('aws-b');
  expect(take(world, atAzure, B), 'B captures already: nothing but the address changes').toEqual([atAzure]);
});

test('a record that the registry lost is forgotten, and remembered as lost until a higher epoch stands', () => {
  const context = contextOf({ self: A });
  const world = new PoolWorld(context, []);
  const address = numbered(1);
  take(world, address, A, 3);
  const { key, domain } = recordFor(context, address, A, 3);
  expect(world.acceptRecord(key, undefined)).toEqual([address]);
  expect(world.heldBySelf().size).toBe(0);
  expect(world.input(address, NO_MARKS).lost?.get(domain)).toMatchObject({ epoch: 3 });
  take(world, address, B, 2);
  expect(world.input(address, NO_MARKS).lost?.get(domain), 'a lower epoch is no successor').toMatchObject({ epoch: 3 });
  take(world, address, B, 4);
  expect(world.input(address, NO_MARKS).lost?.size).toBe(0);
  expect(world.acceptRecord('unknown' as CaptureKey, undefined)).toEqual([]);
});

test('of instants set and set anew, those that have come are told in their order', () => {
  const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 20 }), fc.option(fc.nat(1000), { nil: undefined })));
  fc.assert(
    fc.property(steps, fc.nat(1000), (all, now) => {
      const looks = new LookAgain();
      const naive = new Map<HostAddress, number>();
      for (const [host, at] of all) {
        looks.set(numbered(host), at === undefined ? undefined : instant(at));
        if (at === undefined) naive.delete(numbered(host));
        else naive.set(numbered(host), at);
      }
      const earliest = Math.min(...naive.values());
      expect(looks.next()).toBe(naive.size === 0 ? undefined : earliest);
      const due = [...naive].filter(([, at]) => at <= now).map(([address]) => address);
      expect(looks.due(now as never).toSorted(compareAddresses)).toEqual(due.toSorted(compareAddresses));
      expect(looks.next(), 'each stays until it is set anew').toBe(naive.size === 0 ? undefined : earliest);
    }),
  );
});

const news = fc.oneof(
  fc.record({
    kind: fc.constant('fact' as const),
    host: fc.integer({ min: 1, max: 6 }),
    source: fc.constantFrom(A, 'onprem-router-a', 'oci-router-a'),
    gone: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('record' as const),
    host: fc.integer({ min: 1, max: 6 }),
    holder: fc.constantFrom(A, B, undefined),
  }),
);

test('planning what news touches leaves every plan as planning everything would', () => {
  fc.assert(
    fc.property(fc.array(news, { maxLength: 25 }), (story) => {
      const context = contextOf({ self: A, priorities: [10, 10] });
      const world = new PoolWorld(context, []);
      const situation = outer(context);
      for (const [index, item] of story.entries()) {
        const address = numbered(item.host);
        if (item.kind === 'record') world.replanAll(take(world, address, item.holder, index + 1), situation, NO_MARKS);
        else {
          const kind = item.gone ? 'expired' : 'observed';
          world.acceptSighting({ ...sighting(item.source, { kind, at: index }), address });
          world.replanAll([address], situation, NO_MARKS);
        }
      }
      const byParts = new Map([...world.plans()].map((plan) => [plan.address, plan]));
      world.replanAll(world.addresses(), situation, NO_MARKS);
      // What moved the lease is told once, when it moves; all else is the same.
      for (const plan of world.plans()) expect({ ...byParts.get(plan.address), because: plan.because }).toEqual(plan);
    }),
    { numRuns: 300 },
  );
});

test('no NIC is given more than it carries, and nothing waits while a router of its site has room', () => {
  const draws = fc.record({
    capacity: fc.integer({ min: 1, max: 4 }),
    hosts: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 }),
    taken: fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.constantFrom(A, B)), { maxLength: 6 }),
    self: fc.constantFrom(A, B),
    isDead: fc.boolean(),
  });
  fc.assert(
    fc.property(draws, ({ capacity, hosts, taken, self, isDead }) => {
      const context = contextOf({ capacity, self });
      const world = new PoolWorld(context, []);
      for (const host of hosts) seen(world, numbered(host));
      const held = new Map<number, string>();
      for (const [host, holder] of taken)
        if (hosts.includes(host) && [...held.values()].filter((each) => each === holder).length < capacity)
          held.set(host, held.get(host) ?? holder);
      for (const [host, holder] of held) take(world, numbered(host), holder);
      const partner = self === A ? B : A;
      const options: SituationOptions = isDead ? { liveness: { [partner]: 'dead' } } : {};
      world.replanAll(world.addresses(), outer(context, options), NO_MARKS);
      const load = world.load();
      expect(load.get(node(self)) ?? 0).toBeLessThanOrEqual(capacity);
      const room = [A, B].filter((name) => !(isDead && name === partner) && (load.get(node(name)) ?? 0) < capacity);
      for (const host of hosts) {
        const plan = world.plan(numbered(host));
        if (plan?.placement?.node === undefined) expect(room, `${host} finds no room`).toEqual([]);
      }
    }),
    { numRuns: 500 },
  );
});
