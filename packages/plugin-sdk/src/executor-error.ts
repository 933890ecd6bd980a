import { classNumber, type ErrorNumber } from './error-catalogue.ts';
import type { ErrorClass } from './protocol.ts';

export interface ExecutorErrorOptions {
  /** Wait at least so long, when the provider said so. */
  readonly retryAfterMs?: number | undefined;
  /** Which condition of the class; by default the class itself. See `ERRORS`. */
  readonly number?: ErrorNumber | undefined;
  readonly cause?: unknown;
}

/**
 * How a plugin says that it failed, and what that asks of the caller. Thrown by plugin code, turned into a `failed` result by `serve`.
 * The message is a full sentence for an operator, with the provider's code and request id, and never a secret.
 */
export class ExecutorError extends Error {
  override readonly name = 'ExecutorError';
  readonly errorClass: ErrorClass;
  readonly number: number;
  /** Wait at least this long before the next attempt, when the provider said so. Milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(errorClass: ErrorClass, message: string, options: ExecutorErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.errorClass = errorClass;
    this.number = options.number ?? classNumber(errorClass);
    this.retryAfterMs = options.retryAfterMs;
  }
}
