/** What the clocks of a group say of our own. Pure. */

/** How much most clocks of the group are ahead of ours. */
export interface GroupClock {
  /** Negative: most are behind ours. */
  readonly aheadMs: number;
  /** How many clocks agree on it, and how many were told of, ours included. */
  readonly agreeing: number;
  readonly of: number;
  /** Ours is so far off that, by itself, it could not judge the dates of facts. */
  readonly isSkewed: boolean;
}

/** Two clocks this close agree: what heartbeats travel, and what NTP leaves, is far less. */
const AGREEING_MS = 10_000;

/**
 * @param ahead of each peer that lives and tells its clock, how much that is ahead of ours
 * @returns undefined where no strict majority of all clocks, ours included, agrees: then nobody can tell whose is wrong
 */
export function groupClock(ahead: readonly number[], replayWindowMs: number): GroupClock | undefined {
  const all = [0, ...ahead].toSorted((a, b) => a - b);
  const aheadMs = all[Math.floor(all.length / 2)] ?? 0;
  const agreeing = all.filter((each) => Math.abs(each - aheadMs) <= AGREEING_MS).length;
  if (agreeing * 2 <= all.length) return undefined;
  return { aheadMs, agreeing, of: all.length, isSkewed: Math.abs(aheadMs) > replayWindowMs / 2 };
}
