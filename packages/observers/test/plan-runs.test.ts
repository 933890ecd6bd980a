import type { Monotonic } from '@routerd/resources';
import { expect, test } from 'vitest';
import { planRuns, RUNS_MAX, type Job } from '../src/plan-runs.ts';

const job = (name: string, plugin: string, dueAt: number | undefined): Job => ({
  name,
  plugin,
  dueAt: dueAt as Monotonic | undefined,
});
const planned = (jobs: readonly Job[], busy: readonly string[] = [], now = 100) => {
  const { start, lookAgainAt } = planRuns(jobs, new Set(busy), now as Monotonic);
  return { start: start.map(({ name }) => name), lookAgainAt };
};

test('what is due starts, in the order in which it became due, and the rest is looked at in its time', () => {
  const jobs = [
    job('c', 'c', 250),
    job('b', 'b', 100),
    job('a', 'a', 20),
    job('d', 'd', undefined),
    job('e', 'e', 200),
  ];
  expect(planned(jobs)).toEqual({ start: ['a', 'b'], lookAgainAt: 200 });
});

test('a plugin has one run at a time, whoever asks', () => {
  const jobs = [job('EventSubscription/s', 'p', 50), job('Plugin/p', 'p', 40), job('Plugin/q', 'q', 60)];
  expect(planned(jobs)).toEqual({ start: ['Plugin/p', 'Plugin/q'], lookAgainAt: undefined });
  expect(planned(jobs, ['p'])).toEqual({ start: ['Plugin/q'], lookAgainAt: undefined });
});

test('no more processes than the bound, those under way included', () => {
  const jobs = Array.from({ length: RUNS_MAX + 3 }, (_, index) => job(`Plugin/${index}`, `${index}`, index));
  expect(planned(jobs).start).toHaveLength(RUNS_MAX);
  expect(planned(jobs, ['x', 'y']).start).toEqual(['Plugin/0', 'Plugin/1']);
});

test('the order of the jobs does not matter', () => {
  const jobs = [job('b', 'b', 10), job('a', 'a', 10), job('c', 'c', 5)];
  expect(planned(jobs)).toEqual(planned(jobs.toReversed()));
  expect(planned(jobs).start).toEqual(['c', 'a', 'b']);
});
