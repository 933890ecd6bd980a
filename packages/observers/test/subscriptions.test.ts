import { parseNodeName } from '@routerd/resources';
import { describe, expect, test } from 'vitest';
import { eventOf, isMatch } from '../src/fact-event.ts';
import { batchSource } from '../src/subscription-part.ts';
import {
  configuration,
  fact,
  failure,
  FactFeedTwin,
  observation,
  openRig,
  route,
  START,
  valueOf,
  type FactOptions,
  type ObserverRig,
} from './observer-rig.ts';

const startup = (trigger = 'batchWindow: 2s, debounce: 0s', match = ''): ReturnType<typeof configuration> =>
  configuration(`apiVersion: plugin.routerd.net/v1alpha1
kind: Plugin
metadata: { name: claims }
spec:
  executable: /usr/bin/true
  capabilities: [propose.dynamicConfig]
---
apiVersion: federation.routerd.net/v1alpha1
kind: EventSubscription
metadata: { name: clients }
spec:
  groupRef: fleet
  match:
    types: [routerd.client.ipv4.observed, routerd.client.ipv4.expired]
    ${match}
  trigger: { pluginRef: Plugin/claims, ${trigger} }
`);

const A = '10.77.60.10/32';
const B = '10.77.60.11/32';
const phase = (rig: ObserverRig): string =>
  rig.observers
    .subscriptions()
    .map((view) => view.phase)
    .join();
const idsAsked = (rig: ObserverRig): readonly (readonly string[])[] =>
  rig.runner.asked.map(({ request }) => request.spec.events.map(({ id }) => id));

describe('a subscription matches', () => {
  const [, subscription] = startup();
  const spec = subscription?.kind === 'EventSubscription' ? subscription.spec : undefined;
  type Match = NonNullable<typeof spec>['match'];
  const matching = (match: Partial<Match>, options: FactOptions = {}): boolean =>
    spec !== undefined && isMatch({ ...spec, match: { ...spec.match, ...match } }, eventOf(fact('f', A, options)));

  const awsA: Partial<Match> = { sourceNodes: [valueOf(parseNodeName('aws-a'))] };

  test.each<[string, Partial<Match>, FactOptions, boolean]>([
    ['types', {}, {}, true],
    ['no other type', { types: ['routerd.mobility.other'] }, {}, false],
    ['a prefix of the subject', { subjectPrefixes: ['10.9.', '10.77.'] }, {}, true],
    ['no other subject', { subjectPrefixes: ['10.9.'] }, {}, false],
    ['all members of the payload exactly', { payload: { pool: 'lab', site: 'onprem' } }, {}, true],
    ['no payload that only begins so', { payload: { site: 'onpre' } }, {}, false],
    ['no payload that lacks the member', { payload: { toString: 'x' } }, {}, false],
    ['one of the nodes', awsA, { source: 'aws-a' }, true],
    ['no other node', awsA, {}, false],
  ])('%s', (_, match, options, expected) => {
    expect(matching(match, options)).toBe(expected);
  });

  test('the facts of its group alone', () => {
    const { fact: inner, ...rest } = fact('f', A);
    expect(spec !== undefined && isMatch(spec, eventOf({ ...rest, fact: { ...inner, group: 'other' } }))).toBe(false);
  });
});

describe('a batch', () => {
  test('waits for its window, to the millisecond, and goes in one request', async () => {
    const rig = openRig(startup());
    expect(phase(rig)).toBe('Idle');
    rig.facts.accept(fact('f1', A));
    await rig.pass(1500);
    rig.facts.accept(fact('f2', B));
    expect(phase(rig)).toBe('Waiting');
    await rig.pass(499);
    expect(rig.runner.asked).toHaveLength(0);
    await rig.pass(1);
    expect(idsAsked(rig)).toEqual([['f1', 'f2']]);
    expect(rig.runner.only().request.spec.trigger).toEqual({
      type: 'federation-subscription',
      topic: 'routerd.federation.subscription/clients',
    });
    expect(phase(rig)).toBe('Pending');
    await rig.answer(observation({ resources: [route('a', '192.0.2.0/25')] }));
    expect(phase(rig)).toBe('Applied');
    expect(rig.observers.subscriptions()[0]).toMatchObject({ matched: 2, waiting: 0, givenUp: 0 });
  });

  test('is held up by each fact that comes within the debounce', async () => {
    const rig = openRig(startup('debounce: 1s'));
    for (const id of ['f1', 'f2', 'f3']) {
      rig.facts.accept(fact(id, A));
      await rig.pass(999);
    }
    expect(rig.runner.asked).toHaveLength(0);
    await rig.pass(1);
    expect(idsAsked(rig)).toEqual([['f1', 'f2', 'f3']]);
  });

  test('does not grow while it runs: what comes is the next batch', async () => {
    const rig = openRig(startup('batchWindow: 0s'));
    rig.facts.accept(fact('f1', A));
    rig.facts.accept(fact('f2', B));
    await rig.answer(observation());
    await rig.answer(observation());
    expect(idsAsked(rig)).toEqual([['f1'], ['f2']]);
  });

  test('of many events is cut into requests', async () => {
    const rig = openRig(startup('batchWindow: 1h'));
    rig.facts.accept(
      ...Array.from({ length: 300 }, (_, index) => fact(`f${index}`, `10.77.${index >> 8}.${index & 255}/32`)),
    );
    expect(idsAsked(rig).map(({ length }) => length)).toEqual([256]);
    await rig.answer(observation());
    await rig.pass(3_600_000);
    expect(idsAsked(rig).map(({ length }) => length)).toEqual([256, 44]);
  });
});

describe('an event', () => {
  test('is dealt with once, also over a restart, and a renewal is another event', async () => {
    const rig = openRig(startup('batchWindow: 0s'));
    rig.facts.accept(fact('f1', A));
    await rig.answer(observation());
    const after = await rig.restart();
    await after.pass(10_000);
    expect(after.runner.asked).toHaveLength(0);
    expect(phase(after)).toBe('Applied');
    after.facts.accept(fact('f1', A));
    after.facts.accept(fact('f1-renewed', A));
    expect(idsAsked(after)).toEqual([['f1-renewed']]);
  });

  test('that waited when the node went down has waited as long as it has', async () => {
    const rig = openRig(startup());
    rig.facts.accept(fact('f1', A));
    await rig.pass(1200);
    const after = await rig.restart();
    await after.pass(799);
    expect(after.runner.asked).toHaveLength(0);
    await after.pass(1);
    expect(idsAsked(after)).toEqual([['f1']]);
  });

  test('whose run was broken off by a stop is asked about again', async () => {
    const rig = openRig(startup('batchWindow: 0s'));
    rig.facts.accept(fact('f1', A));
    expect(rig.runner.underWay()).toHaveLength(1);
    const after = await rig.restart();
    expect(idsAsked(after)).toEqual([['f1']]);
    await after.answer(observation());
    expect(after.runs.events('clients')).toMatchObject([{ status: 'applied', attempts: 1 }]);
  });

  test('that was superseded while it waited is not lost over a restart', async () => {
    const rig = openRig(startup());
    rig.facts.accept(fact('f1', A));
    rig.facts.accept(fact('f2', A, { type: 'routerd.client.ipv4.expired' }));
    const after = await rig.restart();
    await after.pass(2000);
    expect(idsAsked(after)).toEqual([['f1', 'f2']]);
  });

  test('that came while nobody listened is found at the start, unless its time has passed', async () => {
    const facts = new FactFeedTwin();
    facts.accept(fact('f1', A), fact('old', B, { acceptedAt: START - 1000, ttlMs: 1000 }));
    const rig = openRig(startup('batchWindow: 0s'), { ...openRig([]), facts });
    expect(idsAsked(rig)).toEqual([['f1']]);
  });

  test('that is one of very many at the start is found like the others', async () => {
    const facts = new FactFeedTwin();
    const many = Array.from({ length: 3000 }, (_, index) => fact(`f${index}`, `10.77.${index >> 8}.${index & 255}/32`));
    facts.accept(...many);
    const rig = openRig(startup(), { ...openRig([]), facts });
    for (let turn = 0; turn < 3; turn++) await rig.pass(0);
    expect(rig.observers.subscriptions()[0]).toMatchObject({ matched: 3000 });
    expect(idsAsked(rig)).toHaveLength(1);
  });

  test('is tried three times with growing pauses, then given up, and the next one is served', async () => {
    const rig = openRig(startup('batchWindow: 0s'));
    rig.facts.accept(fact('f1', A));
    await rig.answer(failure('plugin.failed', 'plugin claims failed'));
    expect(rig.observers.subscriptions()[0]).toMatchObject({
      phase: 'Degraded',
      message: 'plugin claims failed',
      waiting: 1,
    });
    await rig.pass(4999);
    expect(rig.runner.asked).toHaveLength(1);
    await rig.pass(1);
    await rig.answer(failure('plugin.failed', 'plugin claims failed'));
    await rig.pass(10_000);
    await rig.answer(failure('plugin.failed', 'plugin claims failed'));
    await rig.pass(3_600_000);
    expect(rig.runner.asked).toHaveLength(3);
    expect(rig.observers.subscriptions()[0]).toMatchObject({ phase: 'Degraded', waiting: 0, givenUp: 1 });
    rig.facts.accept(fact('f2', B));
    await rig.answer(observation());
    expect(idsAsked(rig).at(-1)).toEqual(['f2']);
    expect(phase(rig)).toBe('Applied');
  });

  test('that the store refuses is offered again', async () => {
    const rig = openRig(startup('batchWindow: 0s'));
    const enterEvents = rig.runs.enterEvents.bind(rig.runs);
    Object.assign(rig.runs, {
      enterEvents: () => {
        throw new Error('disk full');
      },
    });
    rig.facts.accept(fact('f1', A));
    await rig.pass(4999);
    Object.assign(rig.runs, { enterEvents });
    expect(rig.runner.asked).toHaveLength(0);
    await rig.pass(1);
    expect(idsAsked(rig)).toEqual([['f1']]);
  });
});

describe('the part of a batch', () => {
  const event = (id: string, address: string) => eventOf(fact(id, address));
  const partOf = (rig: ObserverRig, ...events: ReturnType<typeof event>[]) =>
    rig.parts.newest(batchSource('clients', events));

  test('has a source made of its events, whatever their order', () => {
    const [one, two] = [event('f1', A), event('f2', B)];
    expect(batchSource('clients', [one, two])).toMatch(/^EventSubscription\/clients\/[0-9a-f]{16}$/);
    expect(batchSource('clients', [two, one])).toBe(batchSource('clients', [one, two]));
    expect(batchSource('clients', [one])).not.toBe(batchSource('clients', [two]));
  });

  test('says on each resource what it comes from', async () => {
    const rig = openRig(startup('batchWindow: 1s'));
    rig.facts.accept(fact('f1', A), fact('f2', B));
    await rig.pass(1000);
    await rig.answer(
      observation({
        resources: [
          route('named', '192.0.2.0/25', { 'routerd.net/event-id': 'f2', kept: 'yes' }),
          route('whole', '192.0.2.128/25', { 'routerd.net/event-id': 'unknown' }),
        ],
      }),
    );
    const part = partOf(rig, event('f1', A), event('f2', B));
    expect(
      part !== undefined && 'resources' in part && part.resources.map(({ metadata }) => metadata.annotations),
    ).toEqual([
      {
        kept: 'yes',
        'routerd.net/dynamic-source': part?.source,
        'routerd.net/event-group': 'fleet',
        'routerd.net/event-id': 'f2',
        'routerd.net/event-subject': B,
      },
      {
        'routerd.net/dynamic-source': part?.source,
        'routerd.net/event-group': 'fleet',
        'routerd.net/event-id': 'f1,f2',
        'routerd.net/event-subject': `${A},${B}`,
      },
    ]);
  });

  test('replaces what earlier batches said about the same subject, and leaves the rest', async () => {
    const rig = openRig(startup('batchWindow: 0s'));
    const about = (id: string, name: string, destination: string) =>
      route(name, destination, { 'routerd.net/event-id': id });
    rig.facts.accept(fact('f1', A), fact('f2', B));
    await rig.answer(
      observation({ resources: [about('f1', 'a', '192.0.2.0/25'), about('f2', 'b', '192.0.2.128/25')] }),
    );
    rig.facts.accept(fact('f3', A));
    await rig.answer(observation({ resources: [about('f3', 'a', '192.0.2.0/25')] }));
    const names = rig.parts
      .list()
      .map(
        (part) =>
          `${part.generation}: ${'resources' in part ? part.resources.map(({ metadata }) => metadata.name).join() : ''}`,
      );
    expect(names.toSorted()).toEqual(['1: a', '1: a,b', '2: b']);
    expect(rig.observers.runs('claims')[0]).toMatchObject({ result: 'Applied' });
  });

  test('cannot mask, since nobody could grant it', async () => {
    const rig = openRig(startup('batchWindow: 0s'));
    rig.facts.accept(fact('f1', A));
    const target = { apiVersion: 'net.routerd.net/v1alpha1', kind: 'IPv4Route', name: 'a' };
    await rig.answer(observation({ directives: [{ op: 'mask', target, reason: 'gone' }] }));
    expect(rig.observers.runs('claims')[0]).toMatchObject({
      code: 'plugin.not-allowed',
      problems: [{ path: 'status.directives', message: expect.stringContaining('cannot mask') }],
    });
  });

  test('is taken back by an event that makes no resource', async () => {
    const rig = openRig(startup('batchWindow: 0s'));
    rig.facts.accept(fact('f1', A));
    await rig.answer(observation({ resources: [route('a', '192.0.2.0/25')] }));
    expect(rig.parts.list()).toHaveLength(1);
    rig.facts.accept(fact('f2', A, { type: 'routerd.client.ipv4.expired' }));
    await rig.answer(observation());
    expect(rig.parts.list()).toEqual([]);
    expect(rig.observers.runs('claims')[0]).toMatchObject({ result: 'Applied', part: undefined });
  });
});
