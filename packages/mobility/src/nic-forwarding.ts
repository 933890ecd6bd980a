/** When a NIC may stop forwarding for others: not while anything captured through it, or delivered behind it, would be cut. Pure. */
import type { HostAddress, NodeName } from '@routerd/resources';
import type { CaptureRecord } from './capture-record.ts';
import type { PoolContext, PoolSituation } from './model.ts';
import { isDraining } from './placement.ts';

/**
 * The last address to leave a NIC restores forwarding, in whichever pool, unless one lives behind it; of several that leave together it
 * is the highest.
 */
export function restoresForwarding(situation: PoolSituation, address: HostAddress): boolean {
  if ((situation.heldForOtherPools ?? 0) > 0 || (situation.ownedHere ?? 0) > 0) return false;
  const { staying, lastToLeave } = departuresIn(situation);
  const isLast = lastToLeave === undefined || lastToLeave <= address;
  return isLast && (staying.length === 0 || (staying.length === 1 && staying[0] === address));
}

/** Who of those that this node holds leaves its NIC, and who does not. */
interface Departures {
  /** Addresses that are not being released; two are as good as any more. */
  readonly staying: readonly HostAddress[];
  /** The highest of those that are. */
  readonly lastToLeave: HostAddress | undefined;
}

/** By situation, which never changes: to look through all for each address that is released costs the square of a mass release. */
const departures = new WeakMap<PoolSituation, Departures>();

function departuresIn(situation: PoolSituation): Departures {
  const known = departures.get(situation);
  if (known !== undefined) return known;
  const staying: HostAddress[] = [];
  let lastToLeave: HostAddress | undefined;
  for (const [address, phase] of situation.heldBySelf) {
    if (phase === 'releasing') lastToLeave = lastToLeave === undefined || address > lastToLeave ? address : lastToLeave;
    else if (staying.length < 2) staying.push(address);
  }
  const found = { staying, lastToLeave };
  departures.set(situation, found);
  return found;
}

/**
 * A router that stands by forwards already, where addresses live behind it: others send to it as soon as its partner drains or fails,
 * before it has captured anything. Make before break.
 */
export function standsByForwarding(context: PoolContext, situation: PoolSituation, record: CaptureRecord): boolean {
  const isSettled = record.phase === 'held' && record.holder !== context.self;
  return isSettled && (situation.ownedHere ?? 0) > 0 && !isSelfDraining(context, situation);
}

/**
 * A router whose last capture was taken over keeps forwarding for the overlap, in which others still send to it. It stops when the
 * registry shows that the overlap is over, it holds nothing in any pool, and it has nothing to deliver: because no address lives behind
 * it, or because it drains, so that others deliver through its partners.
 */
export function mayStopForwarding(context: PoolContext, situation: PoolSituation, record: CaptureRecord): boolean {
  const { self } = context;
  const isOver = record.phase === 'held' || record.phase === 'vacant';
  const wasOurs = record.previous === self && record.holder !== self;
  const holdsNothing = situation.heldBySelf.size === 0 && (situation.heldForOtherPools ?? 0) === 0;
  const deliversNothing = situation.ownedHere === 0 || isSelfDraining(context, situation);
  return isOver && wasOurs && holdsNothing && deliversNothing;
}

/**
 * Members of other sites that may still send to this router, which they did before: a daemon that is being restarted, or is cut off, leaves
 * the routes of its kernel as they are (fail static). In the order of their names.
 */
export function mayStillSend({ members, selfMember }: PoolContext, { unread }: PoolSituation): readonly NodeName[] {
  if (unread === undefined) return [];
  const others = [...unread].filter((node) => {
    const site = members.get(node)?.site;
    return site !== undefined && site !== selfMember?.site;
  });
  return others.toSorted();
}

function isSelfDraining({ selfMember }: PoolContext, situation: PoolSituation): boolean {
  return selfMember !== undefined && isDraining(situation, selfMember);
}
