/** From answers and failures to healthy and unhealthy. Pure. */
import type { Instant } from '@routerd/resources';

/** `unknown`: too few probes have ended to say either; it is no news, and nothing acts on it. */
export type HealthState = 'unknown' | 'healthy' | 'unhealthy';

/** How one probe ended. `detail`: in words, why it counts as a failure. */
export type ProbeOutcome =
  | { readonly kind: 'answered'; readonly tookMs: number }
  | { readonly kind: 'failed'; readonly detail: string };

export interface HealthVerdict {
  readonly state: HealthState;
  /** When `state` became what it is; undefined while it is unknown. */
  readonly since: Instant | undefined;
  /** Of the outcomes that ended last, how many in a row were answers, and failures; one of the two is 0. */
  readonly answersInARow: number;
  readonly failuresInARow: number;
  readonly last: ProbeOutcome | undefined;
}

export interface HealthThresholds {
  /** Answers in a row that make it healthy, 1 or more. */
  readonly healthy: number;
  /** Failures in a row that make it unhealthy, 1 or more. */
  readonly unhealthy: number;
}

export const UNKNOWN_HEALTH: HealthVerdict = {
  state: 'unknown',
  since: undefined,
  answersInARow: 0,
  failuresInARow: 0,
  last: undefined,
};

/** @param now when the probe ended */
export function judge(
  before: HealthVerdict,
  outcome: ProbeOutcome,
  thresholds: HealthThresholds,
  now: Instant,
): HealthVerdict {
  const isAnswer = outcome.kind === 'answered';
  const answersInARow = isAnswer ? before.answersInARow + 1 : 0;
  const failuresInARow = isAnswer ? 0 : before.failuresInARow + 1;
  const state: HealthState =
    answersInARow >= thresholds.healthy
      ? 'healthy'
      : failuresInARow >= thresholds.unhealthy
        ? 'unhealthy'
        : before.state;
  return { state, since: state === before.state ? before.since : now, answersInARow, failuresInARow, last: outcome };
}
