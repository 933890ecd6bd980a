/** An address that moves too often is frozen where it is (the duplicate-address rule of EVPN: RFC 7432 section 15.1, N = 5 in M = 180 s). */
import type { Instant } from '@routerd/resources';
import type { AddressLease, Freeze } from './model.ts';
import type { AddressOrder } from './operator-order.ts';

export const MOVES_WINDOW_MS = 180_000;
export const MOVES_MAX = 5;

/** The moves that still count at `now`, oldest first. What a clock that was set back puts into the future does not. */
export function recentMoves({ moves = [] }: Pick<AddressLease, 'moves'>, now: Instant): readonly Instant[] {
  return moves.filter((at) => at > now - MOVES_WINDOW_MS && at <= now);
}

/** True if one more move would be one too many. */
export function isRestless(lease: Pick<AddressLease, 'moves'>, now: Instant): boolean {
  return recentMoves(lease, now).length >= MOVES_MAX;
}

/**
 * True if an order ends the freeze: any but a freeze ends what an operator froze; what froze by itself is ended by an order that is not
 * the one which stood then. Versions are compared for difference, because a registry that lost its data counts from 1 again.
 */
export function isReleased({ by, orderVersion }: Freeze, order: AddressOrder | undefined): boolean {
  if (order === undefined || order.order.verb === 'freeze') return false;
  return by === 'operator' || order.version !== orderVersion;
}
