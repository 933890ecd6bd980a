import { expect, test } from 'vitest';
import { faultOf, meaningOf } from '../src/index.ts';
import { Ec2Fault } from './memory-ec2.ts';

/** One row per fact, with the message texts as the service was seen to write them. */
test.each([
  ['InvalidNetworkInterfaceID.NotFound', "The networkInterface ID 'eni-0a' does not exist", 400, 'not-found'],
  ['InvalidParameterValue', '[10.77.60.10] assigned, but move is not allowed.', 400, 'held-elsewhere'],
  ['InvalidParameterValue', 'Some of [10.77.60.10] are not assigned to interface eni-0a', 400, 'already-absent'],
  ['InvalidParameterValue', 'Address 10.9.9.9 does not fall within the subnet address range', 400, 'invalid'],
  ['InvalidParameterValue', 'Address 10.77.60.1 is in subnet reserved address range', 400, 'invalid'],
  ['InvalidParameterValue', 'Only secondary-addresses can be reassigned', 400, 'held-elsewhere'],
  ['InvalidIPAddress.InUse', 'Address 10.77.60.10 is in use.', 400, 'held-elsewhere'],
  ['PrivateIpAddressLimitExceeded', 'The request will exceed limit', 400, 'limit'],
  ['InsufficientFreeAddressesInSubnet', '', 400, 'limit'],
  ['UnauthorizedOperation', 'You are not authorized', 403, 'permission'],
  ['AuthFailure', '', 401, 'permission'],
  ['CredentialsProviderError', 'Could not load credentials from any providers', undefined, 'transport'],
  ['RequestLimitExceeded', 'Request limit exceeded.', 503, 'throttled'],
  ['InternalError', '', 500, 'unknown-outcome'],
  ['Unavailable', '', 503, 'unknown-outcome'],
  ['TimeoutError', 'Request timed out', undefined, 'unknown-outcome'],
  ['ECONNRESET', 'read ECONNRESET', undefined, 'unknown-outcome'],
  ['ENOTFOUND', 'getaddrinfo ENOTFOUND ec2.eu-west-1.amazonaws.com', undefined, 'transport'],
  ['InvalidParameterCombination', '', 400, 'invalid'],
] as const)('%s "%s" (%s) means %s', (code, message, httpStatus, expected) => {
  const meaning = meaningOf({ code, message, httpStatus, requestId: undefined, retryAfterMs: undefined });
  expect(meaning.kind === 'error' ? meaning.errorClass : meaning.kind).toBe(expected);
});

test('the code, the status and the request id of an SDK error are found', () => {
  expect(faultOf(new Ec2Fault('InternalError', 'oops', 500))).toEqual({
    code: 'InternalError',
    message: 'oops',
    httpStatus: 500,
    requestId: 'req-1',
  });
  const $response = { statusCode: 503, headers: { 'retry-after': '3' } };
  expect(faultOf(Object.assign(new Ec2Fault('RequestLimitExceeded', 'later', 503), { $response }))).toMatchObject({
    retryAfterMs: 3000,
  });
  expect(faultOf(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))).toMatchObject({
    code: 'ECONNRESET',
  });
});
