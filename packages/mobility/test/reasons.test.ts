/** What `explain` prints of each state of a lease and each step of a capture: all of it, in order, since a reason that is left out misleads. */
import { instant } from '@routerd/resources';
import { expect, test } from 'vitest';
import type { CaptureEpoch, CaptureRecord } from '../src/capture-record.ts';
import type { AddressInput, PoolContext, Sighting } from '../src/model.ts';
import type { OrderVersion } from '../src/operator-order.ts';
import { planAddress } from '../src/plan-address.ts';
import { renderReason } from '../src/render-reason.ts';
import {
  address,
  contextOf,
  inputOf,
  leaseAt,
  node,
  pool,
  recordOf,
  recordsOf,
  sighting,
  site,
  situationOf,
  type SituationOptions,
} from './fixtures.ts';

const A = 'aws-router-a';
const B = 'aws-router-b';
const LAN = 'onprem-router-a';
const cloud = contextOf();
const gated = contextOf({ self: LAN, vrrp: true });
const ownedOnLan = [sighting(LAN)];
const empty = { addresses: [], forwarding: true };
const carrying = { addresses: [address], forwarding: true };

interface Given {
  readonly told: readonly string[];
  readonly context?: PoolContext;
  readonly sightings?: readonly Sighting[];
  readonly record?: CaptureRecord;
  readonly situation?: SituationOptions;
  readonly more?: Partial<AddressInput>;
}

function reasons({
  context = cloud,
  sightings = ownedOnLan,
  record,
  situation = {},
  more = {},
}: Given): readonly string[] {
  const records = record === undefined ? recordsOf() : recordsOf(record);
  return planAddress(context, situationOf(context, situation), inputOf(sightings, { records, ...more })).because.map(
    renderReason,
  );
}

const CASES: Readonly<Record<string, Given>> = {
  'a router claims what nobody captures': {
    told: [
      'onprem-router-a of site onprem saw the address at 1970-01-01T00:00:00.000Z',
      'owned by site onprem: delivered through onprem-a to onprem-router-a',
      'aws-router-a should capture: best priority 10 (not aws-router-b: lower-priority)',
      'claims the capture in epoch 1',
    ],
    situation: { nic: empty },
  },
  'it takes over from a router that is dead': {
    told: [
      'onprem-router-a of site onprem saw the address at 1970-01-01T00:00:00.000Z',
      'owned by site onprem: delivered through onprem-a to onprem-router-a',
      'aws-router-a should capture: best priority 10 (not aws-router-b: dead)',
      'claims the capture in epoch 2, from aws-router-b',
    ],
    record: recordOf(cloud, B),
    situation: { nic: empty, liveness: { [B]: 'dead' } },
  },
  'it has claimed, and asks the provider': {
    told: [
      'onprem-router-a of site onprem saw the address at 1970-01-01T00:00:00.000Z',
      'owned by site onprem: delivered through onprem-a to onprem-router-a',
      'aws-router-a should capture: best priority 10 (not aws-router-b: lower-priority)',
      'holds epoch 3; the capture is not verified yet',
    ],
    record: recordOf(cloud, A, { phase: 'acquiring', epoch: 3 }),
    situation: { nic: empty },
  },
  'a stranger has the address': {
    told: [
      'onprem-router-a of site onprem saw the address at 1970-01-01T00:00:00.000Z',
      'owned by site onprem: delivered through onprem-a to onprem-router-a',
      'aws-router-a should capture: best priority 10 (not aws-router-b: lower-priority)',
      'holds epoch 3; the capture is not verified yet',
      'the provider says that another NIC holds the address, and it is none of aws-router-b: nothing is taken from strangers',
    ],
    record: recordOf(cloud, A, { phase: 'acquiring', epoch: 3, previous: B }),
    situation: { nic: empty },
    more: {
      refusals: [{ epoch: 3 as CaptureEpoch, from: node(B) }],
    },
  },
  'it holds, and the NIC shows it': {
    told: [
      'onprem-router-a of site onprem saw the address at 1970-01-01T00:00:00.000Z',
      'owned by site onprem: delivered through onprem-a to onprem-router-a',
      'aws-router-a should capture: best priority 10 (not aws-router-b: lower-priority)',
      'holds the capture in epoch 3',
    ],
    record: recordOf(cloud, A, { epoch: 3 }),
    situation: { nic: carrying },
  },
  'it holds, and the NIC has lost it': {
    told: [
      'onprem-router-a of site onprem saw the address at 1970-01-01T00:00:00.000Z',
      'owned by site onprem: delivered through onprem-a to onprem-router-a',
      'aws-router-a should capture: best priority 10 (not aws-router-b: lower-priority)',
      'holds the capture in epoch 3',
      'repairs: the capture is not in effect',
    ],
    record: recordOf(cloud, A, { epoch: 3 }),
    situation: { nic: empty },
  },
  'another holds': {
    told: [
      'onprem-router-a of site onprem saw the address at 1970-01-01T00:00:00.000Z',
      'owned by site onprem: delivered through onprem-a to onprem-router-a',
      'aws-router-b should capture: best priority 20 (not aws-router-a: draining)',
      'stands by: aws-router-b holds epoch 2',
    ],
    record: recordOf(cloud, B, { epoch: 2 }),
    situation: { nic: { addresses: [], forwarding: false }, draining: [A] },
  },
  'another holds, and this one stands by for what lives behind it': {
    told: [
      'onprem-router-a of site onprem saw the address at 1970-01-01T00:00:00.000Z',
      'owned by site onprem: delivered through onprem-b to onprem-router-b',
      'aws-router-b should capture: best priority 10 (not aws-router-a: lower-priority)',
      'stands by: aws-router-b holds epoch 2',
      'has its NIC forward, so that it can take over and deliver at once (epoch 2)',
    ],
    record: recordOf(cloud, B, { epoch: 2 }),
    situation: { nic: { addresses: [], forwarding: false }, ownedHere: 1, load: { [B]: 1 }, liveness: {} },
    context: contextOf({ priorities: [20, 10] }),
  },
  'what it held is still sent to it': {
    told: [
      'onprem-router-a of site onprem saw the address at 1970-01-01T00:00:00.000Z',
      'owned by site onprem: delivered through onprem-a to onprem-router-a',
      'aws-router-b should capture: best priority 20 (not aws-router-a: draining)',
      'stands by: aws-router-b holds epoch 2',
      'keeps forwarding: onprem-router-b may not know yet that others deliver now',
    ],
    record: recordOf(cloud, B, { epoch: 2, previous: A }),
    situation: { nic: empty, draining: [A], unread: ['onprem-router-b'] },
  },
  'what an earlier tenure left is taken off': {
    told: [
      'onprem-router-a says that the address is gone',
      'cleans up: an earlier tenure left the address on this NIC',
    ],
    record: recordOf(cloud, undefined, { epoch: 4 }),
    situation: { nic: carrying },
    sightings: [sighting(LAN, { kind: 'expired' })],
  },
  'it releases what nobody owns': {
    told: ['onprem-router-a says that the address is gone', 'releases: nobody owns the address any more'],
    record: recordOf(cloud, A, { phase: 'releasing', epoch: 3 }),
    situation: { nic: carrying },
    sightings: [sighting(LAN, { kind: 'expired' })],
  },
  'it releases what lives at its own site': {
    told: [
      'aws-router-b of site aws saw the address at 1970-01-01T00:00:00.000Z',
      'the address lives at this site (aws); it is never captured here',
      'releases: the address lives at this site now',
    ],
    record: recordOf(cloud, A),
    situation: { nic: carrying },
    sightings: [sighting(B)],
  },
  'VRRP made another the master': {
    told: [
      'aws-router-a of site aws saw the address at 1970-01-01T00:00:00.000Z',
      'owned by site aws: delivered through aws-a to aws-router-a',
      'onprem-router-b should capture: best priority 20 (not onprem-router-a: not-vrrp-master)',
      'captures nothing: VRRP says backup, and only the master answers on this LAN',
    ],
    context: gated,
    record: recordOf(gated, LAN, { epoch: 2 }),
    sightings: [sighting(A)],
    situation: { vrrp: 'backup', hostCaptures: [] },
  },
  'the registry cannot be reached, and the host was not read': {
    told: [
      'onprem-router-a of site onprem saw the address at 1970-01-01T00:00:00.000Z',
      'owned by site onprem: delivered through onprem-a to onprem-router-a',
      'aws-router-a should capture: best priority 10 (not aws-router-b: lower-priority)',
      'nothing is captured or released before this was read: the host; the capture registry',
    ],
    situation: { nic: empty, disconnected: true, waitingFor: ['the host'] },
  },
  'two sites assert the address': {
    told: [
      'onprem-router-a of site onprem saw the address at 1970-01-01T00:00:00.000Z',
      'site onprem keeps the address over azure: its facts are fresh',
      'conflict: sites onprem and azure both assert the address',
      'owned by site onprem: delivered through onprem-a to onprem-router-a',
      'aws-router-a should capture: best priority 10 (not aws-router-b: lower-priority)',
      'holds the capture in epoch 1',
    ],
    sightings: [sighting(LAN), sighting('azure-router-a', { at: 900 })],
    more: { previousLease: leaseAt('onprem') },
    record: recordOf(cloud, A),
    situation: { nic: carrying },
  },
  'its owner cannot be heard': {
    told: [
      'onprem-router-a cannot be heard; its lease stands, stale, because silence proves nothing',
      'owned by site onprem: delivered through onprem-b to onprem-router-b',
      'aws-router-a should capture: best priority 10 (not aws-router-b: lower-priority)',
      'holds the capture in epoch 1',
    ],
    sightings: [sighting(LAN, { ttl: 500 })],
    more: { previousLease: leaseAt('onprem') },
    situation: { liveness: { [LAN]: 'dead' }, nic: carrying },
    record: recordOf(cloud, A),
  },
  'its owner cannot be heard, and another site asserts it': {
    told: [
      'onprem-router-a cannot be heard; its lease stands, stale, because silence proves nothing',
      'site onprem is held until 1970-01-01T00:00:05.900Z, then azure takes over',
      'owned by site onprem: delivered through onprem-b to onprem-router-b',
      'aws-router-a should capture: best priority 10 (not aws-router-b: lower-priority)',
      'holds the capture in epoch 1',
    ],
    sightings: [sighting(LAN, { ttl: 500 }), sighting('azure-router-a', { at: 900 })],
    more: { previousLease: leaseAt('onprem') },
    situation: { liveness: { [LAN]: 'dead' }, nic: carrying },
    record: recordOf(cloud, A),
  },
  'another site took over from an owner that is silent': {
    told: [
      'azure-router-a of site azure saw the address at 1970-01-01T00:00:00.900Z',
      'onprem-router-a cannot be heard, and nothing that it said stands any more',
      'owned by site azure: delivered through azure-a to azure-router-a',
      'aws-router-a should capture: best priority 10 (not aws-router-b: lower-priority)',
      'holds the capture in epoch 1',
    ],
    sightings: [sighting(LAN, { ttl: 500 }), sighting('azure-router-a', { at: 900 })],
    more: { previousLease: leaseAt('onprem') },
    situation: { now: 6000, liveness: { [LAN]: 'dead' }, nic: carrying },
    record: recordOf(cloud, A),
  },
  'an operator hands it over while its site goes on asserting it': {
    told: [
      'azure-router-a of site azure saw the address at 1970-01-01T00:00:00.900Z',
      'handed over to site azure by kim (the rack moves)',
      'site azure keeps the address over onprem: its facts are fresh',
      'conflict: sites azure and onprem both assert the address',
      'owned by site azure: delivered through azure-a to azure-router-a',
      'aws-router-a should capture: best priority 10 (not aws-router-b: lower-priority)',
      'holds the capture in epoch 1',
    ],
    sightings: [sighting(LAN), sighting('azure-router-a', { at: 900 })],
    more: {
      previousLease: leaseAt('onprem'),
      order: {
        version: 1 as OrderVersion,
        who: 'kim',
        why: 'the rack moves',
        order: { verb: 'hand-over', pool, address, site: site('azure') },
      },
    },
    record: recordOf(cloud, A),
    situation: { nic: carrying },
  },
  'its owner lives, and asserts it no longer': {
    told: [
      'onprem-router-a no longer asserts the address; its last fact stood until 1970-01-01T00:00:00.500Z',
      'the lease of onprem-router-a is held until 1970-01-01T00:00:06.000Z, then it ends',
      'owned by site onprem: delivered through onprem-a to onprem-router-a',
      'aws-router-a should capture: best priority 10 (not aws-router-b: lower-priority)',
      'holds the capture in epoch 1',
    ],
    sightings: [sighting(LAN, { ttl: 500 })],
    more: { previousLease: leaseAt('onprem') },
    record: recordOf(cloud, A),
    situation: { nic: carrying },
  },
  'its owner asserts it no longer, and another site does': {
    told: [
      'onprem-router-a no longer asserts the address; its last fact stood until 1970-01-01T00:00:00.500Z',
      'site onprem is held until 1970-01-01T00:00:06.000Z, then azure takes over',
      'owned by site onprem: delivered through onprem-a to onprem-router-a',
      'aws-router-a should capture: best priority 10 (not aws-router-b: lower-priority)',
      'holds the capture in epoch 1',
    ],
    sightings: [sighting(LAN, { ttl: 500 }), sighting('azure-router-a', { at: 900 })],
    more: { previousLease: leaseAt('onprem') },
    record: recordOf(cloud, A),
    situation: { nic: carrying },
  },
  'the lease ended after the hold': {
    told: [
      'onprem-router-a no longer asserts the address; its last fact stood until 1970-01-01T00:00:00.500Z',
      'releases: nobody owns the address any more',
    ],
    sightings: [sighting(LAN, { ttl: 500 })],
    more: { previousLease: leaseAt('onprem', { status: 'holding', lapsingSince: instant(600) }) },
    record: recordOf(cloud, A),
    situation: { now: 6000, nic: carrying },
  },
  'the pool hands it over, and it was released': {
    told: [
      'site onprem has released it; the pool hands it over to aws-router-a, which has not asserted it yet',
      'onprem-router-a says that the address is gone',
      'owned by site onprem: delivered through onprem-a to onprem-router-a',
      'azure-router-a should capture: best priority 10 (not azure-router-b: lower-priority)',
      'claims the capture in epoch 1',
    ],
    context: contextOf({ self: 'azure-router-a', owned: { [LAN]: [address] }, handOvers: [[address, LAN, A]] }),
    sightings: [sighting(LAN, { kind: 'expired' })],
    more: { previousLease: leaseAt('onprem') },
    situation: { nic: empty },
  },
};

test.each(Object.entries(CASES))('all is told when %s', (_, given) => {
  expect(reasons(given)).toEqual(given.told);
});
