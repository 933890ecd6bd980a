/** Which site owns an address: from facts, by rules, with time as an argument. */
import { prefixContains, type HostAddress, type Instant, type Ipv4Prefix } from '@routerd/resources';
import { isReleased, isRestless, recentMoves } from './freeze.ts';
import { successorOf } from './hand-over.ts';
import {
  freshBesides,
  holdOf,
  leaseOf,
  nextChange,
  resting,
  rivalOf,
  type LeaseCase,
  type LeaseVerdict,
  type Tenure,
} from './lease-case.ts';
import type { AddressInput, AddressLease, PoolContext, PoolMember, PoolSituation, Reason } from './model.ts';
import { isDeaf, siteVoices, type SiteVoice } from './site-voice.ts';

export type { LeaseVerdict } from './lease-case.ts';

/**
 * 1. A lease begins with the first fresh assertion, and follows its site, not the router that happens to carry it.
 * 2. The incumbent keeps while its site asserts; another site that asserts too makes a conflict, visible in status, and no hand-over.
 * 3. It ends by positive evidence: a denial, at once; or its fact's end while its node lives and is heard, after the hold.
 * 4. When its node cannot be heard the lease stands, stale. A site that asserts meanwhile takes over after the hold, which runs from
 *    its first uninterrupted sighting; unless it is this node that cannot hear, which moves nothing.
 * 5. An operator's hand-over moves it to a site that asserts it, at once; one that the pool declares keeps it where it was until the
 *    member that it goes to asserts it.
 * 6. What has moved five times within 180 s does not move again: it is frozen, as if an operator had ordered it, until released.
 *
 * Never throws; the order of sightings is irrelevant; deriving again from the outcome changes nothing.
 */
export function deriveLease(context: PoolContext, situation: PoolSituation, input: AddressInput): LeaseVerdict {
  const excluded = excludedBy(context, input.address);
  if (excluded !== undefined)
    return { lease: undefined, because: [{ rule: 'lease.excluded', by: excluded }], lookAgainAt: undefined };
  const { voices, refused } = siteVoices(context, situation, input);
  const given: LeaseCase = { context, situation, input, voices };
  const verdict = frozenByOrder(given) ?? thawed(given, input.previousLease);
  return { ...verdict, because: [...verdict.because, ...refused] };
}

/** The part of the prefix that never moves, if the address lies in one. */
export function excludedBy({ pool }: PoolContext, address: HostAddress): Ipv4Prefix | undefined {
  return pool.spec.excludedAddresses.find((prefix) => prefixContains(prefix, address));
}

/** An operator's freeze stands above everything that is observed. */
function frozenByOrder(given: LeaseCase): LeaseVerdict | undefined {
  const { order, previousLease: previous } = given.input;
  if (order?.order.verb !== 'freeze') return undefined;
  const { site } = order.order;
  const spokesman = given.voices.find((voice) => voice.site === site) ?? firstRouter(given.context, site);
  if (spokesman === undefined) return undefined;
  const since = previous?.frozen?.since ?? given.situation.now;
  const stays = previous?.site === site && previous.status !== 'expired';
  const tenure = stays ? previous : { leaseEpoch: nextLeaseEpoch(previous, site), since: given.situation.now };
  const owner = stays ? { ...previous, node: previous.ownerNode } : { ...spokesman, expiresAt: undefined };
  const lease = leaseOf(given, owner, tenure, 'frozen', freshBesides(given, site));
  return {
    lease: { ...lease, frozen: { by: 'operator', since, orderVersion: order.version } },
    because: [{ rule: 'lease.frozen-by-order', site, who: order.who, why: order.why }],
    lookAgainAt: nextChange(given),
  };
}

function firstRouter({ members }: PoolContext, site: string): Pick<PoolMember, 'site' | 'node' | 'role'> | undefined {
  const ofSite = [...members.values()].filter((member) => member.site === site);
  return ofSite.toSorted((a, b) => a.priority - b.priority || (a.node < b.node ? -1 : 1))[0];
}

/** What is frozen stays so until an order ends that; then its facts count again, and its moves from nothing. */
function thawed(given: LeaseCase, previous: AddressLease | undefined): LeaseVerdict {
  const { frozen } = previous ?? {};
  const { order } = given.input;
  if (previous === undefined || frozen === undefined) return followed(given, previous);
  if (order === undefined || !isReleased(frozen, order)) return stillFrozen(given, previous, frozen);
  const { frozen: _, moves: __, ...free } = previous;
  const verdict = followed(given, { ...free, status: 'active' });
  const because: Reason = { rule: 'lease.released-by-order', who: order.who, why: order.why };
  return { ...verdict, because: [because, ...verdict.because] };
}

function stillFrozen(
  given: LeaseCase,
  previous: AddressLease,
  frozen: NonNullable<AddressLease['frozen']>,
): LeaseVerdict {
  const { site, pool, address, moves = [] } = previous;
  const rival = rivalOf(freshBesides(given, site));
  return {
    lease: resting(previous, { status: 'frozen', frozen, challenger: rival }),
    because: [{ rule: 'lease.frozen', site, moves: moves.length, since: frozen.since }],
    lookAgainAt: nextChange(given),
    orderWish: { verb: 'freeze', pool, address, site },
  };
}

function followed(given: LeaseCase, previous: AddressLease | undefined): LeaseVerdict {
  return previous === undefined || previous.status === 'expired'
    ? grantAnew(given, previous)
    : keepOrMove(given, previous);
}

function grantAnew(given: LeaseCase, previous: AddressLease | undefined): LeaseVerdict {
  const winner = orderedVoice(given) ?? given.voices.find(({ kind }) => kind === 'fresh');
  if (winner !== undefined && previous !== undefined && previous.site !== winner.site)
    return moved(given, previous, winner);
  if (winner !== undefined) {
    const { now } = given.situation;
    const tenure = {
      leaseEpoch: previous?.leaseEpoch ?? 1,
      since: now,
      ...(previous?.moves && { moves: previous.moves }),
    };
    return asserted(given, winner, tenure);
  }
  if (previous !== undefined) return { lease: previous, because: endReasons(given, previous), lookAgainAt: undefined };
  const denial = given.voices
    .filter(({ kind }) => kind === 'gone')
    .reduce<SiteVoice | undefined>(
      (last, voice) => (last === undefined || voice.acceptedAt > last.acceptedAt ? voice : last),
      undefined,
    );
  if (denial === undefined)
    return { lease: undefined, because: [{ rule: 'lease.never-seen' }], lookAgainAt: undefined };
  // A newcomer hears of an end only. It still is one: this node may hold a capture from before it lost its memory.
  const lease = leaseOf(given, denial, { leaseEpoch: 1, since: given.situation.now }, 'expired');
  return { lease, because: endReasons(given, lease), lookAgainAt: undefined };
}

function nextLeaseEpoch(previous: AddressLease | undefined, site: string): number {
  return previous === undefined ? 1 : previous.leaseEpoch + (previous.site === site ? 0 : 1);
}

/** The site that an operator hands the address to, once it asserts it. */
function orderedVoice({ input, voices }: LeaseCase): SiteVoice | undefined {
  const order = input.order?.order;
  if (order?.verb !== 'hand-over') return undefined;
  return voices.find(({ site, kind }) => site === order.site && kind === 'fresh');
}

function keepOrMove(given: LeaseCase, previous: AddressLease): LeaseVerdict {
  const ordered = orderedVoice(given);
  if (ordered !== undefined && ordered.site !== previous.site) return moved(given, previous, ordered);
  const incumbent = given.voices.find(({ site }) => site === previous.site);
  const challenger = freshBesides(given, previous.site);
  switch (incumbent?.kind) {
    case 'fresh':
      return asserted(given, incumbent, previous);
    case 'gone':
      return challenger === undefined ? ended(given, previous) : moved(given, previous, challenger);
    case 'lapsed':
      return lapsing(given, previous, challenger, incumbent.expiresAt ?? given.situation.now);
    case 'silent':
    case undefined:
      return unheard(given, previous, challenger);
  }
}

/** `owner` asserts the address and has it. */
function asserted(given: LeaseCase, owner: SiteVoice, tenure: Tenure): LeaseVerdict {
  const rival = freshBesides(given, owner.site);
  return {
    lease: leaseOf(given, owner, tenure, rival === undefined ? 'active' : 'conflict', rival),
    because: [ownReason(owner), ...orderReasons(given, owner), ...conflictReasons(owner, rival)],
    lookAgainAt: nextChange(given),
  };
}

/** What has moved too often stays; a move that an operator orders is not counted against it. */
function moved(given: LeaseCase, previous: AddressLease, winner: SiteVoice): LeaseVerdict {
  const { now } = given.situation;
  const isOrdered = orderedVoice(given)?.site === winner.site;
  if (!isOrdered && isRestless(previous, now)) {
    const frozen = { by: 'moves', since: now, orderVersion: given.input.order?.version ?? 0 } as const;
    return stillFrozen(given, { ...previous, moves: recentMoves(previous, now) }, frozen);
  }
  const moves = isOrdered ? [] : [...recentMoves(previous, now), now];
  const verdict = asserted(given, winner, { leaseEpoch: previous.leaseEpoch + 1, since: now, moves });
  const ends = previous.status === 'expired' ? [] : endReasons(given, previous);
  return { ...verdict, because: [...verdict.because, ...ends] };
}

/** Nobody asserts it any more. If the pool names who is to have it next, the captures stay for that one. */
function ended(given: LeaseCase, previous: AddressLease): LeaseVerdict {
  const successor = successorOf(given.context, previous.address);
  if (successor !== undefined && successor.site !== previous.site) return handing(given, previous, successor);
  const lease = resting(previous, { status: 'expired', since: given.situation.now });
  return { lease, because: endReasons(given, previous), lookAgainAt: undefined };
}

/** Between the release and the first assertion of a hand-over that the pool declares. */
function handing(given: LeaseCase, previous: AddressLease, to: PoolMember): LeaseVerdict {
  return {
    lease: resting(previous, { status: 'holding', handingTo: to.node }),
    because: [{ rule: 'lease.handing-over', from: previous.site, to: to.node }, ...endReasons(given, previous)],
    lookAgainAt: nextChange(given),
  };
}

/**
 * The owner's node lives, is heard and asserts no longer. The hold runs from when that was first seen, not from the fact's end: after
 * an outage its facts may be on their way.
 */
function lapsing(
  given: LeaseCase,
  previous: AddressLease,
  challenger: SiteVoice | undefined,
  expiredAt: Instant,
): LeaseVerdict {
  const { now } = given.situation;
  if (previous.handingTo !== undefined && challenger === undefined) return ended(given, previous);
  const lapsingSince = previous.lapsingSince ?? now;
  const until = (lapsingSince + holdOf(given)) as Instant;
  if (now >= until) return challenger === undefined ? ended(given, previous) : moved(given, previous, challenger);
  return {
    lease: resting(previous, { status: 'holding', challenger: rivalOf(challenger), lapsingSince }),
    because: [
      { rule: 'lease.ttl-passed', node: previous.ownerNode, expiresAt: expiredAt },
      ...(challenger === undefined
        ? [{ rule: 'lease.lapsing', node: previous.ownerNode, until } as const]
        : [{ rule: 'lease.holding', from: previous.site, to: challenger.site, until } as const]),
    ],
    lookAgainAt: nextChange(given, until),
  };
}

function unheard(given: LeaseCase, previous: AddressLease, challenger: SiteVoice | undefined): LeaseVerdict {
  const stale: Reason = { rule: 'lease.stale-owner', node: previous.ownerNode };
  if (challenger === undefined || isDeaf(given.situation))
    return {
      lease: resting(previous, { status: 'stale', challenger: rivalOf(challenger) }),
      because: [stale],
      lookAgainAt: nextChange(given),
    };
  const until = (challenger.firstAcceptedAt + holdOf(given)) as Instant;
  if (given.situation.now >= until) return moved(given, previous, challenger);
  return {
    lease: resting(previous, { status: 'holding', challenger: rivalOf(challenger) }),
    because: [stale, { rule: 'lease.holding', from: previous.site, to: challenger.site, until }],
    lookAgainAt: nextChange(given, until),
  };
}

function ownReason({ node, site, observedAt, expiresAt }: SiteVoice): Reason {
  return expiresAt === undefined
    ? { rule: 'lease.static', node }
    : { rule: 'lease.observed', source: node, site, observedAt };
}

function orderReasons(given: LeaseCase, owner: SiteVoice): readonly Reason[] {
  const { order } = given.input;
  if (order?.order.verb !== 'hand-over') return [];
  const { site: to } = order.order;
  return to === owner.site
    ? [{ rule: 'lease.handed-by-order', to, who: order.who, why: order.why }]
    : [{ rule: 'lease.hand-over-waits', to, who: order.who }];
}

function conflictReasons({ site }: SiteVoice, rival: SiteVoice | undefined): readonly Reason[] {
  if (rival === undefined) return [];
  return [
    { rule: 'lease.incumbent-kept', site, over: rival.site },
    { rule: 'lease.conflict', incumbent: site, challenger: rival.site },
  ];
}

function endReasons({ voices }: LeaseCase, { site, ownerNode, expiresAt, since }: AddressLease): readonly Reason[] {
  const voice = voices.find((each) => each.site === site);
  if (voice?.kind === 'gone') return [{ rule: 'lease.expired-fact', source: voice.node }];
  if (voice?.kind === 'silent') return [{ rule: 'lease.silent-owner', node: voice.node }];
  // An operator's hand-over takes it from a site that goes on asserting it.
  if (voice?.kind === 'fresh') return [];
  return [{ rule: 'lease.ttl-passed', node: ownerNode, expiresAt: voice?.expiresAt ?? expiresAt ?? since }];
}
