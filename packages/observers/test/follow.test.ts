import type { Monotonic } from '@routerd/resources';
import { describe, expect, test } from 'vitest';
import { followEnded, initialFollow } from '../src/follow-state.ts';
import { RUNS_MAX } from '../src/plan-runs.ts';
import { configuration, failure, observation, openRig, quiet } from './observer-rig.ts';

const plugin = (name: string, triggers: string): string => `apiVersion: plugin.routerd.net/v1alpha1
kind: Plugin
metadata: { name: ${name} }
spec: { executable: /usr/bin/true, capabilities: [observe.cloud], triggers: [${triggers}] }
---
`;
const EVERY = '{ type: interval, every: 10m }';
const FOLLOW = '{ type: follow }';
const startup = configuration(plugin('inventory', `${EVERY}, ${FOLLOW}`));
const SEEN = { type: 'routerd.client.ipv4.observed', subject: '10.77.60.21/32', pool: undefined, ttl: undefined };

/** After its first look it waits. */
async function following(resources = startup) {
  const rig = openRig(resources);
  await rig.answer(observation());
  return rig;
}

const asked = (rig: Awaited<ReturnType<typeof following>>): readonly string[] =>
  rig.runner.asked.map(({ request }) => request.spec.trigger.type);

describe('a plugin that follows', () => {
  test('looks first, and then waits; what it tells counts at once, and it waits again', async () => {
    const rig = await following();
    expect(asked(rig)).toEqual(['interval', 'follow']);
    await rig.pass(90_000);
    expect(rig.runner.only().request.spec.trigger).toEqual({ type: 'follow', topic: '' });
    await rig.answer(observation({ events: [SEEN] }));
    expect(rig.published).toEqual([SEEN]);
    expect(asked(rig)).toEqual(['interval', 'follow', 'follow']);
    expect(rig.observers.runs('inventory').map(({ trigger, result }) => `${trigger} ${result}`)).toEqual([
      'follow Observed',
      'interval Observed',
    ]);
  });

  test('is broken off for the interval, without a trace, and the interval counts from what it told last', async () => {
    const rig = await following();
    await rig.pass(300_000);
    await rig.answer(observation());
    await rig.pass(599_999);
    expect(asked(rig)).toEqual(['interval', 'follow', 'follow']);
    await rig.pass(1);
    expect(asked(rig)).toEqual(['interval', 'follow', 'follow', 'interval']);
    expect(rig.observers.plugins()[0]).toMatchObject({ isRunning: true, isFollowing: false });
    await rig.answer(observation());
    expect(rig.observers.plugins()[0]).toMatchObject({ isRunning: false, isFollowing: true });
    expect(rig.observers.runs('inventory').map(({ trigger }) => trigger)).toEqual(['interval', 'follow', 'interval']);
  });

  test('is broken off by whoever runs it by hand, once for several, and waits again when they are done', async () => {
    const rig = await following();
    const runs = Promise.all([rig.observers.run('inventory', 'apply'), rig.observers.run('inventory', 'dry-run')]);
    await quiet();
    expect(asked(rig)).toEqual(['interval', 'follow', 'manual']);
    await rig.answer(observation());
    expect(asked(rig)).toEqual(['interval', 'follow', 'manual', 'manual']);
    await rig.answer(observation());
    expect((await runs).map(({ ok }) => ok)).toEqual([true, true]);
    await rig.pass(1000);
    expect(asked(rig).slice(4)).toEqual(['follow']);
  });

  test('that does not wait runs once a second', async () => {
    const rig = await following();
    await rig.answer(observation());
    await rig.pass(999);
    expect(asked(rig)).toHaveLength(2);
    await rig.pass(1);
    expect(asked(rig)).toHaveLength(3);
  });

  test('and fails waits longer each time, while the interval goes on', async () => {
    const rig = await following();
    const pauses: number[] = [];
    for (let failures = 0; failures < 3; failures += 1) {
      await rig.answer(failure('plugin.failed', 'no queue'));
      const before = asked(rig).length;
      let pause = 0;
      for (; asked(rig).length === before; pause += 1000) await rig.pass(1000);
      pauses.push(pause);
    }
    expect(pauses).toEqual([5000, 10_000, 20_000]);
    expect(rig.observers.runs('inventory')[0]).toMatchObject({ trigger: 'follow', result: 'Failed' });
    await rig.pass(600_000 - 35_000);
    expect(asked(rig).at(-1)).toBe('interval');
  });

  test('takes no slot from others', async () => {
    const names = Array.from({ length: RUNS_MAX }, (_, index) => `p${index}`);
    const resources = configuration(
      names.map((name) => plugin(name, `${EVERY}, ${FOLLOW}`)).join('') +
        plugin('other', '{ type: interval, every: 1m }'),
    );
    const rig = openRig(resources);
    const answerAll = async (): Promise<void> => {
      for (const each of rig.runner.underWay())
        if (each.request.spec.trigger.type !== 'follow') each.answer(observation());
      await quiet();
    };
    await answerAll();
    await answerAll();
    expect(rig.runner.underWay().map(({ request }) => request.spec.trigger.type)).toEqual(
      Array(RUNS_MAX).fill('follow'),
    );
    await rig.pass(60_000);
    expect(rig.runner.asked.at(-1)?.plugin).toBe('other');
  });

  test('waits after a restart too, and ends with the daemon', async () => {
    const rig = await following();
    const after = await rig.restart();
    expect(rig.observers.runs('inventory')).toHaveLength(1);
    expect(asked(after)).toEqual(['follow']);
    await after.observers.stop();
    expect(after.runner.underWay()).toEqual([]);
  });
});

test('the pause after failures is bounded, and one success ends it', () => {
  const now = 1_000_000 as Monotonic;
  const failed = { hasFailed: true, startedAt: now, now };
  let state = initialFollow([{ type: 'follow' }], now);
  for (let failures = 0; failures < 2000 && state !== undefined; failures += 1) state = followEnded(state, failed);
  expect(state?.notBefore).toBe(now + 300_000);
  if (state === undefined) throw new Error('it follows');
  expect(followEnded(state, { ...failed, hasFailed: false })).toEqual({ notBefore: now + 1000, failures: 0 });
  expect(initialFollow([], now)).toBeUndefined();
});
