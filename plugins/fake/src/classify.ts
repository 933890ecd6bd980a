/** What an error of the provider asks of the caller. Whatever is not known may have happened after the change was made. */
import { ExecutorError, type ErrorClass } from '@routerd/plugin-sdk';
import { CloudError } from './provider.ts';

const CLASS_OF_CODE: Readonly<Record<string, ErrorClass>> = {
  AddressInUse: 'held-elsewhere',
  OutsideSubnet: 'invalid',
  NicFull: 'limit',
  NicNotFound: 'not-found',
  TooManyRequests: 'throttled',
};

/** @param attempted completes the sentence "… failed" */
export function executorError(attempted: string, cause: unknown): ExecutorError {
  const code = cause instanceof CloudError ? cause.code : 'Unknown';
  const message = cause instanceof Error ? cause.message : String(cause);
  const errorClass = CLASS_OF_CODE[code] ?? 'unknown-outcome';
  return new ExecutorError(errorClass, `${attempted} failed: ${code}: ${message}`, { cause });
}
