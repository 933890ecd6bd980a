/**
 * What an error of EC2 means. By code and message: `InvalidParameterValue` alone stands for five different facts.
 * Codes: EC2 API reference, "Error codes"; the message texts are recorded from the service by others and have a fixture each in the tests.
 * Pure.
 */
import { ExecutorError, retryAfterOf, type ErrorClass } from '@routerd/plugin-sdk';

export interface Ec2Fault {
  readonly code: string;
  readonly message: string;
  readonly httpStatus: number | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
}

export type Ec2Meaning =
  | { readonly kind: 'error'; readonly errorClass: ErrorClass }
  /** The addresses to unassign are not there: what was wanted holds already. To be confirmed by reading. */
  | { readonly kind: 'already-absent' };

/** Credentials that were presented and refused, or that do not suffice. */
const CREDENTIAL_CODES = new Set([
  'UnauthorizedOperation',
  'AuthFailure',
  'SignatureDoesNotMatch',
  'MissingAuthenticationToken',
  'InvalidClientTokenId',
  'ExpiredToken',
  'RequestExpired',
  'OptInRequired',
  'Blocked',
]);
const THROTTLE_CODES = new Set(['RequestLimitExceeded', 'Throttling', 'ThrottlingException', 'RequestThrottled']);
const LIMIT_CODES = new Set(['PrivateIpAddressLimitExceeded', 'InsufficientFreeAddressesInSubnet']);
const BUSY_CODES = new Set(['IncorrectState', 'IncorrectInstanceState', 'OperationNotPermitted']);
/**
 * The request did not leave this machine, or found nobody: nothing can have changed. Credentials that cannot be had are among these:
 * the metadata service may be late after a boot, and a role that is attached later heals it without an operator's order.
 */
const NOT_SENT_CODES = new Set([
  'CredentialsProviderError',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

export function meaningOf({ code, message, httpStatus }: Ec2Fault): Ec2Meaning {
  if (code === 'InvalidParameterValue') return meaningOfInvalidParameter(message);
  return { kind: 'error', errorClass: classOf(code, httpStatus) };
}

function classOf(code: string, httpStatus: number | undefined): ErrorClass {
  if (CREDENTIAL_CODES.has(code)) return 'permission';
  if (THROTTLE_CODES.has(code)) return 'throttled';
  if (LIMIT_CODES.has(code)) return 'limit';
  if (BUSY_CODES.has(code)) return 'conflict';
  if (NOT_SENT_CODES.has(code)) return 'transport';
  if (code === 'InvalidIPAddress.InUse') return 'held-elsewhere';
  if (code.endsWith('.NotFound')) return 'not-found';
  if (httpStatus === 401 || httpStatus === 403) return 'permission';
  if (httpStatus === 429) return 'throttled';
  if (httpStatus !== undefined && httpStatus >= 400 && httpStatus < 500) return 'invalid';
  // 5xx, a reset, a time-out: the request may have been carried out.
  return 'unknown-outcome';
}

function meaningOfInvalidParameter(message: string): Ec2Meaning {
  if (/move is not allowed|already assigned to|is in use/i.test(message)) {
    return { kind: 'error', errorClass: 'held-elsewhere' };
  }
  if (/not assigned to (the )?(network )?interface|are not assigned/i.test(message)) return { kind: 'already-absent' };
  if (/secondary-addresses/i.test(message)) return { kind: 'error', errorClass: 'held-elsewhere' };
  return { kind: 'error', errorClass: 'invalid' };
}

/** @param attempted completes the sentence "… failed" */
export function executorError(attempted: string, fault: Ec2Fault, errorClass: ErrorClass): ExecutorError {
  const request = fault.requestId === undefined ? '' : ` (request ${fault.requestId})`;
  return new ExecutorError(errorClass, `${attempted} failed: ${fault.code}: ${fault.message}${request}`, {
    retryAfterMs: fault.retryAfterMs,
  });
}

/** The vendor's fields of whatever the SDK threw. */
export function faultOf(thrown: unknown): Ec2Fault {
  if (!(thrown instanceof Error))
    return {
      code: 'Unknown',
      message: String(thrown),
      httpStatus: undefined,
      requestId: undefined,
      retryAfterMs: undefined,
    };
  const metadata = field(thrown, '$metadata');
  const status = field(metadata, 'httpStatusCode');
  const requestId = field(metadata, 'requestId');
  const code = field(thrown, 'Code') ?? field(thrown, 'code') ?? thrown.name;
  return {
    code: typeof code === 'string' ? code : thrown.name,
    message: thrown.message,
    httpStatus: typeof status === 'number' ? status : undefined,
    requestId: typeof requestId === 'string' ? requestId : undefined,
    retryAfterMs: retryAfterIn(thrown),
  };
}

/** EC2 itself asks for no pause; what stands between us and it may. */
function retryAfterIn(thrown: unknown): number | undefined {
  const header = field(field(field(thrown, '$response'), 'headers'), 'retry-after');
  return typeof header === 'string' ? retryAfterOf(header) : undefined;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
