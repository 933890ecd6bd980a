import { instant, parseHostAddress } from '@routerd/resources';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldCapture } from '../src/capture-fold.ts';
import type {
  CaptureEpoch,
  CapturePhase,
  CaptureRecord,
  CaptureTransition,
  ClaimId,
  Revision,
} from '../src/capture-record.ts';
import { fenceAction } from '../src/fence.ts';
import type { AddressInput, AddressPlan, PoolContext, Sighting } from '../src/model.ts';
import { planAddress } from '../src/plan-address.ts';
import {
  address,
  contextOf,
  inputOf,
  must,
  node,
  recordOf,
  recordsOf,
  sighting,
  situationOf,
  type SituationOptions,
} from './fixtures.ts';

const cloud = contextOf();
const lan = contextOf({ self: 'onprem-router-a' });
const ownedOnLan = [sighting('onprem-router-a')];
const emptyNic = { addresses: [], forwarding: false };

function plan(
  context: PoolContext,
  options: SituationOptions,
  record?: CaptureRecord,
  sightings = ownedOnLan,
): AddressPlan {
  return planAddress(
    context,
    situationOf(context, options),
    inputOf(sightings, record === undefined ? {} : { records: recordsOf(record) }),
  );
}

/** The record that a transition becomes when it wins. */
function won(context: PoolContext, transition: CaptureTransition | undefined): CaptureRecord {
  if (transition === undefined) throw new Error('a transition was expected');
  const { basedOn, ...rest } = transition;
  return {
    ...rest,
    revision: (basedOn + 1) as Revision,
    writer: context.self,
    claim: 'c' as ClaimId,
    since: instant(0),
  };
}

test('an address is never claimed or captured at the site that owns it', () => {
  const result = plan(lan, { hostCaptures: [] });
  expect(result).toMatchObject({ claim: undefined, captureOpen: false, transition: undefined, actions: [] });
});

test('the preferred router claims epoch 1, enables forwarding and assigns, then says held', () => {
  const first = plan(cloud, { nic: emptyNic });
  expect(first.claim?.spec).toMatchObject({
    address,
    ownerSide: 'onprem',
    delivery: { peerRef: 'onprem-a', tunnelInterface: 'wg-onprem-a' },
    capture: { activeWhen: { type: 'capture-holder' } },
  });
  expect(first.captureOpen).toBe(false);
  expect(first.transition).toMatchObject({ epoch: 1, basedOn: 0, holder: 'aws-router-a', phase: 'acquiring' });
  expect(first.actions).toEqual([]);

  const acquiring = won(cloud, first.transition);
  const second = plan(cloud, { nic: emptyNic }, acquiring);
  expect(second.captureOpen).toBe(true);
  expect(second.actions.map(({ verb, idempotencyKey }) => [verb, idempotencyKey])).toEqual([
    ['ensure-forwarding-enabled', 'mobility:cloudedge:aws:nic-aws-a:ensure-forwarding-enabled:epoch:1'],
    ['assign-secondary-ip', 'mobility:cloudedge:aws:nic-aws-a:assign-secondary-ip:10.77.60.10:epoch:1'],
  ]);
  expect(second.actions[1]).toMatchObject({
    seize: undefined,
    riskLevel: 'medium',
    captureEpoch: 1,
    target: { region: 'r1' },
  });

  const third = plan(cloud, { nic: { addresses: [address], forwarding: true } }, acquiring);
  expect(third).toMatchObject({ actions: [], transition: { phase: 'held', epoch: 1 } });
  const settled = plan(cloud, { nic: { addresses: [address], forwarding: true } }, won(cloud, third.transition));
  expect(settled).toMatchObject({ actions: [], transition: undefined, captureOpen: true });
});

test('the standby has the same delivery and no capture', () => {
  const standby = contextOf({ self: 'aws-router-b' });
  const record = recordOf(standby, 'aws-router-a');
  const result = plan(standby, { nic: emptyNic }, record);
  expect(result.claim?.spec.delivery).toEqual(plan(cloud, { nic: emptyNic }, record).claim?.spec.delivery);
  expect(result).toMatchObject({ captureOpen: false, transition: undefined, actions: [] });
  expect(result.because).toContainEqual({ rule: 'capture.standby', holder: 'aws-router-a', epoch: 1 });
});

test('the successor of a dead holder claims the next epoch and seizes from it, and from nobody else', () => {
  const successor = contextOf({ self: 'aws-router-b' });
  const dead: SituationOptions = { liveness: { 'aws-router-a': 'dead' }, nic: { addresses: [], forwarding: true } };
  const claimed = plan(successor, dead, recordOf(successor, 'aws-router-a', { epoch: 4, revision: 9 }));
  expect(claimed.transition).toMatchObject({ epoch: 5, basedOn: 9, holder: 'aws-router-b', previous: 'aws-router-a' });
  const acting = plan(successor, dead, won(successor, claimed.transition));
  expect(acting.actions).toMatchObject([
    { verb: 'assign-secondary-ip', seize: { from: 'aws-router-a' }, riskLevel: 'high', captureEpoch: 5 },
  ]);
});

test('a draining holder keeps until its successor has claimed', () => {
  const draining: SituationOptions = { draining: ['aws-router-a'], nic: { addresses: [address], forwarding: true } };
  expect(plan(cloud, draining, recordOf(cloud, 'aws-router-a'))).toMatchObject({
    captureOpen: true,
    transition: undefined,
  });
  const successor = contextOf({ self: 'aws-router-b' });
  expect(plan(successor, { ...draining, nic: emptyNic }, recordOf(successor, 'aws-router-a')).transition).toMatchObject(
    { holder: 'aws-router-b', epoch: 2 },
  );
});

test('an address that nobody owns elsewhere is released in steps, each seen before the next', () => {
  const gone = [sighting('onprem-router-a', { kind: 'expired' })];
  const held = new Map<typeof address, CapturePhase>([[address, 'held']]);
  const carrying = { addresses: [address], forwarding: true };
  const first = plan(cloud, { nic: carrying, held }, recordOf(cloud, 'aws-router-a'), gone);
  expect(first).toMatchObject({
    claim: undefined,
    transition: { phase: 'releasing', epoch: 1, holder: 'aws-router-a' },
    actions: [],
  });
  const releasing = won(cloud, first.transition);
  const only = new Map<typeof address, CapturePhase>([[address, 'releasing']]);
  const second = plan(cloud, { nic: carrying, held: only }, releasing, gone);
  expect(second.actions).toMatchObject([{ verb: 'unassign-secondary-ip', captureEpoch: 1 }]);
  const third = plan(cloud, { nic: { addresses: [], forwarding: true }, held: only }, releasing, gone);
  expect(third.actions).toMatchObject([{ verb: 'ensure-forwarding-disabled' }]);
  const last = plan(cloud, { nic: emptyNic, held: only }, releasing, gone);
  expect(last).toMatchObject({ actions: [], transition: { phase: 'vacant', holder: undefined, epoch: 2 } });
});

test('forwarding stays on while another address is captured on the NIC', () => {
  const gone = [sighting('onprem-router-a', { kind: 'expired' })];
  const other = must(parseHostAddress('10.77.60.99/32'));
  const held = new Map<typeof address, CapturePhase>([
    [address, 'releasing'],
    [other, 'held'],
  ]);
  const result = plan(
    cloud,
    { nic: { addresses: [other], forwarding: true }, held },
    recordOf(cloud, 'aws-router-a', { phase: 'releasing' }),
    gone,
  );
  expect(result).toMatchObject({ actions: [], transition: { phase: 'vacant' } });
});

test('an address captured again after its release starts a new epoch', () => {
  const result = plan(cloud, { nic: emptyNic }, recordOf(cloud, undefined, { epoch: 6, revision: 20 }));
  expect(result.transition).toMatchObject({ epoch: 7, basedOn: 20, phase: 'acquiring' });
});

test('a registry that lost data is overtaken: the epoch goes past the high-water mark', () => {
  const input = inputOf(ownedOnLan, {
    records: recordsOf(recordOf(cloud, 'aws-router-a', { epoch: 1 })),
    highWater: new Map([[cloud.selfMember?.domain ?? ('' as never), 41 as CaptureEpoch]]),
  });
  expect(planAddress(cloud, situationOf(cloud, { nic: emptyNic }), input).transition).toMatchObject({ epoch: 42 });
});

test.each([
  ['not everything was read yet', { waitingFor: ['facts read to the end'] }],
  ['the registry is out of reach', { disconnected: true }],
])('nothing is captured or released while %s, and delivery stands', (_, options) => {
  const result = plan(cloud, { nic: emptyNic, ...options });
  expect(result.claim).toBeDefined();
  expect(result).toMatchObject({ transition: undefined, actions: [] });
  expect(result.because.at(-1)).toMatchObject({ rule: 'capture.waiting-ready' });
});

test('a NIC that was not read proposes nothing', () => {
  expect(plan(cloud, {}, recordOf(cloud, 'aws-router-a', { phase: 'acquiring' })).actions).toEqual([]);
});

test('a LAN captures through the registry: claimed, answered, held', () => {
  const cloudOwned = [sighting('aws-router-a')];
  const first = plan(lan, { hostCaptures: [] }, undefined, cloudOwned);
  expect(first.transition).toMatchObject({ domain: 'site:onprem:segment:lan0', epoch: 1 });
  const acquiring = won(lan, first.transition);
  expect(plan(lan, { hostCaptures: [] }, acquiring, cloudOwned)).toMatchObject({
    captureOpen: true,
    transition: undefined,
    actions: [],
  });
  expect(plan(lan, { hostCaptures: [address] }, acquiring, cloudOwned).transition).toMatchObject({ phase: 'held' });
});

test('a lease that cannot be delivered costs only its own claim', () => {
  const result = plan(contextOf({ withoutPeers: true }), { nic: emptyNic });
  expect(result).toMatchObject({ claim: undefined, transition: undefined });
  expect(result.because).toContainEqual(expect.objectContaining({ rule: 'claim.no-delivery', owner: 'onprem' }));
});

test('of all routers that want to claim, each by its own view of the others, one wins', () => {
  const liveness = fc.constantFrom('alive' as const, 'suspect' as const, 'dead' as const, 'unheard' as const);
  fc.assert(
    fc.property(liveness, liveness, fc.constantFrom(undefined, 'aws-router-a', 'aws-router-b'), (a, b, holder) => {
      const standing = holder === undefined ? undefined : recordOf(cloud, holder);
      const wishes = ['aws-router-a', 'aws-router-b'].flatMap((self) => {
        const context = contextOf({ self });
        const options: SituationOptions = { liveness: { 'aws-router-a': a, 'aws-router-b': b }, nic: emptyNic };
        const { transition } = plan(context, options, standing);
        return transition === undefined ? [] : [won(context, transition)];
      });
      for (const order of [wishes, wishes.toReversed()]) {
        let current = standing;
        const outcomes = order.map((wish) => {
          const outcome = foldCapture(current, wish);
          if (outcome.kind === 'accepted') current = outcome.record;
          return outcome.kind;
        });
        expect(outcomes.filter((kind) => kind === 'accepted')).toHaveLength(Math.min(1, order.length));
      }
    }),
  );
});

test('the fence admits the tenure it was planned in and no other', () => {
  const [assign] = plan(
    cloud,
    { nic: { addresses: [], forwarding: true } },
    recordOf(cloud, 'aws-router-a', { phase: 'acquiring', epoch: 2 }),
  ).actions;
  if (assign === undefined) throw new Error('an assign was expected');
  expect(fenceAction(assign, recordOf(cloud, 'aws-router-a', { epoch: 2, phase: 'confirmed' })).ok).toBe(true);
  for (const record of [
    undefined,
    recordOf(cloud, 'aws-router-a', { epoch: 3 }),
    recordOf(cloud, 'aws-router-b', { epoch: 3 }),
    recordOf(cloud, 'aws-router-a', { epoch: 2, phase: 'releasing' }),
  ]) {
    expect(fenceAction(assign, record)).toMatchObject({
      ok: false,
      error: { message: 'stale mobility capture epoch' },
    });
  }
});

test('a release is fenced while its node holds, and admitted when it is releasing or another holds in that epoch', () => {
  const release = {
    verb: 'unassign-secondary-ip',
    captureKey: recordOf(cloud, 'aws-router-a').key,
    captureEpoch: 2 as CaptureEpoch,
    captureHolder: node('aws-router-a'),
  } as const;
  expect(fenceAction(release, recordOf(cloud, 'aws-router-a', { epoch: 2 })).ok).toBe(false);
  expect(fenceAction(release, recordOf(cloud, 'aws-router-a', { epoch: 2, phase: 'releasing' })).ok).toBe(true);
  expect(fenceAction(release, recordOf(cloud, 'aws-router-b', { epoch: 2 })).ok).toBe(true);
});

test('a plan is looked at again when time alone would change its lease', () => {
  expect(plan(cloud, { nic: emptyNic }, undefined, [sighting('onprem-router-a')]).lookAgainAt).toBe(60_000);
});

test('a claim is the very same while nothing of it changes, and another when the lease or the way does', () => {
  const claimOf = (sightings: readonly Sighting[], more: Partial<AddressInput> = {}) =>
    planAddress(cloud, situationOf(cloud), inputOf(sightings, more)).claim;
  const first = claimOf(ownedOnLan);
  const again = { claimBefore: first };
  expect(claimOf(ownedOnLan, again)).toBe(first);
  const byOther = claimOf([sighting('onprem-router-b')], again);
  expect(byOther?.metadata.annotations).toMatchObject({ 'mobility.routerd.net/owner-node': 'onprem-router-b' });
  const moved = claimOf([sighting('azure-router-a')], again);
  expect(moved?.metadata.annotations).toMatchObject({ 'mobility.routerd.net/owner-site': 'azure' });
  expect(moved?.spec.delivery.peerRef).not.toBe(first?.spec.delivery.peerRef);
});
