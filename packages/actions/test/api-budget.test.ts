/** What one account's API allows: the lane of a failover waits for the provider's word alone, the other one leaves it room. */
import { instant } from '@routerd/resources';
import { ManualClock } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { ApiBudget, type ApiLane } from '../src/api-budget.ts';

const ACCOUNT = { provider: 'aws', providerRef: 'aws-main' } as const;

function open(): {
  readonly clock: ManualClock;
  readonly budget: ApiBudget;
  readonly wait: (lane: ApiLane) => number;
} {
  const clock = new ManualClock(instant(1_800_000_000_000));
  const budget = new ApiBudget(clock);
  const wait = (lane: ApiLane): number => {
    const at = budget.notBefore(ACCOUNT, 'read', lane);
    return at === undefined ? 0 : at - clock.monotonic();
  };
  return { clock, budget, wait };
}

test('a reading of a quiet NIC leaves half of the bucket to failovers, and waits for it to fill', () => {
  const { clock, budget, wait } = open();
  budget.spend(ACCOUNT, 'read', 49);
  expect(wait('reading')).toBe(0);
  budget.spend(ACCOUNT, 'read', 21);
  // 30 of 100 are left, 51 are needed, 20 flow in each second.
  expect(wait('reading')).toBe(1050);
  expect(wait('failover')).toBe(0);
  clock.advance(1050);
  expect(wait('reading')).toBe(0);
});

test('our own count never holds a failover back', () => {
  const { budget, wait } = open();
  budget.spend(ACCOUNT, 'read', 10_000);
  expect(wait('failover')).toBe(0);
  // The debt has a bottom: one bucket.
  expect(wait('reading')).toBe(7550);
});

test('Retry-After holds both lanes back, and a refusal without it brings a failover down to the pace of the bucket', () => {
  const { clock, budget, wait } = open();
  budget.throttled(ACCOUNT, 'read', 4000);
  expect([wait('failover'), wait('reading')]).toEqual([4000, 30_000]);
  clock.advance(60_000);
  budget.throttled(ACCOUNT, 'read', undefined);
  // 20 a second flow in.
  expect([wait('failover'), wait('reading')]).toEqual([50, 30_000]);
  clock.advance(30_000);
  budget.spend(ACCOUNT, 'read', 10_000);
  expect(wait('failover')).toBe(0);
});

test('after a refusal calls go one by one, and a call that was let through is counted once', () => {
  const { clock, budget, wait } = open();
  budget.throttled(ACCOUNT, 'read', undefined);
  clock.advance(50);
  expect(wait('failover')).toBe(0);
  budget.admit(ACCOUNT, 'read');
  expect(wait('failover')).toBe(50);
  budget.spend(ACCOUNT, 'read');
  expect(wait('failover')).toBe(50);
});

test('who is refused while keeping the pace halves it, once for refusals that come together', () => {
  const { clock, budget, wait } = open();
  for (const expected of [50, 50, 50]) {
    budget.throttled(ACCOUNT, 'read', undefined);
    expect(wait('failover')).toBe(expected);
  }
  for (const expected of [100, 200, 400, 800, 800]) {
    clock.advance(1000);
    budget.throttled(ACCOUNT, 'read', undefined);
    budget.throttled(ACCOUNT, 'read', undefined);
    expect(wait('failover')).toBe(expected);
  }
  clock.advance(30_000);
  budget.throttled(ACCOUNT, 'read', undefined);
  expect(wait('failover')).toBe(50);
});

test('rate headers are believed more than our own count', () => {
  const { clock, budget, wait } = open();
  budget.learned(ACCOUNT, { readsLeft: 10 }, { read: 0, write: 0 });
  expect([wait('failover'), wait('reading')]).toEqual([0, 2050]);
  budget.learned(ACCOUNT, { readsLeft: 0, resetsAfterMs: 5000 }, { read: 0, write: 0 });
  expect([wait('failover'), wait('reading')]).toEqual([5000, 5000]);
  clock.advance(5000);
  expect(wait('failover')).toBe(0);
});

test('what an answer cost beyond the one call that was counted is spent too', () => {
  const { budget, wait } = open();
  budget.spend(ACCOUNT, 'read');
  budget.learned(ACCOUNT, { reads: 61 }, { read: 1, write: 0 });
  expect(wait('reading')).toBe(600);
});

test('accounts, and reads and writes, do not share', () => {
  const { budget, wait } = open();
  budget.throttled(ACCOUNT, 'write', 9000);
  budget.throttled({ provider: 'aws', providerRef: 'other' }, 'read', 9000);
  expect([wait('failover'), wait('reading')]).toEqual([0, 0]);
});

test('a change keeps the pace of the reads that it takes, and does not wait for a Retry-After that was told to a reader', () => {
  const { clock, budget } = open();
  const wait = (): number => (budget.changeNotBefore(ACCOUNT) ?? clock.monotonic()) - clock.monotonic();
  budget.throttled(ACCOUNT, 'read', 60_000);
  expect(wait()).toBe(50);
  budget.spend(ACCOUNT, 'read', 7);
  expect(wait()).toBe(400);
  clock.advance(400);
  expect(wait()).toBe(0);
  budget.throttled(ACCOUNT, 'write', 3000);
  expect(wait()).toBe(3000);
});

test('what somebody only wants to know leaves three quarters of the bucket, of changes too, and comes last after a refusal', () => {
  const { clock, budget, wait } = open();
  budget.spend(ACCOUNT, 'read', 24);
  expect(wait('survey')).toBe(0);
  budget.spend(ACCOUNT, 'read', 10);
  // 66 of 100 are left, 76 are needed, 20 flow in each second.
  expect([wait('failover'), wait('reading'), wait('survey')]).toEqual([0, 0, 500]);
  clock.advance(60_000);
  budget.spend(ACCOUNT, 'write', 50);
  expect(wait('survey')).toBe(0);
  // 38.5 of 50 are needed, 5 flow in each second.
  expect(budget.surveyNotBefore(ACCOUNT)).toBe(clock.monotonic() + 7700);
  budget.throttled(ACCOUNT, 'read', undefined);
  expect([wait('failover'), wait('reading'), wait('survey')]).toEqual([50, 30_000, 30_000]);
});

test('a Retry-After of years is a mistake, and counts for an hour', () => {
  const { budget, wait } = open();
  budget.throttled(ACCOUNT, 'read', 1e15);
  expect(wait('failover')).toBe(3_600_000);
  const other = open();
  other.budget.learned(ACCOUNT, { readsLeft: 0, resetsAfterMs: 1e15 }, { read: 0, write: 0 });
  expect(other.wait('failover')).toBe(3_600_000);
});
