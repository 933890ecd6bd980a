import type { Result } from '@routerd/resources';

/** The value of a result that a test takes for granted. */
export function valueOf<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(`unexpected fault: ${JSON.stringify(result.error)}`);
  return result.value;
}
