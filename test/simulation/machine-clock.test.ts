import { instant, type Monotonic } from '@routerd/resources';
import { expect, test } from 'vitest';
import { Life, MachineClock } from './life.ts';
import { VirtualTime } from './virtual-time.ts';

const EPOCH = 1_795_000_000_000;
const never = new AbortController().signal;

function setUp() {
  const time = new VirtualTime();
  const machine = new MachineClock(time, instant(EPOCH));
  const life = new Life(time, { over: () => undefined, busyLoop: () => undefined });
  const clock = machine.forLife(life);
  const woken: number[] = [];
  const sleep = (until: number): void => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an instant of the machine's own clock
    void clock.sleepUntil(until as Monotonic, never).then(() => woken.push(Math.round(time.now())));
  };
  return { time, machine, clock, sleep, woken };
}

test('a clock that is five per cent fast gains on both its faces, and its sleepers wake early', async () => {
  const { time, machine, clock, sleep, woken } = setUp();
  machine.drift(50_000);
  sleep(10_500);
  await time.runUntil(10_000);
  expect(clock.monotonic()).toBeCloseTo(10_500, 6);
  expect(clock.now()).toBe(EPOCH + 10_500);
  await time.runUntil(10_002);
  expect(woken).toEqual([10_001]);
});

test('a sleeper never sees an instant before its own, whatever the rate', async () => {
  const { time, machine, clock } = setUp();
  for (let ppm = -50_000; ppm <= 50_000; ppm += 1237) {
    machine.drift(ppm);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an instant of the machine's own clock
    const until = (clock.monotonic() + 333.3) as Monotonic;
    const seen = clock.sleepUntil(until, never).then(() => clock.monotonic() >= until);
    await time.runUntil(time.now() + 1000);
    expect(await seen).toBe(true);
  }
});

test('who sleeps while the rate changes wakes by the new rate from then on', async () => {
  const { time, machine, sleep, woken } = setUp();
  sleep(2000);
  await time.runUntil(1000);
  machine.drift(-500_000);
  await time.runUntil(2999);
  expect(woken).toEqual([]);
  await time.runUntil(3001);
  expect(woken).toEqual([3001]);
});

test('a power cut starts the monotonic clock anew, at the rate that the oscillator has', async () => {
  const { time, machine } = setUp();
  machine.drift(50_000);
  await time.runUntil(1000);
  machine.powerOn();
  const life = new Life(time, { over: () => undefined, busyLoop: () => undefined });
  const clock = machine.forLife(life);
  await time.runUntil(2000);
  expect(clock.monotonic()).toBeCloseTo(1050, 6);
  expect(clock.now()).toBe(EPOCH + 2100);
});
