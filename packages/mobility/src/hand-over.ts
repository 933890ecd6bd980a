/**
 * What a router says of an address that changes hands by intent: an operator's hand-over ends what was seen at the site that it left
 * (`orderedAway`); one that the pool declares leads from one member to another, release first, then the new owner, since a provider refuses
 * an address to its machine while a router still captures it there.
 *
 *     from says `expired` ─► captures elsewhere stay, the new site releases its own ─► to says `observed` ─► everybody delivers there
 *
 * A rollback is the same way back: the declaration goes, the member that it went to says `expired`, the static owner asserts again.
 */
import type { HostAddress } from '@routerd/resources';
import type { AddressInput, AddressLease, PoolContext, PoolMember } from './model.ts';

/** The member that is to have the address once nobody asserts it: whom it is handed to, else its static owner. */
export function successorOf({ pool, members }: PoolContext, address: HostAddress): PoolMember | undefined {
  const handOver = pool.spec.staticHandovers.find((each) => each.address === address);
  if (handOver !== undefined) return members.get(handOver.toNodeRef);
  for (const member of members.values()) if (member.spec.staticOwnedAddresses.includes(address)) return member;
  return undefined;
}

export const STATIC_DUTIES = ['assert', 'withdraw', 'wait'] as const;
/** What this node has to say about an address that the pool declares it to own or to give away, or that an operator took from its site. */
export interface StaticDuty {
  readonly verb: (typeof STATIC_DUTIES)[number];
  readonly because:
    | 'declared'
    | 'handed-here'
    | 'handed-away'
    | 'ordered-away'
    | 'not-released-yet'
    | 'captured-here'
    | 'owned-elsewhere';
}

/**
 * @param lease as just derived
 * @returns undefined for an address about which neither the pool nor an order has this node say anything
 */
export function staticDuty(
  context: PoolContext,
  input: AddressInput,
  lease: AddressLease | undefined,
): StaticDuty | undefined {
  const { address, sightings, records } = input;
  const self = context.selfMember;
  if (self === undefined) return undefined;
  const handOver = context.pool.spec.staticHandovers.find((each) => each.address === address);
  if (handOver?.fromNodeRef === self.node) return { verb: 'withdraw', because: 'handed-away' };
  const isHandedHere = handOver?.toNodeRef === self.node;
  if (!isHandedHere && (handOver !== undefined || !self.spec.staticOwnedAddresses.includes(address)))
    return orderedAway(self, input, lease);
  const lastWord = sightings.find(({ source }) => source === self.node)?.kind;
  if (lastWord !== 'observed') {
    const isReleased = sightings.some(({ source, kind }) => source === handOver?.fromNodeRef && kind === 'expired');
    if (isHandedHere && !isReleased) return { verb: 'wait', because: 'not-released-yet' };
    for (const { domain, site } of context.members.values())
      if (site === self.site && records.get(domain)?.holder !== undefined)
        return {
          verb: 'wait',
          because: lease?.site === self.site || lease?.handingTo === self.node ? 'captured-here' : 'owned-elsewhere',
        };
  }
  return { verb: 'assert', because: isHandedHere ? 'handed-here' : 'declared' };
}

/**
 * What was seen here before the machine left has nothing to say once it is where it was sent (ADR 0025): it would stand until its TTL, and
 * a hand-over back would move the address here at once, before anything is here. What is seen here afterwards counts again.
 */
function orderedAway(
  { node, site }: PoolMember,
  { order, sightings }: AddressInput,
  lease: AddressLease | undefined,
): StaticDuty | undefined {
  if (order?.order.verb !== 'hand-over' || order.order.site === site || lease?.site !== order.order.site)
    return undefined;
  const hasSpoken = sightings.some(({ source }) => source === node);
  return hasSpoken ? { verb: 'withdraw', because: 'ordered-away' } : undefined;
}
