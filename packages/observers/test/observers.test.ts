import { durationMs, instant } from '@routerd/resources';
import { describe, expect, test } from 'vitest';
import type { Asked } from './observer-rig.ts';
import { configuration, fact, failure, observation, openRig, quiet, route, START } from './observer-rig.ts';

const plugin = (name: string, spec: string): string => `apiVersion: plugin.routerd.net/v1alpha1
kind: Plugin
metadata: { name: ${name} }
spec: { executable: /usr/bin/true, ${spec} }
---
`;
const source = (pluginRef: string, spec: string): string => `apiVersion: plugin.routerd.net/v1alpha1
kind: DynamicConfigSource
metadata: { name: of-${pluginRef} }
spec: { pluginRef: ${pluginRef}, ${spec} }
---
`;
const ALL = 'capabilities: [observe.cloud, propose.dynamicConfig, propose.providerAction]';
const EVERY_MINUTE = 'triggers: [{ type: interval, every: 1m }]';
const inventory = configuration(
  plugin('inventory', `${ALL}, ${EVERY_MINUTE}`) + source('inventory', 'ttl: 10m') + plugin('other', ALL),
);
const NET = route('net', '192.0.2.0/25');

const triggersOf = (asked: readonly Asked[]): readonly string[] =>
  asked.map(({ request }) => request.spec.trigger.type);

describe('an interval', () => {
  test('runs at once, then from start to start, however long a run takes', async () => {
    const rig = openRig(inventory);
    expect(triggersOf(rig.runner.asked)).toEqual(['interval']);
    await rig.pass(20_000);
    await rig.answer(observation());
    await rig.pass(39_999);
    expect(rig.runner.asked).toHaveLength(1);
    await rig.pass(1);
    expect(rig.runner.asked).toHaveLength(2);
  });

  test('has one run at a time, and does not make up for missed ones', async () => {
    const rig = openRig(inventory);
    await rig.pass(185_000);
    expect(rig.runner.asked).toHaveLength(1);
    await rig.answer(observation());
    expect(rig.runner.asked).toHaveLength(2);
    await rig.answer(observation());
    await rig.pass(59_999);
    expect(rig.runner.asked).toHaveLength(2);
  });

  test('goes on over a restart where it was', async () => {
    const rig = openRig(inventory);
    await rig.answer(observation());
    await rig.pass(25_000);
    const after = await rig.restart();
    await after.pass(34_999);
    expect(after.runner.asked).toHaveLength(0);
    await after.pass(1);
    expect(after.runner.asked).toHaveLength(1);
  });

  test('is not lost when the wall clock was set back', async () => {
    const rig = openRig(inventory);
    await rig.answer(observation());
    const [run] = rig.observers.runs('inventory');
    if (run !== undefined) rig.runs.appendRun({ ...run, startedAt: instant(START + 3_600_000) });
    const after = await rig.restart();
    await after.pass(60_000);
    expect(after.runner.asked).toHaveLength(1);
  });

  test('a failure is kept with its reason, the part of before stays, and the next run comes in its time', async () => {
    const rig = openRig(inventory);
    await rig.answer(observation({ resources: [NET] }));
    await rig.pass(60_000);
    await rig.answer(failure('plugin.timed-out', 'plugin inventory timed out after 10s'));
    expect(rig.sources()).toEqual(['Plugin/inventory@1']);
    expect(rig.observers.runs('inventory').map(({ result, code, message }) => [result, code, message])).toEqual([
      ['Failed', 'plugin.timed-out', 'plugin inventory timed out after 10s'],
      ['Applied', undefined, 'applied'],
    ]);
    await rig.pass(60_000);
    expect(rig.runner.asked).toHaveLength(3);
  });
});

describe('an event trigger', () => {
  const topic = 'triggers: [{ type: event, topic: routerd.client.ipv4.observed }]';
  const startup = configuration(plugin('listener', `${ALL}, ${topic}`));

  test('runs on the first fact, and collects what comes within a second, or during the run, into the next', async () => {
    const rig = openRig(startup);
    expect(rig.runner.asked).toHaveLength(0);
    rig.facts.accept(fact('f1', '10.77.60.10/32'));
    rig.facts.accept(fact('f2', '10.77.60.11/32'), fact('f3', '10.77.60.12/32'));
    rig.facts.accept(fact('f4', '10.77.60.10/32', { type: 'routerd.client.ipv4.expired' }));
    expect(rig.runner.only().request.spec.trigger).toEqual({ type: 'event', topic: 'routerd.client.ipv4.observed' });
    await rig.answer(observation());
    await rig.pass(999);
    expect(rig.runner.asked).toHaveLength(1);
    await rig.pass(1);
    await rig.answer(observation());
    expect(rig.runner.asked.map(({ request }) => request.spec.events.map(({ id }) => id))).toEqual([
      ['f1'],
      ['f2', 'f3'],
    ]);
    await rig.pass(3_600_000);
    expect(rig.runner.asked).toHaveLength(2);
  });

  test('what was known before the start is no news', async () => {
    const rig = openRig(startup);
    rig.facts.accept(fact('f1', '10.77.60.10/32'));
    await rig.answer(observation());
    const after = await rig.restart();
    await after.pass(1000);
    expect(after.runner.asked).toHaveLength(0);
  });
});

describe('a result', () => {
  test('becomes the part of its plugin, as long as it and its source say', async () => {
    const rig = openRig(inventory);
    await rig.answer(observation({ resources: [NET], ttl: durationMs(300_000) }));
    expect(rig.parts.newest('Plugin/inventory')).toMatchObject({
      generation: 1,
      observedAt: START,
      expiresAt: START + 300_000,
      resources: [NET],
    });
    await rig.pass(60_000);
    await rig.answer(observation({ resources: [], ttl: durationMs(3_600_000) }));
    expect(rig.parts.newest('Plugin/inventory')).toMatchObject({
      generation: 2,
      expiresAt: START + 60_000 + 600_000,
      resources: [],
    });
  });

  test('is an observation only, and says so, where no source names the plugin', async () => {
    const rig = openRig(inventory);
    await rig.answer(observation());
    const running = rig.observers.run('other', 'apply');
    await rig.answer(observation({ resources: [NET] }));
    expect((await running).ok).toBe(true);
    expect(rig.sources()).toEqual(['Plugin/inventory@1']);
    expect(rig.observers.runs('other')[0]).toMatchObject({
      result: 'Observed',
      notes: ['1 resources and directives are not configuration: no DynamicConfigSource names the plugin'],
    });
  });

  test.each([
    ['resources', { resources: [NET] }, 'propose.dynamicConfig'],
    ['actionPlans', { actionPlans: [{ name: 'assign' }] }, 'propose.providerAction'],
    ['events', { events: [{ type: 't', subject: 's', pool: undefined, ttl: undefined }] }, 'observe.cloud'],
  ] as const)(
    'with %s needs the capability, and is refused as a whole with the place',
    async (member, said, capability) => {
      const others = ['observe.cloud', 'propose.dynamicConfig', 'propose.providerAction'].filter(
        (each) => each !== capability,
      );
      const rig = openRig(configuration(plugin('p', `capabilities: [${others.join(', ')}]`)));
      const running = rig.observers.run('p', 'apply');
      await rig.answer(observation(said));
      await running;
      expect(rig.observers.runs('p')[0]).toMatchObject({
        result: 'Failed',
        code: 'plugin.not-allowed',
        problems: [{ path: `status.${member}`, message: `Plugin/p does not have the capability ${capability}.` }],
      });
      expect(rig.parts.list()).toEqual([]);
      expect(rig.published).toEqual([]);
    },
  );

  test('for another generation than was asked for is refused, and costs nothing else', async () => {
    const rig = openRig(inventory);
    expect(rig.runner.only().request.spec.previousDynamicGeneration).toBe(0);
    await rig.answer(observation({ resources: [NET], generation: 1 }));
    await rig.pass(60_000);
    expect(rig.runner.only().request.spec.previousDynamicGeneration).toBe(1);
    await rig.answer(observation({ resources: [], generation: 1 }));
    expect(rig.observers.runs('inventory')[0]).toMatchObject({
      code: 'plugin.wrong-generation',
      problems: [{ path: 'status.generation', message: 'Found generation 1; the request was for generation 2.' }],
    });
    expect(rig.sources()).toEqual(['Plugin/inventory@1']);
  });

  test('that was out of date when it came, or that comes from the future, is refused', async () => {
    const rig = openRig(inventory);
    await rig.answer(observation({ observedAt: instant(START - 700_000), ttl: durationMs(600_000) }));
    await rig.pass(60_000);
    await rig.answer(observation({ observedAt: instant(START + 60_000 + 300_001) }));
    expect(rig.observers.runs('inventory').map(({ problems }) => problems[0]?.path)).toEqual([
      'status.observedAt',
      'status.ttl',
    ]);
  });

  test('that cannot count beside the rest is stored, set aside and says why', async () => {
    const rig = openRig([...inventory, NET]);
    await rig.answer(observation({ resources: [NET] }));
    expect(rig.observers.runs('inventory')[0]).toMatchObject({
      result: 'Rejected',
      code: 'part.rejected',
      message: expect.stringContaining('IPv4Route/net'),
      part: { source: 'Plugin/inventory', generation: 1 },
    });
  });

  test('with provider actions keeps them to be shown, and names each as not executed', async () => {
    const rig = openRig(inventory);
    await rig.answer(
      observation({ actionPlans: [{ name: 'assign .10', action: 'assign-secondary-ip' }, { action: 'x' }] }),
    );
    expect(rig.parts.newest('Plugin/inventory')).toMatchObject({ actionPlans: [{ name: 'assign .10' }, {}] });
    expect(rig.observers.runs('inventory')[0]).toMatchObject({
      actionPlans: 2,
      notes: [
        "action assign .10 (assign-secondary-ip) is shown and not executed: a plugin's plan carries no capture epoch",
        "action status.actionPlans[1] (x) is shown and not executed: a plugin's plan carries no capture epoch",
      ],
    });
  });

  test('with events has them recorded as facts, and names those that are refused', async () => {
    const rig = openRig(inventory);
    const seen = (subject: string) => ({
      type: 'routerd.client.ipv4.observed',
      subject,
      pool: undefined,
      ttl: undefined,
    });
    await rig.answer(observation({ events: [seen('10.77.60.10/32'), seen('192.0.2.1/32')] }));
    expect(rig.published.map(({ subject }) => subject)).toEqual(['10.77.60.10/32']);
    expect(rig.observers.runs('inventory')[0]?.notes).toEqual([
      'routerd.client.ipv4.observed 192.0.2.1/32 is refused: it lies outside the prefix of pool lab.',
    ]);
  });
});

describe('a run by hand', () => {
  test('waits for the run under way, counts for the interval, and is told apart', async () => {
    const rig = openRig(inventory);
    await rig.pass(50_000);
    const running = rig.observers.run('inventory', 'apply');
    expect(rig.runner.underWay()).toHaveLength(1);
    await rig.answer(observation());
    expect(rig.runner.only().request.spec.trigger.type).toBe('manual');
    await rig.answer(observation({ resources: [NET] }));
    expect(await running).toMatchObject({ ok: true, value: { run: { result: 'Applied' }, part: { generation: 2 } } });
    await rig.pass(59_999);
    expect(rig.runner.underWay()).toHaveLength(0);
    await rig.pass(1);
    expect(rig.runner.underWay()).toHaveLength(1);
  });

  test('that is dry shows request, result and part, and leaves no trace', async () => {
    const rig = openRig([...inventory, NET]);
    await rig.answer(observation());
    const before = [rig.sources(), rig.observers.runs('inventory')];
    const running = rig.observers.run('inventory', 'dry-run');
    const event = { type: 'routerd.client.ipv4.observed', subject: '10.77.60.10/32', pool: undefined, ttl: undefined };
    await rig.answer(observation({ resources: [NET], events: [event] }));
    expect(await running).toMatchObject({
      ok: true,
      value: {
        request: { kind: 'PluginRequest', spec: { trigger: { type: 'manual' }, previousDynamicGeneration: 1 } },
        run: {
          result: 'Rejected',
          notes: ['routerd.client.ipv4.observed 10.77.60.10/32 would be offered as a fact of this node'],
        },
        part: { source: 'Plugin/inventory', generation: 2, resources: [NET] },
      },
    });
    expect([rig.sources(), rig.observers.runs('inventory')]).toEqual(before);
    expect(rig.published).toEqual([]);
  });

  test('of nobody, or of what only executes, is refused with the reason', async () => {
    const rig = openRig(configuration(plugin('aws-executor', 'capabilities: [execute.providerAction]')));
    expect(await rig.observers.run('nobody', 'apply')).toMatchObject({
      ok: false,
      error: { code: 'plugin.not-found' },
    });
    expect(await rig.observers.run('aws-executor', 'apply')).toMatchObject({
      ok: false,
      error: { code: 'plugin.does-not-observe' },
    });
    expect(rig.observers.plugins()).toEqual([]);
  });
});

describe('what is shown', () => {
  test('names triggers, last run and next run', async () => {
    const rig = openRig(inventory);
    expect(rig.observers.plugins().map(({ isRunning }) => isRunning)).toEqual([true, false]);
    await rig.answer(observation());
    await rig.pass(10_000);
    const [shown, other] = rig.observers.plugins();
    expect(shown).toMatchObject({ triggers: ['every 1m'], isRunning: false, nextAt: START + 60_000 });
    expect(shown?.lastRun).toMatchObject({ result: 'Applied', startedAt: START });
    expect(other).toMatchObject({ triggers: [], lastRun: undefined, nextAt: undefined });
  });

  test('the request says which configuration it stands on', async () => {
    const rig = openRig(inventory);
    const { spec } = rig.runner.only().request;
    expect(spec.startupConfigHash).toMatch(/^[0-9a-f]{64}$/);
    expect(spec).toMatchObject({ effectiveGeneration: 1, now: '2027-01-15T08:00:00.000Z', context: { resources: [] } });
  });
});

describe('a stop', () => {
  test('breaks off what runs, starts nothing more, and the run leaves no trace', async () => {
    const rig = openRig(inventory);
    await rig.observers.stop();
    expect(rig.runner.underWay()).toHaveLength(0);
    expect(rig.observers.runs('inventory')).toEqual([]);
    await rig.pass(3_600_000);
    expect(rig.runner.asked).toHaveLength(1);
    expect(await rig.observers.run('inventory', 'apply')).toMatchObject({ error: { code: 'plugin.stopped' } });
  });
});

describe('a store that refuses', () => {
  test('costs the run its part, and nothing else', async () => {
    const rig = openRig(inventory);
    const put = rig.parts.put.bind(rig.parts);
    Object.assign(rig.parts, {
      put: () => {
        throw new Error('disk full');
      },
    });
    await rig.answer(observation({ resources: [NET] }));
    expect(rig.observers.runs('inventory')[0]).toMatchObject({
      result: 'Failed',
      code: 'plugin.not-stored',
      message: 'The state could not be used: disk full.',
    });
    Object.assign(rig.parts, { put });
    await rig.pass(60_000);
    await rig.answer(observation({ resources: [NET] }));
    expect(rig.sources()).toEqual(['Plugin/inventory@1']);
    await quiet();
  });
});
