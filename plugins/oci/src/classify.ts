/** What an error of OCI means. Pure. API errors: docs.oracle.com, "API Errors". */
import { ExecutorError, type ErrorClass } from '@routerd/plugin-sdk';

export interface OciFault {
  readonly code: string;
  readonly message: string;
  readonly httpStatus: number | undefined;
  readonly requestId: string | undefined;
}

const CLASS_OF_CODE: Readonly<Record<string, ErrorClass>> = {
  /** Nothing was done; a token that ran out, or a clock that is off. Both heal without an operator's order. */
  NotAuthenticated: 'transport',
  NotAuthorized: 'permission',
  NotAllowed: 'permission',
  /** Absent or forbidden, by design not to be told apart. */
  NotAuthorizedOrNotFound: 'not-found',
  Conflict: 'conflict',
  IncorrectState: 'conflict',
  InvalidatedRetryToken: 'conflict',
  NoEtagMatch: 'conflict',
  LimitExceeded: 'limit',
  QuotaExceeded: 'limit',
  TooManyRequests: 'throttled',
  InvalidParameter: 'invalid',
};
const CLASS_OF_STATUS: Readonly<Record<number, ErrorClass>> = {
  401: 'transport',
  403: 'permission',
  404: 'not-found',
  409: 'conflict',
  412: 'conflict',
  429: 'throttled',
};
/** The request did not leave this machine, found nobody, or had no identity to go with: nothing can have changed. */
const NOT_SENT = /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|IdentityUnavailable)$/;

export function classOf({ code, httpStatus }: OciFault): ErrorClass {
  const known = CLASS_OF_CODE[code];
  if (known !== undefined) return known;
  if (NOT_SENT.test(code)) return 'transport';
  const byStatus = httpStatus === undefined ? undefined : CLASS_OF_STATUS[httpStatus];
  if (byStatus !== undefined) return byStatus;
  if (httpStatus !== undefined && httpStatus >= 400 && httpStatus < 500) return 'invalid';
  // 5xx, a reset, a time-out: the request may have been carried out.
  return 'unknown-outcome';
}

/**
 * Whether looking again tells more than the error: a lost race, an address that somebody else just took, or an object that went away.
 * The status for a taken address is not documented (409 or 400), so a refusal of the parameters counts too.
 */
export function isWorthALook(fault: OciFault): boolean {
  return (
    fault.httpStatus !== undefined && [400, 404, 409, 412].includes(fault.httpStatus) && classOf(fault) !== 'limit'
  );
}

/** @param attempted completes the sentence "… failed" */
export function executorError(attempted: string, fault: OciFault, errorClass = classOf(fault)): ExecutorError {
  const request = fault.requestId === undefined ? '' : ` (request ${fault.requestId})`;
  return new ExecutorError(errorClass, `${attempted} failed: ${fault.code}: ${fault.message}${request}`);
}

export function faultOf(thrown: unknown): OciFault {
  const status = field(thrown, 'statusCode');
  const serviceCode = field(thrown, 'serviceCode');
  const requestId = field(thrown, 'opcRequestId');
  // fetch says only "fetch failed"; the system's code is in the cause.
  const systemCode = field(thrown, 'code') ?? field(field(thrown, 'cause'), 'code');
  const name = thrown instanceof Error ? thrown.name : 'Unknown';
  const code = [serviceCode, systemCode].find((one) => typeof one === 'string' && one !== '');
  return {
    code: typeof code === 'string' ? code : name,
    message: thrown instanceof Error ? thrown.message : String(thrown),
    // The SDK reports failures of its own with status -1.
    httpStatus: typeof status === 'number' && status > 0 ? status : undefined,
    requestId: typeof requestId === 'string' ? requestId : undefined,
  };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
