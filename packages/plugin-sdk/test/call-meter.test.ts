import { expect, test } from 'vitest';
import { ExecutorError } from '../src/executor-error.ts';
import { answerLine } from '../src/answer.ts';
import { createCallMeter, retryAfterOf } from '../src/call-meter.ts';
import type { ExecutorPlugin } from '../src/executor-plugin.ts';
import { executeRequest, observeRequest } from './requests.ts';

function meterAt(): {
  readonly meter: ReturnType<typeof createCallMeter>;
  readonly pass: (milliseconds: number) => void;
} {
  let now = 1000;
  return { meter: createCallMeter(() => now), pass: (milliseconds) => void (now += milliseconds) };
}

test('reads add up until they are taken, and what is left is the last word', () => {
  const { meter } = meterAt();
  for (const call of ['read', 'write', 'read'] as const) meter.sent(call);
  meter.left('read', 12);
  meter.left('read', 11);
  meter.left('write', 3);
  expect(meter.take()).toEqual({ reads: 2, readsLeft: 11, writesLeft: 3 });
  expect(meter.take()).toEqual({ reads: 0 });
});

test('a refusal leaves nothing for as long as the provider asks, counted from when it said so', () => {
  const { meter, pass } = meterAt();
  meter.refused('write', 4000);
  pass(1500);
  meter.refused('write', undefined);
  expect(meter.take()).toEqual({ reads: 0, writesLeft: 0, resetsAfterMs: 2500 });
  meter.refused('read', 1000);
  pass(1000);
  meter.left('read', 7);
  expect(meter.take()).toEqual({ reads: 0, readsLeft: 7 });
});

test('an answer carries what its own calls cost, also when it fails, and nothing of the one before', async () => {
  const { meter } = meterAt();
  const plugin: ExecutorPlugin = {
    meter,
    execute: async () => {
      meter.sent('read');
      meter.refused('write', 2000);
      throw new ExecutorError('throttled', 'enough');
    },
    observe: async () => {
      meter.sent('read');
      meter.sent('read');
      return { addresses: [], forwarding: false };
    },
  };
  const environment = { plugin: async () => plugin, isCallerAlive: () => true, note: () => undefined };
  const failed = await answerLine(JSON.stringify(executeRequest()), environment);
  expect(failed).toMatchObject({
    status: { status: 'failed', error: { class: 'throttled' } },
    usage: { writes: 0, reads: 1, writesLeft: 0, resetsAfterMs: 2000 },
  });
  const observed = await answerLine(JSON.stringify(observeRequest()), environment);
  expect(observed.usage).toEqual({ writes: 0, reads: 2 });
});

test.each([
  ['2', 2000],
  ['0.5', 500],
  ['0', 0],
  ['Sat, 21 Nov 2026 12:00:10 GMT', 10_000],
  ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
  ['-1', undefined],
  ['soon', undefined],
  ['', undefined],
  [undefined, undefined],
])('Retry-After "%s" is %s ms', (header, expected) => {
  expect(retryAfterOf(header, Date.parse('2026-11-21T12:00:00Z'))).toBe(expected);
});
