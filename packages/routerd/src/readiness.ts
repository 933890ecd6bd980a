/** Observe before acting: what a node must have read since its start before it may capture or release anything. */
import type { Federation } from '@routerd/federation';
import type { PoolContext } from '@routerd/mobility';
import type { Clock } from '@routerd/runtime';
import { durationMs, type DurationMs, type Monotonic } from '@routerd/resources';

export interface ReadinessInput {
  readonly federation: Pick<Federation, 'status' | 'members'>;
  readonly hostObserved: boolean;
  /** True where the node has no NIC at a provider. */
  readonly nicKnown: boolean;
  /** True once the bounded wait for members that were never heard is over. */
  readonly membersWaited: boolean;
}

/** @returns what is still waited for, in words that status shows; empty when ready */
export function waitingFor(input: ReadinessInput, context: PoolContext): readonly string[] {
  const status = input.federation.status();
  const heard = input.federation.members.members();
  const unheard = [...context.members.keys()].filter((node) => heard.get(node) === 'unheard');
  const missing: string[] = [];
  if (!input.hostObserved) missing.push('first reading of this host');
  if (!input.nicKnown) missing.push('first reading of the provider NIC');
  if (!status.factsCaughtUp) missing.push('facts read to the end');
  if (!status.registryCaughtUp) missing.push('capture registry read to the end');
  if (unheard.length > 0 && !input.membersWaited) missing.push(`first heartbeat of ${unheard.join(', ')}`);
  return missing;
}

/** How long after the first connection members that were never heard are waited for: twice the time in which one is judged dead. */
export function memberWait(deadAfter: DurationMs): DurationMs {
  return durationMs(deadAfter * 2);
}

export function after(clock: Clock, wait: DurationMs): Monotonic {
  return (clock.monotonic() + wait) as Monotonic;
}
