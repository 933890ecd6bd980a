/** The corners of one capture: what a tenure inherits, what is left behind, what is kept for a while. */
import { instant, parseHostAddress, parseIpv4Prefix, type HostAddress } from '@routerd/resources';
import { expect, test } from 'vitest';
import { captureKeyOf, type CaptureEpoch, type CaptureRecord } from '../src/capture-record.ts';
import { fenceAction } from '../src/fence.ts';
import type { ActionProposal, AddressPlan, PoolContext, SeizeRefusal, Sighting } from '../src/model.ts';
import { restoresForwarding } from '../src/nic-forwarding.ts';
import { planAddress } from '../src/plan-address.ts';
import {
  address,
  contextOf,
  inputOf,
  must,
  node,
  pool,
  recordOf,
  recordsOf,
  sighting,
  situationOf,
  type SituationOptions,
} from './fixtures.ts';

const cloud = contextOf();
const lan = contextOf({ self: 'onprem-router-a' });
const ownedOnLan = [sighting('onprem-router-a')];
const ownedAtAws = [sighting('aws-router-a')];
const gone = [sighting('onprem-router-a', { kind: 'expired' })];
const empty = { addresses: [], forwarding: true };
const carrying = { addresses: [address], forwarding: true };

function plan(
  context: PoolContext,
  options: SituationOptions,
  record: CaptureRecord | undefined,
  sightings: readonly Sighting[] = ownedOnLan,
): AddressPlan {
  const records = record === undefined ? recordsOf() : recordsOf(record);
  return planAddress(context, situationOf(context, options), inputOf(sightings, { records }));
}

const wishes = ({ actions }: AddressPlan): readonly Partial<ActionProposal>[] =>
  actions.map(({ verb, seize, riskLevel, captureEpoch }) => ({ verb, seize, riskLevel, captureEpoch }));
const A = 'aws-router-a';
const B = 'aws-router-b';
const C = 'aws-router-c';

/** The same pool with a third router at AWS. */
function withThird(context: PoolContext): PoolContext {
  const second = context.members.get(node(B));
  if (second === undefined) throw new Error('the fixture has two routers at AWS');
  const third = { ...second, node: node(C), spec: { ...second.spec, nodeRef: node(C) } };
  return { ...context, members: new Map([...context.members, [third.node, third]]) };
}

test.each<[string, CaptureRecord, string | undefined]>([
  ['another holds it', recordOf(cloud, B, { phase: 'held' }), B],
  ['another is releasing it', recordOf(cloud, B, { phase: 'releasing', previous: A }), B],
  ['another may have got it', recordOf(cloud, B, { phase: 'confirmed', previous: 'aws-router-c' }), B],
  ['another never got it', recordOf(cloud, B, { phase: 'acquiring', previous: 'aws-router-c' }), 'aws-router-c'],
  ['another never got it from us', recordOf(cloud, B, { phase: 'acquiring', previous: A }), undefined],
  ['we were releasing what we once took', recordOf(cloud, A, { phase: 'releasing', previous: B }), B],
  [
    'nobody holds it, and who held saw its NIC clean',
    recordOf(cloud, undefined, { previous: B, writer: B }),
    undefined,
  ],
  ['nobody holds it, and who held was gone', recordOf(cloud, undefined, { previous: B, writer: A }), B],
])('a new tenure follows whoever may have the address: %s', (_, record, previous) => {
  const options: SituationOptions = { nic: empty, liveness: { [B]: 'dead' } };
  expect(plan(cloud, options, record).transition).toMatchObject({ phase: 'acquiring', holder: A, epoch: 2, previous });
});

test('the address is seized until it is verified, also when the first call was lost', () => {
  for (const phase of ['acquiring', 'confirmed'] as const) {
    const seizing = recordOf(cloud, A, { phase, previous: B, epoch: 3 });
    expect(wishes(plan(cloud, { nic: empty }, seizing))).toEqual([
      { verb: 'assign-secondary-ip', seize: { from: B }, riskLevel: 'high', captureEpoch: 3 },
    ]);
  }
});

test('a held address that vanished is assigned again, in its epoch, and taken from nobody', () => {
  const result = plan(cloud, { nic: empty }, recordOf(cloud, A, { phase: 'held', previous: B, epoch: 3 }));
  expect(wishes(result)).toEqual([
    { verb: 'assign-secondary-ip', seize: undefined, riskLevel: 'medium', captureEpoch: 3 },
  ]);
  expect(result.transition).toBeUndefined();
  expect(result.because).toContainEqual({ rule: 'capture.drift', detail: 'the capture is not in effect' });
});

test('a held address whose NIC does not forward gets forwarding back, and nothing else', () => {
  const result = plan(cloud, { nic: { addresses: [address], forwarding: false } }, recordOf(cloud, A));
  expect(wishes(result).map(({ verb }) => verb)).toEqual(['ensure-forwarding-enabled']);
});

test.each([
  ['is no member any more', 'aws-router-z'],
  ['is of another domain', 'oci-router-a'],
])('nothing is taken from a node that %s', (_, previous) => {
  const [wish] = wishes(plan(cloud, { nic: empty }, recordOf(cloud, A, { phase: 'acquiring', previous })));
  expect(wish).toMatchObject({ verb: 'assign-secondary-ip', seize: undefined, riskLevel: 'medium' });
});

test.each<[string, CaptureRecord, readonly Sighting[]]>([
  ['nobody holds it any more', recordOf(cloud, undefined, { epoch: 4 }), gone],
  [
    'the holder seeks it elsewhere',
    recordOf(cloud, B, { epoch: 4, phase: 'confirmed', previous: 'aws-router-c' }),
    ownedOnLan,
  ],
])('what an earlier tenure left on this NIC is taken off when %s', (_, record, sightings) => {
  const result = plan(cloud, { nic: carrying, draining: [A] }, record, sightings);
  expect(wishes(result)).toEqual([
    { verb: 'unassign-secondary-ip', seize: undefined, riskLevel: 'medium', captureEpoch: 4 },
  ]);
  expect(result.transition).toBeUndefined();
});

test('what another router holds and somebody put on this NIC is taken off, under the tenure that stands', () => {
  const since = instant(-1);
  const held = recordOf(cloud, B, { phase: 'held', epoch: 4 });
  const result = plan(cloud, { nic: carrying, draining: [A] }, { ...held, since });
  expect(wishes(result)).toEqual([
    { verb: 'unassign-secondary-ip', seize: undefined, riskLevel: 'medium', captureEpoch: 4 },
  ]);
  expect(result.transition).toBeUndefined();
  const seeking = { ...recordOf(cloud, B, { phase: 'confirmed', epoch: 4, previous: A }), since };
  expect(wishes(plan(cloud, { nic: carrying, draining: [A] }, seeking))).toEqual([]);
});

test.each<[string, CaptureRecord | undefined, readonly Sighting[], readonly HostAddress[]]>([
  [
    'the successor takes it over from here',
    recordOf(cloud, B, { phase: 'confirmed', previous: A }),
    ownedOnLan,
    [address],
  ],
  [
    'another holds it, so that our reading is old',
    recordOf(cloud, B, { phase: 'held', previous: A }),
    ownedOnLan,
    [address],
  ],
  ['the address is really owned here', recordOf(cloud, undefined), ownedAtAws, [address]],
  ['routerd never captured it', undefined, gone, [address]],
  ['it is not on the NIC', recordOf(cloud, undefined), gone, []],
])('an address on this NIC is left alone when %s', (_, record, sightings, addresses) => {
  const result = plan(cloud, { nic: { addresses, forwarding: true }, draining: [A] }, record, sightings);
  expect(result).toMatchObject({ actions: [], transition: undefined });
});

test('what a dead router holds and nobody wants any more is taken over, released and vacated by its successor', () => {
  const successor = contextOf({ self: B });
  const dead: SituationOptions = { nic: empty, liveness: { [A]: 'dead' } };
  const orphan = recordOf(successor, A, { epoch: 2, revision: 5 });
  const claimed = plan(successor, dead, orphan, gone);
  expect(claimed).toMatchObject({ captureOpen: false, transition: { phase: 'acquiring', holder: B, epoch: 3 } });
  const own = recordOf(successor, B, { epoch: 3, phase: 'acquiring', previous: A });
  expect(plan(successor, dead, own, gone)).toMatchObject({ actions: [], transition: { phase: 'releasing' } });
  const alive = plan(successor, { nic: empty }, orphan, gone);
  expect(alive).toMatchObject({ transition: undefined, actions: [] });
});

test('a holder that has forgotten everything releases nothing: no news is no news of absence', () => {
  const result = plan(cloud, { nic: carrying }, recordOf(cloud, A), []);
  expect(result).toMatchObject({ lease: undefined, claim: undefined, transition: undefined, actions: [] });
});

test("an address that the pool excludes is nobody's: released by its holder, and otherwise left alone", () => {
  const spec = { ...cloud.pool.spec, excludedAddresses: [must(parseIpv4Prefix('10.77.60.8/29'))] };
  const excluding: PoolContext = { ...cloud, pool: { ...cloud.pool, spec } };
  const held = plan(excluding, { nic: carrying }, recordOf(cloud, A));
  expect(held).toMatchObject({ lease: undefined, claim: undefined, transition: { phase: 'releasing' } });
  expect(held.because).toContainEqual({ rule: 'lease.excluded', by: '10.77.60.8/29' });
  const vacant = plan(excluding, { nic: carrying }, recordOf(cloud, undefined));
  expect(vacant).toMatchObject({ transition: undefined, actions: [] });
});

test('deprovisionHoldDuration keeps the capture for that long after an end, and not when the address comes here', () => {
  const spec = {
    ...cloud.pool.spec,
    capturePolicy: { ...cloud.pool.spec.capturePolicy, deprovisionHoldDuration: 7000 as never },
  };
  const patient: PoolContext = { ...cloud, pool: { ...cloud.pool, spec } };
  const ended = plan(patient, { nic: carrying, now: 1000 }, recordOf(patient, A), gone);
  expect(ended).toMatchObject({ transition: undefined, lookAgainAt: 8000 });
  const input = inputOf(gone, { previousLease: ended.lease, records: recordsOf(recordOf(patient, A)) });
  const later = (now: number): AddressPlan => planAddress(patient, situationOf(patient, { nic: carrying, now }), input);
  expect(later(7999).transition).toBeUndefined();
  expect(later(8000).transition).toMatchObject({ phase: 'releasing' });
  const here = [...gone, sighting('aws-router-b')];
  expect(plan(patient, { nic: carrying }, recordOf(patient, A), here).transition).toMatchObject({ phase: 'releasing' });
});

test('on a LAN a release is over when the kernel has stopped answering, and not before that was read', () => {
  const releasing = recordOf(lan, 'onprem-router-a', { phase: 'releasing', epoch: 5 });
  const denied = [sighting('aws-router-a', { kind: 'expired' })];
  expect(plan(lan, {}, releasing, denied).transition).toBeUndefined();
  expect(plan(lan, { hostCaptures: [address] }, releasing, denied).transition).toBeUndefined();
  expect(plan(lan, { hostCaptures: [] }, releasing, denied).transition).toMatchObject({
    phase: 'vacant',
    holder: undefined,
    epoch: 6,
  });
});

test('a release goes past the high-water mark too', () => {
  const record = recordOf(lan, 'onprem-router-a', { phase: 'releasing', epoch: 5 });
  const input = inputOf([sighting('aws-router-a', { kind: 'expired' })], {
    records: recordsOf(record),
    highWater: new Map([[record.domain, 40 as CaptureEpoch]]),
  });
  expect(planAddress(lan, situationOf(lan, { hostCaptures: [] }), input).transition).toMatchObject({ epoch: 41 });
});

test('an unreadable NIC is waited for in every phase', () => {
  for (const phase of ['acquiring', 'confirmed', 'held', 'releasing'] as const)
    expect(plan(cloud, {}, recordOf(cloud, A, { phase }), phase === 'releasing' ? gone : ownedOnLan)).toMatchObject({
      actions: [],
      transition: undefined,
    });
});

test('a member that is not in the pool derives leases and nothing else', () => {
  const stranger: PoolContext = { ...cloud, self: node('stranger'), selfMember: undefined };
  const result = plan(stranger, { nic: carrying }, recordOf(cloud, A));
  expect(result.lease).toMatchObject({ status: 'active' });
  expect(result).toMatchObject({ claim: undefined, captureOpen: false, transition: undefined, actions: [] });
});

test('what the provider holds elsewhere than assumed is looked for at every router of the domain, and then at nobody', () => {
  const three = withThird(cloud);
  const confirmed = recordOf(three, A, { epoch: 5, revision: 9, phase: 'confirmed', previous: B });
  const after = (...refusals: readonly SeizeRefusal[]): AddressPlan =>
    planAddress(
      three,
      situationOf(three, { nic: empty, liveness: { [B]: 'dead', [C]: 'dead' } }),
      inputOf(ownedOnLan, { records: recordsOf(confirmed), refusals }),
    );
  const refused = (epoch: number, from: string | undefined): SeizeRefusal => ({
    epoch: epoch as CaptureEpoch,
    from: from === undefined ? undefined : node(from),
  });
  expect(after(refused(4, B)).transition, 'an older refusal is not about this tenure').toBeUndefined();
  expect(after(refused(5, B))).toMatchObject({
    actions: [],
    transition: { phase: 'acquiring', holder: A, epoch: 6, basedOn: 9, previous: C },
  });
  const exhausted = after(refused(5, B), refused(4, C), refused(3, undefined));
  expect(exhausted.transition).toBeUndefined();
  expect(wishes(exhausted), 'it may be given up').toMatchObject([{ verb: 'assign-secondary-ip', captureEpoch: 5 }]);
  expect(exhausted.because).toContainEqual({ rule: 'capture.held-by-stranger', asked: [B, C] });
});

test('an orphan that nobody wants is vacated in the name of whom it may still be on, who cleans up when it returns', () => {
  const successor = contextOf({ self: B });
  const dead: SituationOptions = { nic: { addresses: [], forwarding: false }, liveness: { [A]: 'dead' } };
  const releasing = recordOf(successor, B, { epoch: 3, phase: 'releasing', previous: A });
  const vacated = plan(successor, dead, releasing, gone).transition;
  expect(vacated).toMatchObject({ phase: 'vacant', holder: undefined, previous: A, epoch: 4 });
  const vacant = recordOf(cloud, undefined, { epoch: 4, previous: A, writer: B });
  for (const sightings of [gone, ownedAtAws, []]) {
    const returned = plan(cloud, { nic: carrying }, vacant, sightings);
    expect(wishes(returned)).toMatchObject([{ verb: 'unassign-secondary-ip', captureEpoch: 4 }]);
    expect(returned.transition).toBeUndefined();
  }
});

/** Two routers of equal priority: who holds keeps, so that the other stands by. */
const equal = contextOf({ priorities: [10, 10] });

test('a router whose captures were all taken over stops forwarding, once that is over and it has nothing to deliver', () => {
  const options: SituationOptions = { nic: empty, ownedHere: 0 };
  const taken = recordOf(equal, B, { epoch: 3, phase: 'held', previous: A });
  const stops = [{ verb: 'ensure-forwarding-disabled', captureEpoch: 3 }];
  expect(wishes(plan(equal, options, taken))).toMatchObject(stops);
  const drained = { ...options, draining: [A], ownedHere: 1 };
  expect(wishes(plan(equal, drained, taken)), 'its partner delivers while it drains').toMatchObject(stops);
  const knowing = { ...options, unread: [B, 'nobody-of-the-pool'] };
  expect(wishes(plan(equal, knowing, taken)), 'its partner never sends to it').toMatchObject(stops);
  const still: readonly [string, SituationOptions, CaptureRecord][] = [
    ['an address lives here', { ...options, ownedHere: 1 }, taken],
    ['it is not known whether one does', { nic: empty }, taken],
    ['it holds another address', { ...options, held: new Map([[address, 'held']]) }, taken],
    ['another pool holds one on this NIC', { ...options, heldForOtherPools: 1 }, taken],
    ['the successor has not verified it', options, recordOf(equal, B, { phase: 'confirmed', previous: A })],
    ['a router of another site may not know yet', { ...options, unread: ['onprem-router-a'] }, taken],
    ['it never captured this address', options, recordOf(equal, B, { previous: 'aws-router-c' })],
  ];
  for (const [why, given, record] of still) expect(plan(equal, given, record).actions, why).toEqual([]);
});

test('a router that stands by forwards already where addresses live behind it, under the epoch of its partner', () => {
  const cold = { nic: { addresses: [], forwarding: false }, ownedHere: 1 };
  const held = recordOf(equal, B, { epoch: 3 });
  const [wish] = plan(equal, cold, held).actions;
  expect(wish).toMatchObject({
    verb: 'ensure-forwarding-enabled',
    captureEpoch: 3,
    captureHolder: A,
    nicRef: 'nic-aws-a',
  });
  expect(wish === undefined ? '' : fenceAction(wish, held).ok).toBe(true);
  for (const later of [
    recordOf(equal, B, { epoch: 4 }),
    recordOf(equal, B, { epoch: 3, phase: 'releasing' }),
    undefined,
  ])
    expect(wish === undefined ? '' : fenceAction(wish, later).ok).toBe(false);
  const not: readonly [string, SituationOptions, CaptureRecord][] = [
    ['nothing lives behind it', { ...cold, ownedHere: 0 }, held],
    ['it forwards already', { ...cold, nic: empty }, held],
    ['it drains', { ...cold, draining: [A] }, held],
    ['its partner has not verified its capture', cold, recordOf(equal, B, { phase: 'confirmed' })],
  ];
  for (const [why, given, record] of not) expect(plan(equal, given, record).actions, why).toEqual([]);
});

test('the last capture to be released leaves forwarding on while an address lives behind the NIC', () => {
  const releasing = recordOf(cloud, A, { phase: 'releasing' });
  const held = new Map([[address, 'releasing' as const]]);
  expect(plan(cloud, { nic: empty, held, ownedHere: 1 }, releasing, gone)).toMatchObject({
    actions: [],
    transition: { phase: 'vacant' },
  });
});

test('the last address of a pool leaves forwarding on for the other pool of its NIC', () => {
  const releasing = recordOf(cloud, A, { phase: 'releasing' });
  const held = new Map([[address, 'releasing' as const]]);
  const other = plan(cloud, { nic: empty, held, heldForOtherPools: 1 }, releasing, gone);
  expect(other).toMatchObject({ actions: [], transition: { phase: 'vacant' } });
});

test('of several addresses that leave a NIC together the highest takes forwarding with it, and none while one stays', () => {
  const [low, middle, high] = ['10.77.60.11/32', '10.77.60.12/32', '10.77.60.13/32'].map((quad) =>
    must(parseHostAddress(quad)),
  );
  if (low === undefined || middle === undefined || high === undefined) throw new Error('three were parsed');
  const restoring = (held: SituationOptions['held']): readonly HostAddress[] =>
    [low, middle, high].filter((each) =>
      restoresForwarding(situationOf(cloud, held === undefined ? {} : { held }), each),
    );
  const leaving = (of: readonly HostAddress[]) => of.map((each) => [each, 'releasing'] as const);
  expect(restoring(new Map(leaving([low, middle, high])))).toEqual([high]);
  expect(restoring(new Map(leaving([high, low, middle])))).toEqual([high]);
  expect(restoring(new Map(leaving([middle, low])))).toEqual([middle, high]);
  expect(restoring(new Map([...leaving([low, high]), [middle, 'held'] as const]))).toEqual([]);
  expect(restoring(new Map([[middle, 'held'] as const]))).toEqual([middle]);
  expect(restoring(new Map([[middle, 'held'] as const, [high, 'acquiring'] as const]))).toEqual([]);
});

test('the fence lets forwarding on for a router that stands by, and nothing else of anybody but the holder', () => {
  const action = (verb: ActionProposal['verb']) =>
    ({ verb, captureKey: recordOf(cloud, A).key, captureEpoch: 2 as CaptureEpoch, captureHolder: node(A) }) as const;
  const passes = (verb: ActionProposal['verb'], record: CaptureRecord): boolean => fenceAction(action(verb), record).ok;
  const byOther = recordOf(cloud, B, { epoch: 2, phase: 'held' });
  expect(passes('ensure-forwarding-enabled', byOther)).toBe(true);
  expect(passes('assign-secondary-ip', byOther)).toBe(false);
  for (const phase of ['acquiring', 'confirmed', 'releasing'] as const)
    expect(passes('ensure-forwarding-enabled', recordOf(cloud, B, { epoch: 2, phase })), phase).toBe(false);
});

test('what a registry forgot altogether, and the NIC still shows, is a new tenure, whoever is preferred', () => {
  const [first] = [...contextOf().members.values()].filter((member) => member.node === node(A));
  const highWater = new Map(first === undefined ? [] : [[first.domain, 7 as CaptureEpoch]]);
  const draining = situationOf(cloud, { nic: carrying, draining: [A] });
  const forgotten = planAddress(cloud, draining, inputOf(ownedOnLan, { highWater }));
  expect(forgotten.transition).toMatchObject({ phase: 'acquiring', holder: A, epoch: 8 });
  expect(planAddress(cloud, draining, inputOf(ownedOnLan)).transition).toBeUndefined();
});

test('an action carries the key, the epoch and the NIC that it was decided for', () => {
  const [action] = plan(cloud, { nic: empty }, recordOf(cloud, A, { phase: 'acquiring', epoch: 9 })).actions;
  const domain = cloud.selfMember?.domain ?? ('' as never);
  expect(action).toMatchObject({
    captureKey: captureKeyOf(pool, address, domain),
    captureDomain: domain,
    captureEpoch: 9,
    captureHolder: A,
    nicRef: 'nic-aws-a',
    provider: 'aws',
    providerRef: 'aws-main',
    address,
  });
});
