import { describe, expect, test } from 'vitest';
import { entryName, epochOfEntry, operationStateOf, pollPauseMs, retryAfterMsOf } from '../src/index.ts';

describe('the name of an entry', () => {
  test('carries pool, address and epoch', () => {
    expect(entryName('pool|10.77.60.10/32|d', '10.77.60.10', 12)).toBe('sam-pool-10-77-60-10-e12');
    expect(epochOfEntry('sam-pool-10-77-60-10-e12')).toBe(12);
  });

  test('never exceeds what Azure allows, and keeps its end', () => {
    const name = entryName(`${'p'.repeat(63)}|10.77.60.10/32|d`, '110.177.160.110', 1_234_567_890);
    expect(name).toHaveLength(80);
    expect(epochOfEntry(name)).toBe(1_234_567_890);
  });

  test('of somebody else has no epoch', () => {
    expect(epochOfEntry('ipconfig-e5')).toBeUndefined();
    expect(epochOfEntry('ipconfig1')).toBeUndefined();
  });
});

describe('a long-running operation', () => {
  test.each([
    [{ status: 'InProgress' }, { kind: 'running' }],
    [{ status: 'Updating' }, { kind: 'running' }],
    [{ status: 'Succeeded' }, { kind: 'succeeded' }],
    [
      { status: 'Failed', error: { code: 'PrivateIPAddressIsAllocated', message: 'm' } },
      { kind: 'failed', code: 'PrivateIPAddressIsAllocated', message: 'm' },
    ],
    [{ status: 'Canceled' }, { kind: 'failed', code: 'OperationCanceled', message: 'no message' }],
  ])('%j is %j', (body, state) => {
    expect(operationStateOf(body)).toEqual(state);
  });

  test.each([
    [{ 'retry-after': '10' }, 10_000],
    [{ 'retry-after': '0.25' }, 250],
    [{ 'retry-after': '0' }, 50],
    [{ 'x-ms-retry-after-ms': '300', 'retry-after': '10' }, 300],
    [{}, 1000],
  ])('asks again after what %j says: %d ms', (headers, pause) => {
    expect(pollPauseMs(headers)).toBe(pause);
  });

  test('a wait that is no number is none', () => {
    expect(retryAfterMsOf({ 'retry-after': 'Sat, 21 Nov 2026 07:00:00 GMT' })).toBeUndefined();
  });
});
