/** Preflights beside failovers, from one account: who looks waits, and what was refused to it slows everybody. */
import { err, instant, ok, type Result } from '@routerd/resources';
import { ManualClock } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { ApiBudget } from '../src/api-budget.ts';
import type { ExecutorFault, NicTarget } from '../src/ports.ts';
import { createSurvey, type Surveyed } from '../src/survey.ts';

const nic = (name: string): NicTarget => ({ provider: 'aws', providerRef: 'aws-main', nicRef: name, target: {} });
const NIC = nic('eni-0');
const never = new AbortController().signal;
const THROTTLED: ExecutorFault = {
  code: 'executor.failed',
  errorClass: 'throttled',
  detail: 'Request limit exceeded.',
};
type Answer = Result<Surveyed, ExecutorFault>;

function open(signal: AbortSignal = never) {
  const clock = new ManualClock(instant(1_800_000_000_000));
  const budget = new ApiBudget(clock);
  return { clock, budget, survey: createSurvey(clock, signal, budget) };
}

/** Lets the clock run until it is done. @returns how long it took, in ms */
async function takes(clock: ManualClock, work: Promise<unknown>, limitMs = 200_000): Promise<number> {
  let isDone = false;
  void work.then(() => (isDone = true));
  for (let passed = 0; passed <= limitMs; passed += 50) {
    for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
    if (isDone) return passed;
    clock.advance(50);
  }
  throw new Error(`not done after ${limitMs} ms`);
}

test('a hundred preflights go at the pace of the bucket, a quarter of it at once, and a failover never waits for them', async () => {
  const { clock, budget, survey } = open();
  const waits: (number | undefined)[] = [];
  let calls = 0;
  const all = async (): Promise<void> => {
    for (let each = 0; each < 100; each += 1) {
      await survey.ask(nic(`eni-${each}`), async () => {
        calls += 8;
        waits.push(budget.changeNotBefore(NIC));
        return ok({ usage: { reads: 6, writes: 2 } });
      });
    }
  };
  const milliseconds = await takes(clock, all());
  expect(calls).toBe(800);
  expect(waits.every((at) => at === undefined)).toBe(true);
  // 200 changes as the provider counts them, 12 of which are there at the start; 5 flow in each second.
  expect(milliseconds).toBeGreaterThanOrEqual(35_000);
  expect(milliseconds).toBeLessThanOrEqual(41_000);
});

test('what they cost is what the account has less', async () => {
  const { budget, survey } = open();
  await survey.ask(NIC, async () => ok({ usage: { reads: 60, writes: 0 } }));
  // 40 of 100 are left, 51 are needed, 20 flow in each second.
  expect(budget.notBefore(NIC, 'read', 'reading')).toBe(550);
});

test('one that is refused stays away for half a minute, is made again, and brings failovers down to the pace of the bucket', async () => {
  const { clock, budget, survey } = open();
  const answers: Answer[] = [err(THROTTLED), ok({})];
  let isPaced = false;
  const asked = survey.ask(NIC, async () => {
    isPaced ||= budget.notBefore(NIC, 'read', 'failover') !== undefined;
    return answers.shift() ?? ok({});
  });
  await Promise.resolve();
  await Promise.resolve();
  expect(budget.notBefore(NIC, 'read', 'failover')).toBe(50);
  expect(await takes(clock, asked)).toBeGreaterThanOrEqual(30_000);
  expect(await asked).toEqual(ok({}));
  expect(isPaced).toBe(false);
});

test('one that is refused again and again ends with what the provider said', async () => {
  const { clock, survey } = open();
  let asked = 0;
  const answer = survey.ask(NIC, async () => {
    asked += 1;
    return err(THROTTLED);
  });
  await takes(clock, answer);
  expect(await answer).toEqual(err(THROTTLED));
  expect(asked).toBe(3);
});

test('one that is stopped while it waits asks nothing', async () => {
  const stop = new AbortController();
  const { budget, survey } = open(stop.signal);
  budget.throttled(NIC, 'read', undefined);
  const answer = survey.ask(NIC, async () => Promise.reject(new Error('it asked')));
  stop.abort();
  expect(await answer).toMatchObject({ ok: false, error: { code: 'executor.cancelled' } });
});
