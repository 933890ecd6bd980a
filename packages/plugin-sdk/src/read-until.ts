/** Reading again until a change shows: providers answer reads from copies that lag behind their writes. */
import { setTimeout as delay } from 'node:timers/promises';

export interface ReadUntilLimits {
  readonly deadlineMs: number;
  /** First wait; doubles up to eight times as long. */
  readonly everyMs: number;
}

/**
 * Reads at once, then again with growing pauses, until `isEnough` or the deadline.
 * @returns the last value read, enough or not; what `read` throws ends it
 */
export async function readUntil<T>(
  read: () => Promise<T>,
  isEnough: (value: T) => boolean,
  { deadlineMs, everyMs }: ReadUntilLimits,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (let wait = everyMs; ; wait = Math.min(wait * 2, everyMs * 8)) {
    const value = await read();
    if (isEnough(value) || performance.now() + wait > end) return value;
    await delay(wait);
  }
}

/**
 * `call`, or what `onLate` throws after `limitMs`. The call itself goes on; nobody waits for it any more.
 * For libraries that have no limit of their own.
 */
export async function withinLimit<T>(limitMs: number, onLate: () => Error, call: () => Promise<T>): Promise<T> {
  const done = new AbortController();
  const late = async (): Promise<never> => {
    await delay(limitMs, undefined, { signal: done.signal });
    throw onLate();
  };
  try {
    return await Promise.race([call(), late()]);
  } finally {
    done.abort();
  }
}
