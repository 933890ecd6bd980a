/** When a plugin that follows its cloud's events is set to wait for them. Values only; pure. */
import type { Monotonic, ResourceOf } from '@routerd/resources';

type Trigger = ResourceOf<'Plugin'>['spec']['triggers'][number];

export interface FollowState {
  /** It does not begin to wait before. */
  readonly notBefore: Monotonic;
  /** In a row. */
  readonly failures: number;
}

/** From start to start: a plugin that does not wait, and a cloud that never stops telling, must not keep the machine busy. Milliseconds. */
const SPACING_MS = 1000;
/** After the first failure; twice as long after each that follows. Milliseconds. */
const RETRY_MS = 5000;
const RETRY_MS_MAX = 300_000;

/** @returns undefined for a plugin that follows nothing */
export function initialFollow(triggers: readonly Trigger[], now: Monotonic): FollowState | undefined {
  return triggers.some(({ type }) => type === 'follow') ? { notBefore: now, failures: 0 } : undefined;
}

/** It told of something, or failed. One that was broken off did neither. */
export function followEnded(
  { failures }: FollowState,
  {
    hasFailed,
    startedAt,
    now,
  }: { readonly hasFailed: boolean; readonly startedAt: Monotonic; readonly now: Monotonic },
): FollowState {
  if (!hasFailed) return { notBefore: (startedAt + SPACING_MS) as Monotonic, failures: 0 };
  const pause = Math.min(RETRY_MS * 2 ** Math.min(failures, 10), RETRY_MS_MAX);
  return { notBefore: (now + pause) as Monotonic, failures: failures + 1 };
}
