/** Which runs start now, and when to look again. Pure. */
import type { Monotonic } from '@routerd/resources';

/** `Plugin/<name>` for its own triggers, `EventSubscription/<name>`. */
export type JobName = string;

export interface Job {
  readonly name: JobName;
  readonly plugin: string;
  /** Undefined while there is nothing to run for. */
  readonly dueAt: Monotonic | undefined;
}

export interface RunPlan {
  /** In the order in which they became due. */
  readonly start: readonly Job[];
  /** The earliest instant at which time alone makes another job due. The end of a run is news, not time. */
  readonly lookAgainAt: Monotonic | undefined;
}

/** Plugin processes at one time; a fleet of plugins must not take the machine from the routing. */
export const RUNS_MAX = 4;

/**
 * 1. A plugin has one run at a time.
 * 2. Who became due first starts first; at the same instant the name decides.
 * @param busy plugins with a run under way
 */
export function planRuns(jobs: readonly Job[], busy: ReadonlySet<string>, now: Monotonic): RunPlan {
  const taken = new Set(busy);
  const start: Job[] = [];
  let lookAgainAt: Monotonic | undefined;
  for (const job of jobs.toSorted(compareJobs)) {
    const { dueAt, plugin } = job;
    if (dueAt === undefined) continue;
    if (dueAt > now) {
      lookAgainAt ??= dueAt;
    } else if (!taken.has(plugin) && taken.size < RUNS_MAX) {
      taken.add(plugin);
      start.push(job);
    }
  }
  return { start, lookAgainAt };
}

function compareJobs(a: Job, b: Job): number {
  const difference = (a.dueAt ?? Infinity) - (b.dueAt ?? Infinity);
  return Number.isNaN(difference) || difference === 0 ? (a.name < b.name ? -1 : 1) : difference;
}
