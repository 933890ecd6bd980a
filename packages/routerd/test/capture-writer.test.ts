import { expect, test } from 'vitest';
import type { CaptureTransition } from '@routerd/mobility';
import type { Monotonic } from '@routerd/resources';
import { createLog, ManualClock, systemClock } from '@routerd/runtime';
import { CaptureWriter } from '../src/capture-writer.ts';
import { ClaimPace } from '../src/claim-pace.ts';

const silent = createLog('silent');

const claim = {
  key: 'pool|10.0.0.9/32|site:a' as CaptureTransition['key'],
  basedOn: 0,
  phase: 'acquiring',
} as CaptureTransition;

test('a claim that may be made at once is written at once, by a clock that goes on while it is read', () => {
  let reading = 0;
  const clock = { ...systemClock, monotonic: () => (reading += 0.001) as Monotonic };
  const written: CaptureTransition[] = [];
  const registry = {
    append: async (transitions: readonly CaptureTransition[]) => {
      written.push(...transitions);
      return [];
    },
  };
  const stop = new AbortController();
  const writer = new CaptureWriter({ clock, log: silent, registry, onAnswered: () => undefined }, stop.signal);
  writer.append([claim]);
  expect(written).toEqual([claim]);
  stop.abort();
});

test('the first claims are free, the next ones wait longer each time, and after a quiet minute they are free again', () => {
  const clock = new ManualClock(0 as ReturnType<ManualClock['now']>);
  const pace = new ClaimPace(clock);
  const waits = Array.from({ length: 5 }, () => {
    const wait = pace.mayClaimAt(claim.key, clock.monotonic()) - clock.monotonic();
    clock.advance(wait);
    pace.claimed(claim.key);
    return wait;
  });
  expect(waits).toEqual([0, 0, 0, 1000, 2000]);
  clock.advance(60_000);
  expect(pace.mayClaimAt(claim.key, clock.monotonic())).toBe(clock.monotonic());
});
