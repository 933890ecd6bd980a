import { instant } from '@routerd/resources';
import { ManualClock } from '@routerd/runtime';
import { describe, expect, test } from 'vitest';
import { assign, setMachineState, unassign } from '../../src/cloud/address-space.ts';
import { NewsQueue } from '../../src/cloud/news-queue.ts';
import { newsBetween } from '../../src/cloud/news.ts';
import { sampleSpace, valueOf } from './sample-space.ts';

const READ = { max: 10, hiddenForMs: 15_000, waitMs: 0 };

function openQueue() {
  const clock = new ManualClock(instant(1_800_000_000_000));
  const stopped = new AbortController();
  return { clock, stopped, queue: new NewsQueue(clock, stopped.signal) };
}

describe('a queue', () => {
  test('hides what was received for a while, and counts how often it was', async () => {
    const { clock, queue } = openQueue();
    queue.put('a');
    const [first] = await queue.receive(READ);
    expect(first).toMatchObject({ body: 'a', receipts: 1, sentAt: 1_800_000_000_000 });
    expect(await queue.receive(READ)).toEqual([]);
    clock.advance(15_000);
    const [second] = await queue.receive(READ);
    expect(second).toMatchObject({ body: 'a', receipts: 2 });
    expect(queue.remove(first?.receipt ?? '')).toBe(false);
    expect(queue.remove(second?.receipt ?? '')).toBe(true);
    expect(queue.length).toBe(0);
  });

  test('lets a reader wait for what comes, or shows again, and no longer than it wants', async () => {
    const { clock, queue } = openQueue();
    const waiting = queue.receive({ ...READ, waitMs: 20_000 });
    queue.put('a');
    expect(await waiting).toMatchObject([{ body: 'a' }]);
    const again = queue.receive({ ...READ, waitMs: 20_000 });
    clock.advance(15_000);
    expect(await again).toMatchObject([{ body: 'a', receipts: 2 }]);
    const empty = queue.receive({ ...READ, waitMs: 10_000 });
    clock.advance(10_000);
    expect(await empty).toEqual([]);
  });

  test('may show a message again before its time, and lets nobody wait when the cloud ends', async () => {
    const { stopped, queue } = openQueue();
    queue.put('a');
    await queue.receive(READ);
    const again = queue.receive({ ...READ, waitMs: 20_000 });
    queue.showAgain();
    expect(await again).toMatchObject([{ body: 'a', receipts: 2 }]);
    const waiting = queue.receive({ ...READ, waitMs: 20_000 });
    stopped.abort();
    expect(await waiting).toEqual([]);
  });
});

describe('what a cloud tells of', () => {
  test('is what changed: a machine, or which addresses went and came', () => {
    const space = sampleSpace();
    expect(newsBetween(space, space)).toEqual([]);
    expect(newsBetween(space, setMachineState(space, 'c', 'stopped'))).toEqual([
      { kind: 'machine', name: 'c', instanceId: 'i-c', state: 'stopped' },
    ]);
    const addresses = ['10.77.60.20'];
    const assigned = valueOf(assign(space, { nicId: 'eni-c', addresses, mayTake: () => false, settled: true }));
    const named = { name: 'c', nicId: 'eni-c', addresses };
    expect(newsBetween(space, assigned)).toEqual([{ kind: 'assigned', ...named }]);
    expect(newsBetween(assigned, valueOf(unassign(assigned, 'eni-c', addresses)))).toEqual([
      { kind: 'unassigned', ...named },
    ]);
    const gone = setMachineState(assigned, 'c', 'terminated');
    expect(newsBetween(assigned, gone)).toEqual([
      { kind: 'machine', name: 'c', instanceId: 'i-c', state: 'terminated' },
    ]);
  });
});
