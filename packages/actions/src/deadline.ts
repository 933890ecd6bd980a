/** Runs one call with a time limit of its own. */
import type { DurationMs, Monotonic } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';

/** How long a call that was told to stop may take to say so; then it is left alone. */
const GRACE_MS = 2000;

export type Limited<T> =
  | { readonly kind: 'answered'; readonly value: T }
  | { readonly kind: 'timed-out' | 'cancelled' };

/**
 * @param outer ends the call too, then the outcome is `cancelled`
 * @param call gets a signal that fires at the limit; it has {@link GRACE_MS} to end and its late answer still counts
 */
export async function withDeadline<T>(
  clock: Clock,
  limit: DurationMs,
  outer: AbortSignal,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<Limited<T>> {
  const expired = new AbortController();
  const answered = new AbortController();
  const pastGrace = async (): Promise<Limited<T>> => {
    const until = (clock.monotonic() + limit) as Monotonic;
    await clock.sleepUntil(until, AbortSignal.any([answered.signal, outer]));
    if (!answered.signal.aborted) {
      expired.abort();
      await clock.sleepUntil((clock.monotonic() + GRACE_MS) as Monotonic, answered.signal);
    }
    return { kind: outer.aborted ? 'cancelled' : 'timed-out' };
  };
  const work = async (): Promise<Limited<T>> => {
    try {
      return { kind: 'answered', value: await call(AbortSignal.any([outer, expired.signal])) };
    } finally {
      answered.abort('answered'); // with a reason: an abort without one makes an exception and its stack
    }
  };
  return Promise.race([work(), pastGrace()]);
}
