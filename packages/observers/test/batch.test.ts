import { durationMs, type Monotonic } from '@routerd/resources';
import { expect, test } from 'vitest';
import { BATCH_EVENTS_MAX, batchDueAt, DEBOUNCES_MAX, retryWaitMs, subscriptionPhase } from '../src/batch.ts';

const due = (entered: readonly number[], batchWindow: number, debounce: number): number | undefined =>
  batchDueAt(
    {
      first: entered[0] as Monotonic | undefined,
      last: entered.at(-1) as Monotonic | undefined,
      filled: entered[BATCH_EVENTS_MAX - 1] as Monotonic | undefined,
    },
    { batchWindow: durationMs(batchWindow), debounce: durationMs(debounce) },
  );

test.each([
  ['nothing waits', [], 100, 100, undefined],
  ['no window: at once', [5], 0, 0, 5],
  ['the window runs from the first', [5, 60, 90], 100, 0, 105],
  ['each event begins the debounce anew', [5, 60, 90], 0, 50, 140],
  ['both have to pass', [5, 60, 90], 100, 50, 140],
  ['both have to pass, the other way round', [5, 6], 100, 50, 105],
])('%s', (_, entered, batchWindow, debounce, at) => {
  expect(due(entered, batchWindow, debounce)).toBe(at);
});

test('a stream that never pauses is not held up for ever', () => {
  const stream = Array.from({ length: 200 }, (_, index) => index * 40);
  expect(due(stream, 0, 50)).toBe(50 * DEBOUNCES_MAX);
});

test('a full batch waits for nothing', () => {
  const stream = Array.from({ length: BATCH_EVENTS_MAX + 5 }, (_, index) => index);
  expect(due(stream, 10_000, 10_000)).toBe(BATCH_EVENTS_MAX - 1);
});

test('the due time never comes before the last event, unless a bound says so', () => {
  for (let seed = 1; seed < 500; seed++) {
    const entered = [0, seed % 7, (seed % 7) + (seed % 13)];
    const at = due(entered, seed % 50, seed % 11) ?? -1;
    expect(at).toBeGreaterThanOrEqual(Math.min(entered[2] ?? 0, Math.max(seed % 50, (seed % 11) * DEBOUNCES_MAX)));
  }
});

test('waits between attempts double', () => {
  expect([1, 2, 3].map(retryWaitMs)).toEqual([5000, 10_000, 20_000]);
});

test.each([
  [{ waiting: 0, isDue: false, last: undefined }, 'Idle'],
  [{ waiting: 2, isDue: false, last: undefined }, 'Waiting'],
  [{ waiting: 2, isDue: true, last: 'applied' }, 'Pending'],
  [{ waiting: 0, isDue: false, last: 'applied' }, 'Applied'],
  [{ waiting: 1, isDue: true, last: 'failed' }, 'Degraded'],
  [{ waiting: 0, isDue: false, last: 'failed' }, 'Degraded'],
] as const)('%o is %s', (situation, phase) => {
  expect(subscriptionPhase(situation)).toBe(phase);
});
