/** The small memories of an emulated cloud: journal, fault cards, retry tokens, history. */
import { expect, test } from 'vitest';
import { ok, type DurationMs, type Instant } from '@routerd/resources';
import { ManualClock } from '@routerd/runtime';
import { assign, setMachineState } from '../../src/cloud/address-space.ts';
import { ControlPlane } from '../../src/cloud/control-plane.ts';
import { faultCard, knobs } from '../../src/cloud/control-messages.ts';
import { absenceOf, CARD_NAMES, cardOf, playOf } from '../../src/cloud/fault-catalogue.ts';
import { FaultDeck } from '../../src/cloud/fault-deck.ts';
import { ComputeOperations } from '../../src/cloud/oci/compute-operations.ts';
import { RetryTokens } from '../../src/cloud/oci/retry-tokens.ts';
import { RequestJournal } from '../../src/cloud/request-journal.ts';
import type { WireReply } from '../../src/cloud/wire.ts';
import { listingOf, nodeAt } from '../../src/cloud/metadata-tree.ts';
import { sampleConfig } from './sample-space.ts';

const clock = (): ManualClock => new ManualClock(Date.parse('2026-11-21T00:00:00Z') as Instant);
const HOUR = 3_600_000 as DurationMs;

test('the journal numbers requests by arrival, shows outcomes when they come, and goes on counting after a reset', () => {
  const journal = new RequestJournal(clock());
  const request = { service: 'api', principal: 'a', operation: 'X', parameters: {}, mutating: true } as const;
  const first = journal.open(request);
  journal.open(request)({ status: 200 });
  expect(journal.since(0).map(({ sequence, outcome }) => [sequence, outcome?.status])).toEqual([
    [1, undefined],
    [2, 200],
  ]);
  first({ status: 503, code: 'RequestLimitExceeded' });
  expect(journal.since(0)[0]?.outcome).toEqual({ status: 503, code: 'RequestLimitExceeded' });
  expect(journal.since(1)).toHaveLength(1);
  journal.reset();
  journal.open(request);
  expect(journal.since(0).map(({ sequence }) => sequence)).toEqual([3]);
});

test('fault cards are used up one by one, for the operation and instance they name', () => {
  const deck = new FaultDeck(clock());
  const draw = (operation: string, principal = 'a', service: 'api' | 'imds' = 'api'): string | undefined =>
    deck.draw({ service, operation, principal, mutating: true })?.kind;
  deck.lay(faultCard.parse({ operation: 'Assign', kind: 'throttle', count: 2, principal: 'b' }));
  deck.lay(faultCard.parse({ operation: '*', kind: 'hang' }));
  expect(draw('GET /latest', 'a', 'imds')).toBeUndefined();
  expect([draw('Assign', 'b'), draw('Assign', 'b'), draw('Assign', 'b'), draw('Assign', 'b')]).toEqual([
    'throttle',
    'throttle',
    'hang',
    undefined,
  ]);
});

test('a fault card for a group of operations meets these, until its time is over', () => {
  const time = clock();
  const deck = new FaultDeck(time);
  const draw = (operation: string, mutating = false): string | undefined =>
    deck.draw({ service: operation.startsWith('GET ') ? 'imds' : 'api', operation, principal: 'a', mutating })?.kind;
  deck.lay(faultCard.parse({ operation: 'polls', kind: 'error-before', card: 'polls-fail' }));
  deck.lay(faultCard.parse({ operation: 'identity', kind: 'denied', count: 5, forMs: 1000 }));
  deck.lay(faultCard.parse({ operation: 'writes', kind: 'throttle' }));
  deck.lay(faultCard.parse({ operation: 'reads', kind: 'hang', card: 'hang' }));
  expect([draw('GET /latest/meta-data/mac'), draw('GET /latest/meta-data/iam/x')]).toEqual([undefined, 'denied']);
  expect([draw('GetSecurityToken'), draw('GetVnic', true), draw('GetVnic', true)]).toEqual([
    undefined,
    'throttle',
    undefined,
  ]);
  expect([draw('operations.get'), draw('operations.get')]).toEqual(['error-before', undefined]);
  deck.clear('hang');
  time.advance(1000);
  expect([draw('GetVnic'), draw('GET /latest/meta-data/iam/x'), deck.left]).toEqual([undefined, undefined, []]);
});

test('the deck refuses its hundred and first card', () => {
  const deck = new FaultDeck(clock());
  const card = faultCard.parse({ operation: '*', kind: 'delay' });
  for (let laid = 0; laid < 100; laid += 1) deck.lay(card);
  expect(() => deck.lay(card)).toThrow('clear them first');
});

test('every named card does something, says what, and gives the reason where a vendor has no such thing', () => {
  for (const name of CARD_NAMES) {
    const { faults, knobs: turned } = playOf(name, {});
    expect(faults.length + Object.keys(turned).length, name).toBeGreaterThan(0);
    expect(cardOf(name).about.length, name).toBeGreaterThan(20);
    for (const fault of faults) expect(faultCard.parse(fault).card).toBe(name);
  }
  expect(absenceOf('conflict', 'aws')).toContain('conditional');
  expect(absenceOf('conflict', 'oci')).toBeUndefined();
});

test('a knob that a card turns goes back by its name, after its time, and when all are set', () => {
  const time = clock();
  const plane = new ControlPlane(sampleConfig(), { clock: time, follow: () => undefined });
  plane.knobs = knobs.parse({ readLagMs: 30 });
  plane.turn('latency', playOf('latency', { amount: 200 }).knobs);
  plane.turn('limit', playOf('limit', { amount: 3 }).knobs, 1000);
  expect([plane.mutationMs, plane.knobs.addressesPerNicMax, plane.knobs.readLagMs]).toEqual([300, 3, 30]);
  plane.turnBack('latency');
  expect([plane.mutationMs, plane.turnedBy]).toEqual([100, ['limit']]);
  time.advance(1000);
  expect([plane.knobs.addressesPerNicMax, plane.turnedBy]).toEqual([undefined, []]);
});

test('a retry token does its work once; a refusal is forgotten, and so is everything after a day', async () => {
  const time = clock();
  const tokens = new RetryTokens(time);
  let done = 0;
  const ask = async (body = '{}', reply: WireReply = { status: 200 }, standing = true): Promise<number> => {
    const request = { token: 't', principal: 'a', body };
    const perform = async (): Promise<WireReply> => {
      done++;
      return Promise.resolve(reply);
    };
    return (await tokens.once(request, () => standing, perform)).status;
  };
  expect([await ask('{}', { status: 429 }), await ask(), await ask(), done]).toEqual([429, 200, 200, 2]);
  expect(await ask('{"another":1}')).toBe(409);
  expect(await ask('{}', { status: 200 }, false)).toBe(409);
  time.advance(24 * HOUR);
  expect([await ask(), done]).toEqual([200, 3]);
});

test('a change takes its time, is seen late by readers who are told old news, and reaches the fabric after that', async () => {
  const time = clock();
  const followed: { readonly at: number; readonly holder: string | undefined }[] = [];
  const plane = new ControlPlane(sampleConfig(), {
    clock: time,
    follow: (view, at) => followed.push({ at, holder: view.holders.get('10.77.60.10') }),
  });
  plane.knobs = knobs.parse({ readLagMs: 30 });
  const assigned = plane.change((space) =>
    assign(space, { nicId: 'eni-a', addresses: ['10.77.60.10'], mayTake: () => false, settled: true }),
  );
  time.advance(99);
  expect(plane.space.nics.get('eni-a')?.secondaries).toHaveLength(0);
  time.advance(1);
  expect(await assigned).toMatchObject({ ok: true });
  expect(followed).toEqual([{ at: 150, holder: 'e-a' }]);
  expect(plane.seen.nics.get('eni-a')?.secondaries).toHaveLength(0);
  time.advance(30);
  expect(plane.seen.nics.get('eni-a')?.secondaries).toHaveLength(1);
});

test('metadata folders list their children, and slashes that say nothing do not count', () => {
  const tree = { latest: { 'meta-data': { mac: '02:00', iam: {} } } };
  expect(nodeAt(tree, '//latest/meta-data/mac')).toBe('02:00');
  expect(nodeAt(tree, '/latest/meta-data/mac/deeper')).toBeUndefined();
  expect(nodeAt(tree, '/latest/constructor')).toBeUndefined();
  expect(listingOf(tree.latest['meta-data'])).toBe('mac\niam/');
});

test('OCI lists machines and attachments in pages, stopped and terminated ones too; a NIC goes with its machine, power moves no packets', () => {
  let followed = 0;
  const plane = new ControlPlane(sampleConfig('oci'), { clock: clock(), follow: () => (followed += 1) });
  const compute = new ComputeOperations(plane);
  const asked = (more: object = {}): URLSearchParams => new URLSearchParams({ compartmentId: 'vpc-1', ...more });
  const states = (list: 'listInstances' | 'listVnicAttachments', page: string): readonly unknown[] => {
    const { body = '[]' } = compute[list](asked({ limit: '1000', page }));
    const items: readonly { readonly lifecycleState: string }[] = JSON.parse(body);
    return items.map(({ lifecycleState }) => lifecycleState);
  };
  plane.changeNow((space) => ok(setMachineState(space, 'b', 'stopped')));
  expect([followed, states('listInstances', '0')]).toEqual([0, ['RUNNING', 'STOPPED']]);
  plane.changeNow((space) => ok(setMachineState(space, 'c', 'terminated')));
  plane.changeNow((space) => ok(setMachineState(space, 'c', 'running')));
  expect([followed, [...plane.space.nics.keys()]]).toEqual([1, ['eni-a', 'eni-b']]);
  expect([states('listInstances', '2'), states('listVnicAttachments', '2')]).toEqual([['TERMINATED'], ['DETACHED']]);
  expect(compute.listInstances(asked()).headers).toMatchObject({ 'opc-next-page': '2' });
  expect(compute.listInstances(asked({ page: '2' })).headers ?? {}).not.toHaveProperty('opc-next-page');
  expect(compute.listInstances(asked({ compartmentId: 'another' })).status).toBe(404);
  expect(compute.listInstances(new URLSearchParams()).status).toBe(400);
});
