import { expect, test } from 'vitest';
import { SeedProgress } from './seed-progress.ts';

function outcome(seed: number, convergedAfterMs = 0) {
  return { seed, violations: [], convergedAfterMs };
}

test('a run that is broken off says where to go on, though seeds end in any order', () => {
  const progress = new SeedProgress({ from: 100, count: 50 }, () => 4000);
  expect(progress.rest()).toBe('--from 100 --seeds 50');
  progress.note(outcome(101), 100);
  expect(progress.rest()).toBe('--from 100 --seeds 50');
  progress.note(outcome(100), 102);
  expect(progress.rest()).toBe('--from 102 --seeds 48');
  expect(progress.line()).toBe('2 of 50 seeds (4 %), 0.5 seeds/s, all below 102 done, about 2 min to go');
});

test('a run for a time tells no end in seeds, and goes on for as long', () => {
  const progress = new SeedProgress({ from: 1, count: Infinity, minutes: '10' }, () => 1000);
  progress.note(outcome(1), 2);
  expect(progress.line()).toBe('1 seeds from 1, 1.0 seeds/s, all below 2 done');
  expect(progress.rest()).toBe('--from 2 --minutes 10');
});

test('a run that time may end before its seeds goes on with both', () => {
  const progress = new SeedProgress({ from: 1, count: 9, minutes: '0.5' }, () => 1000);
  progress.note(outcome(1), 2);
  expect(progress.rest()).toBe('--from 2 --seeds 8 --minutes 0.5');
  expect(progress.isComplete()).toBe(false);
  progress.note(outcome(9), 10);
  expect(progress.isComplete()).toBe(true);
});

test('of two equally slow stories the one of the lower seed is told, whichever ended first', () => {
  const progress = new SeedProgress({ from: 1, count: 3 }, () => 1000);
  expect(progress.slowest()).toBeUndefined();
  for (const seed of [3, 1, 2]) progress.note(outcome(seed, 70), 1);
  expect(progress.slowest()).toEqual({ seed: 1, ms: 70 });
});
