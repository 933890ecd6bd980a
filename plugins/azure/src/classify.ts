/**
 * What an error of Azure Resource Manager means. A long-running operation fails with the same codes as a request. Pure.
 */
import { ExecutorError, type ErrorClass } from '@routerd/plugin-sdk';

export interface ArmFault {
  readonly code: string;
  readonly message: string;
  readonly httpStatus: number | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
}

/** Carries a fault from the adapter to where its meaning is decided. */
export class ArmError extends Error {
  override readonly name = 'ArmError';
  readonly fault: ArmFault;

  constructor(fault: ArmFault) {
    super(`${fault.code}: ${fault.message}`);
    this.fault = fault;
  }
}

const CLASS_OF_CODE: Readonly<Record<string, ErrorClass>> = {
  PrivateIPAddressIsAllocated: 'held-elsewhere',
  PrivateIPAddressInUse: 'held-elsewhere',
  PrivateIPAddressNotInSubnet: 'invalid',
  PrivateIPAddressNotInAnySubnet: 'invalid',
  PrivateIPAddressInReservedRange: 'invalid',
  SubnetIsFull: 'limit',
  AuthorizationFailed: 'permission',
  LinkedAuthorizationFailed: 'permission',
  InvalidAuthenticationToken: 'permission',
  ExpiredAuthenticationToken: 'permission',
  ResourceNotFound: 'not-found',
  ResourceGroupNotFound: 'not-found',
  NotFound: 'not-found',
  PreconditionFailed: 'conflict',
  AnotherOperationInProgress: 'conflict',
  // 429 with these codes is a lock, not a quota.
  RetryableError: 'conflict',
  RetryableErrorDueToAnotherOperation: 'conflict',
  CanceledAndSupersededDueToAnotherOperation: 'conflict',
  TooManyRequests: 'throttled',
  SubscriptionRequestsThrottled: 'throttled',
  OperationNotAllowed: 'limit',
};
const CLASS_OF_STATUS: Readonly<Record<number, ErrorClass>> = {
  401: 'permission',
  403: 'permission',
  404: 'not-found',
  409: 'conflict',
  412: 'conflict',
  429: 'throttled',
};
/** The request did not leave this machine, found nobody, or had no token to go with: nothing can have changed. */
const NOT_SENT =
  /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|CredentialUnavailableError|AuthenticationError|AuthenticationRequiredError|IdentityUnavailable)$/;

export function classOf({ code, message, httpStatus }: ArmFault): ErrorClass {
  // One code for too few entries, which is a mistake of ours, and for too many.
  if (code === 'InvalidIPConfigCount') return /more than|exceed|maximum/i.test(message) ? 'limit' : 'invalid';
  const known = CLASS_OF_CODE[code];
  if (known !== undefined) return known;
  if (NOT_SENT.test(code)) return 'transport';
  if (/Limit(Reached|Exceeded)|Quota/i.test(code)) return 'limit';
  const byStatus = httpStatus === undefined ? undefined : CLASS_OF_STATUS[httpStatus];
  if (byStatus !== undefined) return byStatus;
  if (httpStatus !== undefined && httpStatus >= 400 && httpStatus < 500) return 'invalid';
  // 5xx, a reset, a time-out, an operation that failed for reasons of its own: the change may have been made.
  return 'unknown-outcome';
}

/** @param attempted completes the sentence "… failed" */
export function executorError(attempted: string, fault: ArmFault, errorClass = classOf(fault)): ExecutorError {
  const request = fault.requestId === undefined ? '' : ` (request ${fault.requestId})`;
  return new ExecutorError(errorClass, `${attempted} failed: ${fault.code}: ${fault.message}${request}`, {
    retryAfterMs: fault.retryAfterMs,
  });
}

/** Whatever was thrown: our own error, or the SDK's, whose `code` is the system's where it has one. */
export function faultOf(thrown: unknown): ArmFault {
  if (thrown instanceof ArmError) return thrown.fault;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const code: unknown = typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, 'code') : undefined;
  const name = thrown instanceof Error ? thrown.name : 'Unknown';
  const isCredential = /^(CredentialUnavailableError|Authentication(Required)?Error)$/.test(name);
  return {
    code: typeof code === 'string' && !isCredential ? code : name,
    message,
    httpStatus: undefined,
    requestId: undefined,
    retryAfterMs: undefined,
  };
}

/** The holder and the address that `PrivateIPAddressIsAllocated` speaks of, where it names them. */
export function holderNamedIn(message: string): {
  readonly address: string | undefined;
  readonly nicId: string | undefined;
} {
  const address = /\b(\d{1,3}(?:\.\d{1,3}){3})\b/.exec(message)?.[1];
  const nicId = /\/subscriptions\/[^\s'"]*?\/networkInterfaces\/[^\s'"/]+/i.exec(message)?.[0];
  return { address, nicId };
}
