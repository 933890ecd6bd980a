/** What silence means. Pure; time is the receiver's own monotonic clock throughout. */
import type { Liveness } from '@routerd/mobility';
import type { DurationMs, Monotonic } from '@routerd/resources';

/** @param heardAt when the last sign of life came, undefined when none came yet */
export function judgeLiveness(heardAt: Monotonic | undefined, now: Monotonic, deadAfter: DurationMs): Liveness {
  if (heardAt === undefined) return 'unheard';
  const silence = now - heardAt;
  if (silence >= deadAfter) return 'dead';
  return silence >= deadAfter / 2 ? 'suspect' : 'alive';
}

/** When silence alone would next change the judgement; undefined when it cannot. */
export function nextJudgement(
  heardAt: Monotonic | undefined,
  now: Monotonic,
  deadAfter: DurationMs,
): Monotonic | undefined {
  if (heardAt === undefined) return undefined;
  const suspectAt = (heardAt + deadAfter / 2) as Monotonic;
  const deadAt = (heardAt + deadAfter) as Monotonic;
  if (now < suspectAt) return suspectAt;
  return now < deadAt ? deadAt : undefined;
}
