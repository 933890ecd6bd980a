import type { ErrorClass } from './protocol.ts';

/**
 * How a plugin says that it failed, and what that asks of the caller. Thrown by plugin code, turned into a `failed` result by `serve`.
 * The message is a full sentence for an operator, with the provider's code and request id, and never a secret.
 */
export class ExecutorError extends Error {
  override readonly name = 'ExecutorError';
  readonly errorClass: ErrorClass;
  /** Wait at least this long before the next attempt, when the provider said so. Milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    errorClass: ErrorClass,
    message: string,
    options: { readonly retryAfterMs?: number | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.errorClass = errorClass;
    this.retryAfterMs = options.retryAfterMs;
  }
}
