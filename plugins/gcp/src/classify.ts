/** What an error of Compute Engine means. A zone operation fails with codes of its own kind. Pure. */
import { ExecutorError, type ErrorClass } from '@routerd/plugin-sdk';

export interface ComputeFault {
  /** The reason of a refusal (`conditionNotMet`), the code of a failed operation (`IP_IN_USE_BY_ANOTHER_RESOURCE`), or the system's. */
  readonly code: string;
  readonly message: string;
  readonly httpStatus: number | undefined;
  /** The zone operation, where one was begun. */
  readonly operation: string | undefined;
  readonly retryAfterMs: number | undefined;
}

/** Carries a fault from the adapter to where its meaning is decided. */
export class ComputeError extends Error {
  override readonly name = 'ComputeError';
  readonly fault: ComputeFault;

  constructor(fault: ComputeFault) {
    super(`${fault.code}: ${fault.message}`);
    this.fault = fault;
  }
}

/** Told apart before the status: 403 stands for a missing permission, for throttling and for a quota. */
const CLASS_OF_CODE: Readonly<Record<string, ErrorClass>> = {
  IP_IN_USE_BY_ANOTHER_RESOURCE: 'held-elsewhere',
  rateLimitExceeded: 'throttled',
  userRateLimitExceeded: 'throttled',
  RATE_LIMIT_EXCEEDED: 'throttled',
  quotaExceeded: 'limit',
  QUOTA_EXCEEDED: 'limit',
  limitExceeded: 'limit',
  conditionNotMet: 'conflict',
  resourceNotReady: 'conflict',
  RESOURCE_NOT_READY: 'conflict',
  RESOURCE_IN_USE_BY_ANOTHER_RESOURCE: 'conflict',
  resourceInUseByAnotherResource: 'conflict',
  forbidden: 'permission',
  insufficientPermissions: 'permission',
  accessNotConfigured: 'permission',
  authError: 'permission',
  PERMISSION_DENIED: 'permission',
  PERMISSIONS_ERROR: 'permission',
  notFound: 'not-found',
  RESOURCE_NOT_FOUND: 'not-found',
  INVALID_FIELD_VALUE: 'invalid',
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
const NOT_SENT = /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|IdentityUnavailable)$/;

export function classOf({ code, httpStatus }: ComputeFault): ErrorClass {
  const known = CLASS_OF_CODE[code];
  if (known !== undefined) return known;
  if (NOT_SENT.test(code)) return 'transport';
  const byStatus = httpStatus === undefined ? undefined : CLASS_OF_STATUS[httpStatus];
  if (byStatus !== undefined) return byStatus;
  if (httpStatus !== undefined && httpStatus >= 400 && httpStatus < 500) return 'invalid';
  // 5xx, a reset, a time-out, an operation that failed for reasons of its own: the change may have been made.
  return 'unknown-outcome';
}

/** @param attempted completes the sentence "… failed" */
export function executorError(attempted: string, fault: ComputeFault, errorClass = classOf(fault)): ExecutorError {
  const operation = fault.operation === undefined ? '' : ` (${fault.operation})`;
  return new ExecutorError(errorClass, `${attempted} failed: ${fault.code}: ${fault.message}${operation}`, {
    retryAfterMs: fault.retryAfterMs,
  });
}

/** Whatever was thrown: our own error, or the library's, whose cause has the system's code where there is one. */
export function faultOf(thrown: unknown): ComputeFault {
  if (thrown instanceof ComputeError) return thrown.fault;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const code = systemCodeOf(thrown) ?? (thrown instanceof Error ? thrown.name : 'Unknown');
  return { code, message, httpStatus: undefined, operation: undefined, retryAfterMs: undefined };
}

function systemCodeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  const inner = 'cause' in thrown ? systemCodeOf(thrown.cause) : undefined;
  if (inner !== undefined) return inner;
  return 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** The address that `IP_IN_USE_BY_ANOTHER_RESOURCE` speaks of, bare. It never names the holder. */
export function addressNamedIn(message: string): string | undefined {
  return /\b(\d{1,3}(?:\.\d{1,3}){3})\b/.exec(message)?.[1];
}
