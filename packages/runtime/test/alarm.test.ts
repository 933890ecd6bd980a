import { instant, type Monotonic } from '@routerd/resources';
import { expect, test } from 'vitest';
import { Alarm } from '../src/alarm.ts';
import { ManualClock, type Clock } from '../src/clock.ts';

function rig(clock: Clock = new ManualClock(instant(1_000))) {
  const rung: number[] = [];
  const alarm = new Alarm(clock, () => rung.push(clock.now()));
  return { rung, alarm };
}

async function afterward(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

test('rings once at its instant, by either scale of time', async () => {
  const clock = new ManualClock(instant(1_000));
  const { rung, alarm } = rig(clock);
  alarm.set(100 as Monotonic);
  clock.advance(100);
  await afterward();
  alarm.setInstant(instant(1_300));
  clock.advance(500);
  await afterward();
  expect(rung).toHaveLength(2);
});

test('an earlier or a later instant takes the place of the one before', async () => {
  const clock = new ManualClock(instant(1_000));
  const { rung, alarm } = rig(clock);
  alarm.setInstant(instant(1_100));
  alarm.setInstant(instant(1_400));
  clock.advance(200);
  await afterward();
  expect(rung).toEqual([]);
  clock.advance(200);
  await afterward();
  expect(rung).toEqual([1_400]);
});

test('is switched off by undefined, and may be set to the same instant again after it rang', async () => {
  const clock = new ManualClock(instant(1_000));
  const { rung, alarm } = rig(clock);
  alarm.setInstant(instant(1_100));
  alarm.setInstant(undefined);
  clock.advance(200);
  await afterward();
  expect(rung).toEqual([]);
  alarm.setInstant(instant(1_100)); // has passed: rings as soon as may be
  await afterward();
  alarm.setInstant(instant(1_100));
  await afterward();
  expect(rung).toEqual([1_200, 1_200]);
});

test('the same instant again starts no second timer', async () => {
  const manual = new ManualClock(instant(1_000));
  let sleeps = 0;
  const counting: Clock = {
    now: () => manual.now(),
    monotonic: () => manual.monotonic(),
    sleepUntil: async (until, signal) => {
      sleeps += 1;
      return manual.sleepUntil(until, signal);
    },
  };
  const { alarm } = rig(counting);
  alarm.set(100 as Monotonic);
  alarm.set(100 as Monotonic);
  expect(sleeps).toBe(1);
});
