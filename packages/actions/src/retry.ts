/** What is done about a failure: tried again, or stopped with a remedy. Pure. */
import { durationMs, unreachable, type DurationMs } from '@routerd/resources';
import type { ErrorClass } from './ports.ts';

/**
 * - `retry`: nothing is known to have changed; fence again and call again after a back-off.
 * - `look`: the call may have taken effect; read the NIC, and only what is not in effect is tried again.
 * - `stop`: trying again soon cannot help; the row fails with a remedy, and is tried again at a slow pace while it is wanted.
 */
export type FailureTreatment = 'retry' | 'look' | 'stop';

export function treatmentOf(errorClass: ErrorClass): FailureTreatment {
  switch (errorClass) {
    case 'throttled':
    case 'conflict':
    case 'transport':
    case 'held-elsewhere': // whoever has it may give it up at any time, and only a router of ours would tell us
      return 'retry';
    case 'unknown-outcome':
      return 'look';
    case 'permission':
    case 'invalid':
    case 'limit':
    case 'not-found':
      return 'stop';
    default:
      return unreachable(errorClass);
  }
}

/** Of what a provider, or who speaks for it, wants everybody to wait; a longer time is a mistake. Milliseconds. */
export const RETRY_AFTER_MS_MAX = 3_600_000;

const BACKOFF_BASE_MS = 250;
const BACKOFF_CAP_MS = 30_000;

/**
 * Full jitter: evenly between 0 and the exponential bound, so that routers that failed together do not return together.
 * (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015.) Never shorter than what the provider asked for, up to an hour.
 * @param failures how often in a row it has failed, first is 1
 * @param fraction random, 0 ≤ fraction < 1
 */
export function backoffMs(failures: number, fraction: number, retryAfterMs = 0): DurationMs {
  const bound = Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** Math.min(failures - 1, 30));
  return durationMs(Math.max(Math.min(retryAfterMs, RETRY_AFTER_MS_MAX), Math.floor(fraction * bound)));
}

const SLOW_BASE_MS = 60_000;
const SLOW_CAP_MS = 900_000;

/**
 * When an action that failed for good is tried after all, since nobody tells us that its cause was mended (a permission, a quota):
 * after 30 to 60 s, then twice as long each time, at most 7.5 to 15 minutes.
 * @param failures how often in a row it has failed, first is 1
 * @param fraction random, 0 ≤ fraction < 1
 */
export function slowBackoffMs(failures: number, fraction: number): DurationMs {
  const bound = Math.min(SLOW_CAP_MS, SLOW_BASE_MS * 2 ** Math.min(failures - 1, 10));
  return durationMs(Math.floor((bound * (1 + fraction)) / 2));
}

/** What an operator may do about a failure that stops; empty for those that are retried. */
export function remedyOf(errorClass: ErrorClass): string {
  switch (errorClass) {
    case 'throttled':
    case 'conflict':
    case 'transport':
    case 'unknown-outcome':
      return '';
    case 'held-elsewhere':
      return 'Another NIC holds the address. A router of ours gives it up by itself; from a foreign NIC it must be removed by hand.';
    case 'permission':
      return "Allow the operation to the router's instance identity, then `routerctl action retry ID`; it is also tried again by itself.";
    case 'invalid':
      return 'Correct nicRef and capture.target of the member in the MobilityPool.';
    case 'limit':
      return 'The NIC or subnet has no room left: raise the limit, use a larger instance, or add a router to the placement group.';
    case 'not-found':
      return 'Compare nicRef and capture.target of the member with what exists at the provider.';
    default:
      return unreachable(errorClass);
  }
}
