/** When the events that a subscription collected go to its plugin. Pure. */
import type { DurationMs, Monotonic } from '@routerd/resources';

export interface BatchTiming {
  /** From the first event. */
  readonly batchWindow: DurationMs;
  /** From the last event; each begins it anew. */
  readonly debounce: DurationMs;
}

/** Events of one request; a full batch waits for nothing. */
export const BATCH_EVENTS_MAX = 256;
/** A stream that never pauses is held up for so many debounces at most. */
export const DEBOUNCES_MAX = 10;
/** Runs with one event, the first included; then it is given up. */
export const ATTEMPTS_MAX = 3;
/** Before the second attempt; doubles. Milliseconds. */
const RETRY_WAIT_MS = 5000;

/** When waiting events were matched. */
export interface WaitingSince {
  /** Undefined if nothing waits. */
  readonly first: Monotonic | undefined;
  readonly last: Monotonic | undefined;
  /** The event that filled the batch. */
  readonly filled: Monotonic | undefined;
}

/** @returns undefined if nothing waits; may have passed */
export function batchDueAt(
  { first, last, filled }: WaitingSince,
  { batchWindow, debounce }: BatchTiming,
): Monotonic | undefined {
  if (first === undefined || last === undefined) return undefined;
  if (filled !== undefined) return filled;
  const quiet = Math.max(first + batchWindow, last + debounce);
  return Math.min(quiet, first + Math.max(batchWindow, debounce * DEBOUNCES_MAX)) as Monotonic;
}

/** @param attempts failed runs so far, at least one */
export function retryWaitMs(attempts: number): DurationMs {
  return (RETRY_WAIT_MS * 2 ** (attempts - 1)) as DurationMs;
}

export const SUBSCRIPTION_PHASES = ['Idle', 'Waiting', 'Pending', 'Applied', 'Degraded'] as const;
export type SubscriptionPhase = (typeof SUBSCRIPTION_PHASES)[number];

export interface SubscriptionSituation {
  readonly waiting: number;
  /** The batch is due and its run has not ended. */
  readonly isDue: boolean;
  /** How the last run ended; undefined before the first. */
  readonly last: 'applied' | 'failed' | undefined;
}

/** A failure shows until a run succeeds; besides, what waits now counts for more than what was. */
export function subscriptionPhase({ waiting, isDue, last }: SubscriptionSituation): SubscriptionPhase {
  if (last === 'failed') return 'Degraded';
  if (waiting > 0) return isDue ? 'Pending' : 'Waiting';
  return last === 'applied' ? 'Applied' : 'Idle';
}
