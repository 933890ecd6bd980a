/** Leases that do not follow their facts alone: frozen by moving too often, by order, handed over by order and by the pool. */
import { instant } from '@routerd/resources';
import { expect, test } from 'vitest';
import { deriveLease, type LeaseVerdict } from '../src/lease.ts';
import type { AddressInput, AddressLease, AddressPlan, PoolContext, Sighting } from '../src/model.ts';
import {
  addressOrderOf,
  drainedNodes,
  foldOrder,
  orderSubjectOf,
  type AddressOrder,
  type OperatorOrder,
  type Order,
  type OrderVersion,
} from '../src/operator-order.ts';
import { planAddress } from '../src/plan-address.ts';
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
const LAN = 'onprem-router-a';
const AWS = 'aws-router-a';
const AZURE = 'azure-router-a';

function derive(
  now: number,
  sightings: readonly Sighting[],
  more: Partial<AddressInput> = {},
  of = context,
): LeaseVerdict {
  return deriveLease(of, situationOf(of, { now }), inputOf(sightings, more));
}

function standing(version: number, order: Order): OperatorOrder {
  return {
    subject: orderSubjectOf(order),
    version: version as OrderVersion,
    order,
    who: 'kim',
    why: 'test',
    when: instant(0),
    writer: node(AWS),
    claim: 'c' as never,
  };
}

function about(version: number, verb: 'freeze' | 'hand-over' | 'release', at = 'aws'): AddressOrder {
  const order: Order = verb === 'release' ? { verb, pool, address } : { verb, pool, address, site: site(at) };
  const told = addressOrderOf(standing(version, order));
  if (told === undefined) throw new Error('the order is about an address');
  return told;
}

/** The machine goes to and fro; each time the old site says at once that it is gone. */
function bounce(
  times: number,
  everyMs: number,
): { readonly last: LeaseVerdict; readonly sightings: readonly Sighting[] } {
  let last = derive(0, [sighting(LAN, { at: 0, ttl: 1_000_000 })]);
  let sightings: readonly Sighting[] = [];
  for (let move = 1; move <= times; move += 1) {
    const at = move * everyMs;
    const [from, to] = move % 2 === 1 ? [LAN, AWS] : [AWS, LAN];
    sightings = [sighting(from, { at, kind: 'expired' }), sighting(to, { at, ttl: 1_000_000 })];
    last = derive(at, sightings, { previousLease: last.lease });
  }
  return { last, sightings };
}

test('an address that moved five times within 180 s does not move a sixth time, and says so until it is released', () => {
  const { last, sightings } = bounce(6, 10_000);
  expect(last.lease).toMatchObject({
    status: 'frozen',
    site: 'aws',
    leaseEpoch: 6,
    frozen: { by: 'moves', since: 60_000, orderVersion: 0 },
    challenger: { site: 'onprem' },
  });
  expect(last.because).toEqual([{ rule: 'lease.frozen', site: 'aws', moves: 5, since: 60_000 }]);
  expect(last.orderWish).toEqual({ verb: 'freeze', pool, address, site: 'aws' });
  const muchLater = derive(900_000, sightings, { previousLease: last.lease });
  expect(muchLater.lease).toEqual(last.lease);

  const released = derive(900_000, sightings, { previousLease: last.lease, order: about(1, 'release') });
  expect(released.lease).toMatchObject({ status: 'active', site: 'onprem', leaseEpoch: 7 });
  expect(released.lease?.frozen).toBeUndefined();
  expect(released.because[0]).toEqual({ rule: 'lease.released-by-order', who: 'kim', why: 'test' });
});

test('moves that are spread over time, or counted by a clock that was set back, freeze nothing', () => {
  expect(bounce(40, 37_000).last.lease).toMatchObject({ status: 'active', leaseEpoch: 41 });
  const { last } = bounce(5, 1000);
  const ahead: AddressLease = { ...last.lease!, moves: [1, 2, 3, 4, 5].map((hour) => instant(hour * 3_600_000)) };
  const sightings = [sighting(AWS, { at: 9000, kind: 'expired' }), sighting(LAN, { at: 9000 })];
  expect(derive(9000, sightings, { previousLease: ahead }).lease).toMatchObject({ status: 'active', site: 'onprem' });
});

test('a node wishes that what it froze is frozen for all, until an order says so', () => {
  const { last, sightings } = bounce(6, 10_000);
  const wishOf = (order?: AddressOrder) =>
    planAddress(
      context,
      situationOf(context, { now: 61_000 }),
      inputOf(sightings, { previousLease: last.lease, order }),
    ).orderWish;
  expect(wishOf()).toEqual({ verb: 'freeze', pool, address, site: 'aws' });
  expect(wishOf(about(1, 'freeze', 'aws'))).toBeUndefined();
});

test('moves count although nobody had the address in between', () => {
  let last = derive(0, [sighting(LAN, { at: 0, ttl: 1_000_000 })]);
  for (let move = 1; move <= 6; move += 1) {
    const at = move * 10_000;
    const [from, to] = move % 2 === 1 ? [LAN, AWS] : [AWS, LAN];
    const left = sighting(from, { at, kind: 'expired' });
    const ended = derive(at, [left], { previousLease: last.lease });
    expect(ended.lease?.status).toBe('expired');
    last = derive(at + 5000, [left, sighting(to, { at: at + 5000, ttl: 1_000_000 })], { previousLease: ended.lease });
  }
  expect(last.lease).toMatchObject({ status: 'frozen', site: 'aws' });
});

test('a freeze by order counts as a tenure where it moves the address, and as none where it stays', () => {
  const previousLease: AddressLease = { ...derive(0, [sighting(LAN)]).lease!, leaseEpoch: 4, since: instant(77) };
  const frozenAt = (at: string) => derive(1000, [], { previousLease, order: about(1, 'freeze', at) }).lease;
  expect(frozenAt('onprem')).toMatchObject({ leaseEpoch: 4, since: 77, site: 'onprem' });
  expect(frozenAt('azure')).toMatchObject({ leaseEpoch: 5, since: 1000, site: 'azure' });
  expect(frozenAt('azure')?.frozen).toEqual({ by: 'operator', since: 1000, orderVersion: 1 });
});

test('a release ends one freeze, and not the next', () => {
  const { last, sightings } = bounce(5, 10_000);
  const release = about(3, 'release');
  const again = derive(
    60_000,
    sightings.toReversed().map((each) => ({
      ...each,
      kind: each.kind === 'expired' ? ('observed' as const) : ('expired' as const),
      acceptedAt: instant(60_000),
      expiresAt: instant(1_060_000),
    })),
    { previousLease: last.lease, order: release },
  );
  expect(again.lease).toMatchObject({ status: 'frozen', frozen: { orderVersion: 3 } });
  const stays = derive(61_000, sightings, { previousLease: again.lease, order: release });
  expect(stays.lease?.status).toBe('frozen');
  expect(derive(61_000, sightings, { previousLease: again.lease, order: about(4, 'release') }).lease?.status).not.toBe(
    'frozen',
  );
});

test('an operator freezes an address where they say, whatever is observed, also when nothing was', () => {
  const order = about(1, 'freeze', 'azure');
  for (const sightings of [[], [sighting(AWS)]]) {
    const frozen = derive(1000, sightings, { order });
    expect(frozen.lease).toMatchObject({
      status: 'frozen',
      site: 'azure',
      ownerNode: AZURE,
      frozen: { by: 'operator' },
    });
    expect(frozen.because[0]).toEqual({ rule: 'lease.frozen-by-order', site: 'azure', who: 'kim', why: 'test' });
    expect(derive(1000, sightings, { order, previousLease: frozen.lease }).lease).toEqual(frozen.lease);
    expect(
      derive(9000, sightings, { previousLease: frozen.lease }).lease?.status,
      'a lost order releases nothing',
    ).toBe('frozen');
  }
  const released = derive(2000, [sighting(AWS)], {
    previousLease: derive(1000, [], { order }).lease,
    order: about(2, 'release'),
  });
  expect(released.lease, 'nobody at azure ever said a word').toMatchObject({
    status: 'holding',
    challenger: { site: 'aws' },
  });
});

test('a freeze at a site without a router is no order that can be followed', () => {
  expect(derive(1000, [sighting(AWS)], { order: about(1, 'freeze', 'mars') }).lease).toMatchObject({
    status: 'active',
  });
});

test('an order hands an address to a site that asserts it, although the incumbent does too, and only then', () => {
  const both = [sighting(LAN), sighting(AWS)];
  const incumbent = derive(1000, [sighting(LAN)]).lease;
  const order = about(1, 'hand-over', 'aws');
  const waits = derive(1000, [sighting(LAN)], { previousLease: incumbent, order });
  expect(waits.lease).toMatchObject({ status: 'active', site: 'onprem' });
  expect(waits.because).toContainEqual({ rule: 'lease.hand-over-waits', to: 'aws', who: 'kim' });
  const handed = derive(1000, both, { previousLease: incumbent, order });
  expect(handed.lease).toMatchObject({
    status: 'conflict',
    site: 'aws',
    leaseEpoch: 2,
    challenger: { site: 'onprem' },
  });
  expect(handed.because).toContainEqual({ rule: 'lease.handed-by-order', to: 'aws', who: 'kim', why: 'test' });
  const kept = derive(1000, both, { previousLease: handed.lease, order: about(2, 'release') });
  expect(kept.lease).toMatchObject({ site: 'aws', leaseEpoch: 2 });
});

test('a frozen address that is handed over by order moves, however often it has moved', () => {
  const { last } = bounce(6, 1000);
  const order = about(1, 'hand-over', 'onprem');
  const handed = derive(7000, [sighting(LAN, { at: 7000 })], { previousLease: last.lease, order });
  expect(handed.lease).toMatchObject({ status: 'active', site: 'onprem', moves: [] });
});

test('what was seen at the site that an order took the address from is withdrawn once it is where it was sent, not before', () => {
  const order = about(1, 'hand-over', 'aws');
  const dutyAt = (self: string, sightings: readonly Sighting[], previousLease: AddressLease | undefined) => {
    const of = contextOf({ self });
    const input = inputOf(sightings, { order, ...(previousLease && { previousLease }) });
    return planAddress(of, situationOf(of, { now: 4000 }), input).staticDuty;
  };
  const before = derive(0, [sighting(LAN)]).lease;
  expect(dutyAt(LAN, [sighting(LAN)], before)).toBeUndefined();
  const both = [sighting(LAN), sighting(AWS, { at: 3000 })];
  const withdraw = { verb: 'withdraw', because: 'ordered-away' };
  expect(dutyAt(LAN, both, before)).toEqual(withdraw);
  expect(dutyAt(LAN, [sighting(LAN, { at: 3500, kind: 'expired' }), sighting(AWS, { at: 3000 })], before)).toEqual(
    withdraw,
  );
  expect(dutyAt('onprem-router-b', both, before)).toBeUndefined();
  expect(dutyAt(AWS, both, before)).toBeUndefined();
  expect(dutyAt(AZURE, both, before)).toBeUndefined();
});

// ---- the hand-over that a pool declares: onprem-router-a → aws-router-a ----

const handing = (self: string): PoolContext =>
  contextOf({ self, owned: { [LAN]: [address] }, handOvers: [[address, LAN, AWS]] });
const owned = derive(0, [sighting(LAN)]).lease;
const released = [sighting(LAN, { at: 2000, kind: 'expired' })];
const taken = [...released, sighting(AWS, { at: 3000 })];

function planAt(
  self: string,
  sightings: readonly Sighting[],
  more: Partial<AddressInput> = {},
  options: SituationOptions = {},
): AddressPlan {
  const of = handing(self);
  return planAddress(
    of,
    situationOf(of, { now: 4000, ...options }),
    inputOf(sightings, { previousLease: owned, ...more }),
  );
}

test('who gives an address away says so; who gets it waits for that, and until its own site captures it no more', () => {
  expect(planAt(LAN, [sighting(LAN)]).staticDuty).toEqual({ verb: 'withdraw', because: 'handed-away' });
  expect(planAt(AWS, [sighting(LAN)]).staticDuty).toEqual({ verb: 'wait', because: 'not-released-yet' });
  const captured = { records: recordsOf(recordOf(context, AWS)) };
  expect(planAt(AWS, released, captured).staticDuty).toEqual({ verb: 'wait', because: 'captured-here' });
  expect(planAt(AWS, released).staticDuty).toEqual({ verb: 'assert', because: 'handed-here' });
  expect(planAt(AWS, taken).staticDuty).toEqual({ verb: 'assert', because: 'handed-here' });
  expect(planAt('aws-router-b', released).staticDuty).toBeUndefined();
  const byOthers = [...released, sighting(AZURE, { at: 2500 })];
  expect(planAt(AWS, byOthers).staticDuty, 'whatever others say').toEqual({ verb: 'assert', because: 'handed-here' });
  expect(planAt(AWS, taken, captured).staticDuty, 'who has asserted it goes on').toEqual({
    verb: 'assert',
    because: 'handed-here',
  });
});

test('between release and assertion other sites keep their captures, and the new one gives its own up', () => {
  const options: SituationOptions = { nic: { addresses: [address], forwarding: true } };
  const held = (self: string, of: PoolContext) => ({ records: recordsOf(recordOf(of, self)) });
  const azure = planAt(AZURE, released, held(AZURE, handing(AZURE)), options);
  expect(azure.lease).toMatchObject({ status: 'holding', site: 'onprem', handingTo: AWS });
  expect(azure).toMatchObject({ captureOpen: true, transition: undefined, actions: [] });
  const aws = planAt(AWS, released, held(AWS, handing(AWS)), options);
  expect(aws).toMatchObject({ claim: undefined, transition: { phase: 'releasing' } });
  expect(aws.because).toContainEqual({ rule: 'claim.handed-here', from: 'onprem', to: AWS });
  expect(planAt(AZURE, taken).lease).toMatchObject({ status: 'active', site: 'aws', leaseEpoch: 2 });
});

test('deriving again while it is handed over changes nothing', () => {
  const of = handing(AZURE);
  const once = derive(4000, released, { previousLease: owned }, of);
  expect(derive(4000, released, { previousLease: once.lease }, of).lease).toEqual(once.lease);
});

test('a hand-over that is taken back goes the same way: released first, then asserted by its static owner', () => {
  const rolledBack = (self: string): PoolContext => contextOf({ self, owned: { [LAN]: [address] } });
  const atAws = derive(4000, taken, { previousLease: owned }, handing(AZURE)).lease;
  const plan = (self: string, sightings: readonly Sighting[], more: Partial<AddressInput> = {}): AddressPlan => {
    const of = rolledBack(self);
    return planAddress(of, situationOf(of, { now: 9000 }), inputOf(sightings, { previousLease: atAws, ...more }));
  };
  const capturedOnLan = { records: recordsOf(recordOf(rolledBack(LAN), LAN)) };
  expect(plan(LAN, taken, capturedOnLan).staticDuty).toEqual({ verb: 'wait', because: 'owned-elsewhere' });
  const gone = [...released, sighting(AWS, { at: 8000, kind: 'expired' })];
  expect(plan(AZURE, gone).lease).toMatchObject({ status: 'holding', site: 'aws', handingTo: LAN });
  expect(plan(LAN, gone, capturedOnLan)).toMatchObject({ claim: undefined, transition: { phase: 'releasing' } });
  expect(plan(LAN, gone).staticDuty).toEqual({ verb: 'assert', because: 'declared' });
  const back = [sighting(LAN, { at: 8500 }), sighting(AWS, { at: 8000, kind: 'expired' })];
  expect(plan(AZURE, back).lease).toMatchObject({ status: 'active', site: 'onprem' });
});

// ---- orders as records ----

test('of two operators who order at once one wins, and both see which', () => {
  const drain = standing(1, { verb: 'drain', node: node(AWS) });
  const undrain = standing(1, { verb: 'undrain', node: node(AWS) });
  expect(foldOrder(undefined, drain)).toEqual({ kind: 'accepted', order: drain });
  expect(foldOrder(drain, undrain)).toEqual({ kind: 'refused', because: 'version is taken' });
  expect(foldOrder(drain, { ...undrain, version: 7 as OrderVersion }).kind, 'compaction leaves gaps').toBe('accepted');
});

test.each([
  [
    { ...standing(1, { verb: 'drain', node: node(AWS) }), version: 0 as OrderVersion },
    'malformed: versions count from 1',
  ],
  [
    { ...standing(1, { verb: 'drain', node: node(AWS) }), subject: 'node/another' as never },
    'malformed: the subject is not what is ordered about',
  ],
])('an order that does not say what it is about is refused', (order, because) => {
  expect(foldOrder(undefined, order)).toEqual({ kind: 'refused', because });
});

test('an order about one subject never stands for another', () => {
  const drain = standing(1, { verb: 'drain', node: node(AWS) });
  const other = standing(2, { verb: 'drain', node: node(LAN) });
  expect(foldOrder(drain, other)).toEqual({ kind: 'refused', because: 'the order is about another subject' });
});

test('who drains follows from what stands, and an order about a node is none about an address', () => {
  const orders = [standing(1, { verb: 'drain', node: node(AWS) }), standing(4, { verb: 'undrain', node: node(LAN) })];
  expect([...drainedNodes(orders)]).toEqual([AWS]);
  expect(addressOrderOf(orders[0])).toBeUndefined();
  expect(addressOrderOf(undefined)).toBeUndefined();
});
