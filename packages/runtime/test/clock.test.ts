import { instant, type Monotonic } from '@routerd/resources';
import { expect, test } from 'vitest';
import { ManualClock, steadyClock, systemClock, type Clock } from '../src/clock.ts';

test('sleepers wake in the order of their instants, each at its own', async () => {
  const clock = new ManualClock(instant(1_000));
  const woken: [string, number][] = [];
  const sleep = async (name: string, until: number): Promise<void> => {
    await clock.sleepUntil(until as Monotonic, new AbortController().signal);
    woken.push([name, clock.now()]);
  };
  const all = Promise.all([sleep('late', 300), sleep('early', 100)]);
  clock.advance(100);
  await Promise.resolve();
  await Promise.resolve();
  clock.advance(400);
  await all;
  expect(woken.map(([name]) => name)).toEqual(['early', 'late']);
  expect(clock.now()).toBe(1_500);
});

test('what has passed is not slept for, and an abort ends a sleep without error', async () => {
  const clock = new ManualClock(instant(0));
  await clock.sleepUntil(0 as Monotonic, new AbortController().signal);
  const abort = new AbortController();
  const sleeping = clock.sleepUntil(1_000_000 as Monotonic, abort.signal);
  abort.abort();
  await sleeping;
  expect(clock.monotonic()).toBe(0);
});

test('the system clock ends an aborted sleep at once', async () => {
  const abort = new AbortController();
  const sleeping = systemClock.sleepUntil((systemClock.monotonic() + 3_600_000) as Monotonic, abort.signal);
  abort.abort();
  await expect(sleeping).resolves.toBeUndefined();
});

test('a steady clock goes on when the wall clock is set, and counts what passes', () => {
  const inner = new ManualClock(instant(1_000));
  let ahead = 0;
  const set: Clock = {
    now: () => instant(inner.now() + ahead),
    monotonic: () => inner.monotonic(),
    sleepUntil: async (until, signal) => inner.sleepUntil(until, signal),
  };
  const steady = steadyClock(set);
  inner.advance(500);
  ahead = 7_200_000;
  expect(steady.now()).toBe(1_500);
  ahead = -7_200_000;
  inner.advance(500);
  expect(steady.now()).toBe(2_000);
});
