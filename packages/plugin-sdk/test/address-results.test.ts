import { expect, test } from 'vitest';
import { AddressResults, ExecutorError, succeeded, type RequestedAddress } from '../src/index.ts';

const requested: readonly RequestedAddress[] = ['10.77.60.10/32', '10.77.60.11/32'].map((address) => ({
  address,
  captureKey: `p|${address}|d`,
  captureEpoch: 1,
}));

test('one address that succeeded keeps its result when the rest fails', () => {
  const results = new AddressResults(requested);
  results.settle(succeeded('10.77.60.11/32', 'alreadyPresent'));
  results.failRest(new ExecutorError('limit', 'the NIC is full'));
  expect(results.conclude()).toEqual([
    { address: '10.77.60.10/32', status: 'failed', errorClass: 'limit', message: 'the NIC is full' },
    { address: '10.77.60.11/32', status: 'succeeded', message: 'alreadyPresent' },
  ]);
});

test('what failed for every address fails the call, so that the wait is not lost', () => {
  const results = new AddressResults(requested);
  const error = new ExecutorError('throttled', 'slow down', { retryAfterMs: 900 });
  results.failRest(error);
  expect(() => results.conclude()).toThrow(error);
});
