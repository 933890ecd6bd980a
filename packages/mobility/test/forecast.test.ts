/** What-if: the planner itself, run for all routers of the fixture's pool (four sites, two routers each) on a world at rest. */
import { instant, parseHostAddress, type HostAddress } from '@routerd/resources';
import { expect, test } from 'vitest';
import { forecast, type Forecast } from '../src/forecast/forecast.ts';
import type { Hypothesis, Present } from '../src/forecast/hypothesis.ts';
import { VirtualFleet } from '../src/forecast/virtual-fleet.ts';
import {
  contextOf,
  must,
  node,
  sighting,
  situationOf,
  type ContextOptions,
  type SituationOptions,
} from './fixtures.ts';

const numbered = (host: number): HostAddress => must(parseHostAddress(`10.77.60.${host}/32`));
const LAN = [numbered(10), numbered(11), numbered(12)];
const CLOUD = numbered(200);
const A = node('aws-router-a');
const B = node('aws-router-b');

/** Three machines on the LAN and one at AWS, captured everywhere else. */
function atRest(options: ContextOptions = {}, situation: SituationOptions = {}): Present {
  const context = contextOf(options);
  const present: Present = {
    context,
    now: instant(1000),
    members: situationOf(context, situation).members,
    leases: [],
    sightings: [
      ...LAN.map((address) => ({ ...sighting('onprem-router-a'), address })),
      { ...sighting('aws-router-a'), address: CLOUD },
    ],
    records: [],
    orderOf: () => undefined,
  };
  const fleet = new VirtualFleet(present, present.members);
  expect(fleet.settle(instant(2000))).toBe(true);
  return {
    ...present,
    records: [...fleet.records()],
    leases: [...(fleet.routers.get(context.self)?.world.leases() ?? [])],
  };
}

function told(result: Forecast): readonly string[] {
  return result.steps.map((step) => {
    const of = `${step.round} ${step.node} ${step.what}`;
    const more = step.what === 'call' ? ` ${step.verb} ×${step.calls}` : step.what === 'deliver' ? ` ${step.via}` : '';
    return `${of}${more}: ${step.addresses.length}`;
  });
}

function whatIf(hypothesis: Hypothesis, present = atRest()): Forecast {
  return forecast(present, hypothesis);
}

test('a drain is make before break: delivery moves to a router that forwards, which takes all with one call; the old one stops last', () => {
  const result = whatIf({ kind: 'drain', node: A });
  expect(result).toMatchObject({ isSettled: true, unheld: [], calls: { aws: 2 }, leases: [] });
  expect(result.moves).toEqual(
    LAN.map((address) => ({ address, domain: 'provider:aws-main:placement:aws', from: A, to: B })),
  );
  expect(told(result)).toEqual([
    '1 onprem-router-a deliver aws-router-b: 1',
    '1 onprem-router-b deliver aws-router-b: 1',
    '1 azure-router-a deliver aws-router-b: 1',
    '1 azure-router-b deliver aws-router-b: 1',
    '1 oci-router-a deliver aws-router-b: 1',
    '1 oci-router-b deliver aws-router-b: 1',
    '1 aws-router-b claim: 3',
    '2 aws-router-b call assign-secondary-ip ×1: 3',
    '3 aws-router-b hold: 3',
    '4 aws-router-a call ensure-forwarding-disabled ×1: 3',
  ]);
});

test('a failure of one of two is survived, and a failure of the second is not: what nobody would capture is named', () => {
  const first = whatIf({ kind: 'fail', node: A });
  expect(first.unheld).toEqual([]);
  expect(first.moves.map(({ to }) => to)).toEqual([B, B, B]);
  const second = whatIf({ kind: 'fail', node: A }, atRest({}, { liveness: { [B]: 'dead' } }));
  expect(second.unheld.map(({ address, site, isNew }) => [address, site, isNew])).toEqual(
    LAN.map((address) => [address, 'aws', true]),
  );
});

test('a drain of the only router left keeps what it holds, since nobody else could take it', () => {
  const result = whatIf({ kind: 'drain', node: A }, atRest({}, { liveness: { [B]: 'dead' } }));
  expect(result).toMatchObject({ moves: [], unheld: [], isSettled: true });
});

test('when a NIC has no room for what a failure sends to it, the rest is named with the reason', () => {
  const result = whatIf({ kind: 'fail', node: A }, atRest({ capacity: 2 }));
  expect(result.unheld.map(({ address, site }) => [address, site])).toEqual([[LAN[1], 'aws']]);
  expect(result.unheld[0]?.because).toContainEqual(expect.objectContaining({ rule: 'placement.no-room' }));
});

test('a fact about a new address has it captured in every other site; its end has it released', () => {
  const address = numbered(77);
  const seen = whatIf({ kind: 'fact', node: node('oci-router-a'), address, says: 'observed' });
  expect(seen.moves.map(({ domain, to }) => [domain, to])).toEqual([
    ['site:onprem:segment:lan0', 'onprem-router-a'],
    ['provider:aws-main:placement:aws', A],
    ['provider:azure-main:placement:azure', 'azure-router-a'],
  ]);
  expect(seen.leases).toMatchObject([{ address, before: undefined, after: { status: 'active', site: 'oci' } }]);
  const gone = whatIf({ kind: 'fact', node: node('onprem-router-a'), address: LAN[0]!, says: 'expired' });
  expect(gone.moves.every(({ to }) => to === undefined)).toBe(true);
  expect(gone.moves).toHaveLength(3);
  expect(gone.unheld, 'nobody owns it, so nobody has to capture it').toEqual([]);
});

test('a machine that a site misses is gone for all routers of the site that saw it; one router alone cannot say so', () => {
  const present = atRest();
  const sightings = [...present.sightings, { ...sighting('onprem-router-b'), address: LAN[0]! }];
  const fact = { kind: 'fact', node: node('onprem-router-a'), address: LAN[0]!, says: 'expired' } as const;
  expect(whatIf(fact, { ...present, sightings }).moves).toEqual([]);
  const gone = whatIf({ ...fact, isOfSite: true }, { ...present, sightings });
  expect(gone.moves.map(({ to }) => to)).toEqual([undefined, undefined, undefined]);
});

test('a second site that asserts an address is a conflict, and moves nothing', () => {
  const result = whatIf({ kind: 'fact', node: node('oci-router-b'), address: LAN[0]!, says: 'observed' });
  expect(result).toMatchObject({ moves: [], calls: {}, unheld: [] });
  expect(result.leases).toMatchObject([
    { before: { status: 'active' }, after: { status: 'conflict', site: 'onprem' } },
  ]);
});

test('a new configuration is tried on the live world: other priorities move captures back', () => {
  const result = whatIf({ kind: 'apply', context: contextOf({ priorities: [30, 20] }) });
  expect(new Set(result.moves.map(({ to }) => to))).toEqual(
    new Set(['aws-router-b', 'azure-router-b', 'oci-router-b', 'onprem-router-b']),
  );
  expect(result.unheld).toEqual([]);
});

test('a hand-over that the pool declares is forecast in its order: released, given up at the new site, asserted there', () => {
  const owned = { 'onprem-router-a': LAN };
  const handOvers = [[LAN[0]!, 'onprem-router-a', 'aws-router-a']] as const;
  const result = whatIf({ kind: 'apply', context: contextOf({ owned, handOvers }) }, atRest({ owned }));
  const order = result.steps.filter(({ addresses }) => addresses.includes(LAN[0]!));
  const first = (what: string, at: string): number =>
    order.findIndex((step) => step.what === what && step.node.startsWith(at));
  expect(first('vacate', 'aws')).toBeGreaterThanOrEqual(0);
  expect(first('vacate', 'aws')).toBeLessThan(first('deliver', 'azure'));
  expect(first('deliver', 'azure')).toBeLessThan(first('hold', 'onprem'));
  expect(result.leases).toMatchObject([
    { address: LAN[0], before: { site: 'onprem' }, after: { site: 'aws', status: 'active' } },
  ]);
  expect(result.unheld).toEqual([]);
});

test('where VRRP is the authority the next master captures after a failure', () => {
  const result = whatIf({ kind: 'fail', node: node('onprem-router-a') }, atRest({ vrrp: true, self: 'aws-router-a' }));
  expect(result.moves).toEqual([
    { address: CLOUD, domain: 'site:onprem:segment:lan0', from: 'onprem-router-a', to: 'onprem-router-b' },
  ]);
});

test('a drained master leaves its LAN to its partner, and keeps it while there is none', () => {
  const present = atRest({ vrrp: true, self: 'aws-router-a' });
  const drained = { kind: 'drain', node: node('onprem-router-a') } as const;
  expect(whatIf(drained, present)).toMatchObject({
    moves: [{ address: CLOUD, from: 'onprem-router-a', to: 'onprem-router-b' }],
    unheld: [],
    isSettled: true,
  });
  const alone = atRest({ vrrp: true, self: 'aws-router-a' }, { liveness: { 'onprem-router-b': 'dead' } });
  expect(whatIf(drained, alone)).toMatchObject({ moves: [], unheld: [] });
});

test('who VRRP made master stays so, whatever the pool prefers: a failure of the other moves nothing', () => {
  const present = atRest({ vrrp: true, self: 'aws-router-a' });
  const other = node('onprem-router-b');
  const records = [...present.records].map((record) =>
    record.holder === node('onprem-router-a') ? { ...record, holder: other, writer: other } : record,
  );
  const result = whatIf({ kind: 'fail', node: node('onprem-router-a') }, { ...present, records });
  expect(result).toMatchObject({ moves: [], unheld: [], isSettled: true });
  const back = whatIf({ kind: 'fail', node: other }, { ...present, records });
  expect(back.moves).toEqual([
    { address: CLOUD, domain: 'site:onprem:segment:lan0', from: other, to: 'onprem-router-a' },
  ]);
});

test('a node that knows its own role by VRRP goes by that', () => {
  const present = atRest({ vrrp: true, self: 'onprem-router-b' });
  const result = whatIf({ kind: 'fail', node: node('onprem-router-a') }, { ...present, vrrp: 'master' });
  expect(result).toMatchObject({ moves: [], unheld: [], isSettled: true });
});

test('asking changes nothing: the same question has the same answer', () => {
  const present = atRest();
  const once = forecast(present, { kind: 'fail', node: A });
  expect(forecast(present, { kind: 'fail', node: A })).toEqual(once);
});
