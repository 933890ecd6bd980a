import { expect, test } from 'vitest';
import { addressNamedIn, classOf, faultOf } from '../src/index.ts';
import { fault } from './memory-compute.ts';

test.each([
  ['IP_IN_USE_BY_ANOTHER_RESOURCE', undefined, 'held-elsewhere'],
  ['rateLimitExceeded', 403, 'throttled'],
  ['rateLimitExceeded', 429, 'throttled'],
  ['quotaExceeded', 403, 'limit'],
  ['QUOTA_EXCEEDED', undefined, 'limit'],
  ['limitExceeded', 400, 'limit'],
  ['conditionNotMet', 412, 'conflict'],
  ['resourceNotReady', 400, 'conflict'],
  ['RESOURCE_NOT_READY', undefined, 'conflict'],
  ['forbidden', 403, 'permission'],
  ['SomethingNew', 403, 'permission'],
  ['authError', 401, 'permission'],
  ['notFound', 404, 'not-found'],
  ['required', 400, 'invalid'],
  ['invalid', 400, 'invalid'],
  ['backendError', 503, 'unknown-outcome'],
  ['INTERNAL_ERROR', undefined, 'unknown-outcome'],
  ['OperationNotReadable', undefined, 'unknown-outcome'],
  ['ECONNRESET', undefined, 'unknown-outcome'],
  ['ENOTFOUND', undefined, 'transport'],
  ['IdentityUnavailable', undefined, 'transport'],
] as const)('%s (%s) is %s', (code, httpStatus, expected) => {
  expect(classOf(fault(code, httpStatus))).toBe(expected);
});

test("the library's errors are read by the system's code at the end of their causes", () => {
  const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
  const wrapped = Object.assign(new Error('failed', { cause: new TypeError('fetch failed', { cause: reset }) }), {
    code: 'fetch failed',
  });
  expect(faultOf(wrapped).code).toBe('ECONNRESET');
  expect(faultOf('odd').code).toBe('Unknown');
});

test('the address is found in the message of the operation', () => {
  expect(addressNamedIn("IP '10.77.60.10' is already being used by another resource.")).toBe('10.77.60.10');
  expect(addressNamedIn('no idea')).toBeUndefined();
});
