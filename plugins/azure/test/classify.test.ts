import { expect, test } from 'vitest';
import { classOf, faultOf, holderNamedIn } from '../src/index.ts';
import { fault, nicId } from './nic.ts';

test.each([
  ['PrivateIPAddressIsAllocated', 400, 'held-elsewhere'],
  ['PrivateIPAddressNotInSubnet', 400, 'invalid'],
  ['PrivateIPAddressInReservedRange', 400, 'invalid'],
  ['InvalidIPConfigCount', 400, 'invalid'],
  ['AuthorizationFailed', 403, 'permission'],
  ['LinkedAuthorizationFailed', 403, 'permission'],
  ['ResourceNotFound', 404, 'not-found'],
  ['ResourceGroupNotFound', 404, 'not-found'],
  ['AnotherOperationInProgress', 409, 'conflict'],
  ['AnotherOperationInProgress', 400, 'conflict'],
  ['PreconditionFailed', 412, 'conflict'],
  ['RetryableErrorDueToAnotherOperation', 429, 'conflict'],
  ['RetryableError', 429, 'conflict'],
  ['TooManyRequests', 429, 'throttled'],
  ['SubscriptionRequestsThrottled', 429, 'throttled'],
  ['PrivateIPAddressesPerNicLimitReached', 400, 'limit'],
  ['InternalServerError', 500, 'unknown-outcome'],
  ['InternalServerError', undefined, 'unknown-outcome'],
  ['ECONNRESET', undefined, 'unknown-outcome'],
  ['ENOTFOUND', undefined, 'transport'],
  ['IdentityUnavailable', undefined, 'transport'],
  ['CredentialUnavailableError', undefined, 'transport'],
  ['SomethingNew', 400, 'invalid'],
] as const)('%s (%s) is %s', (code, httpStatus, expected) => {
  expect(classOf(fault(code, httpStatus))).toBe(expected);
});

test('the count of entries is a limit when there are too many of them', () => {
  const many = 'A network interface cannot have more than 256 IP configurations.';
  expect(classOf(fault('InvalidIPConfigCount', 400, many))).toBe('limit');
});

test("the SDK's errors are read by the system's code, its credentials' by their name", () => {
  expect(faultOf(Object.assign(new Error('reset'), { code: 'ECONNRESET' })).code).toBe('ECONNRESET');
  const credential = Object.assign(new Error('no identity'), { name: 'CredentialUnavailableError' });
  expect(faultOf(credential).code).toBe('CredentialUnavailableError');
});

test('the holder is found in the message', () => {
  const message = `Private IP address 10.77.60.10 is already allocated to resource ${nicId('b')}/ipConfigurations/x.`;
  expect(holderNamedIn(message)).toEqual({ address: '10.77.60.10', nicId: nicId('b') });
  expect(holderNamedIn('no idea')).toEqual({ address: undefined, nicId: undefined });
});
