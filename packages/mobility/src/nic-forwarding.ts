/** When a NIC may stop forwarding for others: not while anything captured through it, or delivered behind it, would be cut. Pure. */
import type { HostAddress } from '@routerd/resources';
import type { CaptureRecord } from './capture-record.ts';
import type { PoolContext, PoolSituation } from './model.ts';

/** The last address to leave a NIC restores forwarding, in whichever pool; of several that leave together it is the highest. */
export function restoresForwarding(situation: PoolSituation, address: HostAddress): boolean {
  if ((situation.heldForOtherPools ?? 0) > 0) return false;
  for (const [other, phase] of situation.heldBySelf)
    if (other !== address && (phase !== 'releasing' || other > address)) return false;
  return true;
}

/**
 * A router whose last capture was taken over keeps forwarding for the overlap, in which others still send to it. It stops when the
 * registry shows that the overlap is over, it holds nothing in any pool, and no address lives behind it that it may have to deliver.
 */
export function mayStopForwarding({ self }: PoolContext, situation: PoolSituation, record: CaptureRecord): boolean {
  const isOver = record.phase === 'held' || record.phase === 'vacant';
  const wasOurs = record.previous === self && record.holder !== self;
  const holdsNothing = situation.heldBySelf.size === 0 && (situation.heldForOtherPools ?? 0) === 0;
  return isOver && wasOurs && holdsNothing && situation.ownedHere === 0;
}
