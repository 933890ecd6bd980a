import { expect, test } from 'vitest';
import { classOf, faultOf, isWorthALook } from '../src/index.ts';
import { OciFault } from './memory-network.ts';

test.each([
  ['NotAuthorizedOrNotFound', 404, 'not-found', true],
  ['NotAuthenticated', 401, 'transport', false],
  ['NotAuthorized', 403, 'permission', false],
  ['Conflict', 409, 'conflict', true],
  ['IncorrectState', 409, 'conflict', true],
  ['InvalidatedRetryToken', 409, 'conflict', true],
  ['NoEtagMatch', 412, 'conflict', true],
  ['LimitExceeded', 400, 'limit', false],
  ['QuotaExceeded', 400, 'limit', false],
  ['InvalidParameter', 400, 'invalid', true],
  ['TooManyRequests', 429, 'throttled', false],
  ['InternalServerError', 500, 'unknown-outcome', false],
  ['ECONNRESET', undefined, 'unknown-outcome', false],
  ['RequestTimedOut', undefined, 'unknown-outcome', false],
  ['ENOTFOUND', undefined, 'transport', false],
  ['IdentityUnavailable', undefined, 'transport', false],
] as const)('%s (%s) is %s, worth a look: %s', (code, httpStatus, errorClass, isLook) => {
  const fault = { code, message: '', httpStatus, requestId: undefined };
  expect(classOf(fault)).toBe(errorClass);
  expect(isWorthALook(fault)).toBe(isLook);
});

test("the SDK's errors are read by service code, fetch's by the system's code in the cause", () => {
  expect(faultOf(new OciFault(412, 'NoEtagMatch', 'x'))).toEqual({
    code: 'NoEtagMatch',
    message: 'x',
    httpStatus: 412,
    requestId: 'req-1',
  });
  const lost = Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } });
  expect(faultOf(lost)).toMatchObject({ code: 'ECONNREFUSED', httpStatus: undefined });
  expect(faultOf(new OciFault(-1, '', 'client side'))).toMatchObject({ code: 'Error', httpStatus: undefined });
});
