/** What each peer says of itself in its heartbeats, and what that means beside what we know. Pure but for the memory. */
import type { Instant, NodeName, PoolName } from '@routerd/resources';
import type { PoolMembership } from './federation-config.ts';
import type { SelfReport } from './wire/heartbeat-wire.ts';

/** Differences of clocks are taken over this; two of them are kept, so that the last is never empty. */
const SKEW_WINDOW_MS = 30_000;

interface Heard {
  about: SelfReport;
  /** Greatest (sender's clock - ours) of this window and the one before: the heartbeat that travelled least. */
  readonly skews: { since: Instant; least: number; before: number | undefined };
}

export class PeerReports {
  readonly #heard = new Map<NodeName, Heard>();

  /** @returns whether that changes how much its clock is ahead: most heartbeats travel longer than the quickest of late, and do not */
  heard(node: NodeName, about: SelfReport, now: Instant): boolean {
    const ahead = about.time - now;
    const known = this.#heard.get(node);
    if (known === undefined) {
      this.#heard.set(node, { about, skews: { since: now, least: ahead, before: undefined } });
      return true;
    }
    const before = this.clockAheadMs(node);
    const { skews } = known;
    // A clock of ours that was set back starts anew as well.
    if (now - skews.since > SKEW_WINDOW_MS || now < skews.since) {
      Object.assign(skews, { since: now, least: ahead, before: skews.least });
    }
    skews.least = Math.max(skews.least, ahead);
    known.about = about;
    return this.clockAheadMs(node) !== before;
  }

  of(node: NodeName): SelfReport | undefined {
    return this.#heard.get(node)?.about;
  }

  /** How much the peer's clock is ahead of ours (negative: behind), wrong by what the fastest recent heartbeat took to come here. */
  clockAheadMs(node: NodeName): number | undefined {
    const skews = this.#heard.get(node)?.skews;
    return skews === undefined ? undefined : Math.max(skews.least, skews.before ?? skews.least);
  }
}

/**
 * Pools in which both are members by our definition, and which the peer defines in another way or lacks.
 * @param own ours, with digests; a pool without one is not compared
 */
export function differingPools(
  node: NodeName,
  about: SelfReport,
  own: ReadonlyMap<PoolName, PoolMembership>,
): readonly PoolName[] {
  return [...own]
    .filter(([, { sites }]) => sites.has(node))
    .filter(([pool, { digest }]) => digest !== undefined && about.pools.get(pool) !== digest)
    .map(([pool]) => pool)
    .toSorted();
}
