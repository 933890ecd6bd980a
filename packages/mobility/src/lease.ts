/** Which site owns an address: from facts, by rules, with time as an argument. */
import { prefixContains, type HostAddress, type Instant, type Ipv4Prefix, type SiteName } from '@routerd/resources';
import type { AddressInput, AddressLease, PoolContext, PoolSituation, Reason } from './model.ts';
import { isDeaf, siteVoices, type SiteVoice } from './site-voice.ts';

export interface LeaseVerdict {
  /** Undefined while nobody has ever reported the address. */
  readonly lease: AddressLease | undefined;
  readonly because: readonly Reason[];
  /** When time alone could change the verdict. */
  readonly lookAgainAt: Instant | undefined;
}

interface Case {
  readonly context: PoolContext;
  readonly situation: PoolSituation;
  readonly input: AddressInput;
  readonly voices: readonly SiteVoice[];
}

/**
 * 1. A lease begins with the first fresh assertion, and follows its site, not the router that happens to carry it.
 * 2. The incumbent keeps while its site asserts; another site that asserts too makes a conflict, visible in status, and no hand-over.
 * 3. It ends by positive evidence: a denial, at once; or its fact's end while its node lives and is heard, after the hold.
 * 4. When its node cannot be heard the lease stands, stale. A site that asserts meanwhile takes over after the hold, which runs from
 *    its first uninterrupted sighting; unless it is this node that cannot hear, which moves nothing.
 *
 * Never throws; the order of sightings is irrelevant; deriving again from the outcome changes nothing.
 */
export function deriveLease(context: PoolContext, situation: PoolSituation, input: AddressInput): LeaseVerdict {
  const excluded = excludedBy(context, input.address);
  if (excluded !== undefined)
    return { lease: undefined, because: [{ rule: 'lease.excluded', by: excluded }], lookAgainAt: undefined };
  const { voices, refused } = siteVoices(context, situation, input);
  const given: Case = { context, situation, input, voices };
  const previous = input.previousLease;
  const verdict =
    previous === undefined || previous.status === 'expired' ? grantAnew(given, previous) : keepOrMove(given, previous);
  return { ...verdict, because: [...verdict.because, ...refused] };
}

/** The part of the prefix that never moves, if the address lies in one. */
export function excludedBy({ pool }: PoolContext, address: HostAddress): Ipv4Prefix | undefined {
  return pool.spec.excludedAddresses.find((prefix) => prefixContains(prefix, address));
}

function grantAnew(given: Case, previous: AddressLease | undefined): LeaseVerdict {
  const winner = given.voices.find(({ kind }) => kind === 'fresh');
  if (winner !== undefined) {
    const leaseEpoch = previous === undefined ? 1 : previous.leaseEpoch + (previous.site === winner.site ? 0 : 1);
    return asserted(given, winner, { leaseEpoch, since: given.situation.now });
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

function keepOrMove(given: Case, previous: AddressLease): LeaseVerdict {
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

interface Tenure {
  readonly leaseEpoch: number;
  readonly since: Instant;
}

/** `owner` asserts the address and has it. */
function asserted(given: Case, owner: SiteVoice, tenure: Tenure): LeaseVerdict {
  const rival = freshBesides(given, owner.site);
  return {
    lease: leaseOf(given, owner, tenure, rival === undefined ? 'active' : 'conflict', rival),
    because: [ownReason(owner), ...conflictReasons(owner, rival)],
    lookAgainAt: nextChange(given),
  };
}

function moved(given: Case, previous: AddressLease, winner: SiteVoice): LeaseVerdict {
  const verdict = asserted(given, winner, { leaseEpoch: previous.leaseEpoch + 1, since: given.situation.now });
  return { ...verdict, because: [...verdict.because, ...endReasons(given, previous)] };
}

function ended(given: Case, previous: AddressLease): LeaseVerdict {
  const lease = resting(previous, { status: 'expired', since: given.situation.now });
  return { lease, because: endReasons(given, previous), lookAgainAt: undefined };
}

/**
 * The owner's node lives, is heard and asserts no longer. The hold runs from when that was first seen, not from the fact's end: after
 * an outage its facts may be on their way.
 */
function lapsing(
  given: Case,
  previous: AddressLease,
  challenger: SiteVoice | undefined,
  expiredAt: Instant,
): LeaseVerdict {
  const { now } = given.situation;
  const lapsingSince = previous.lapsingSince ?? now;
  const until = (lapsingSince + holdOf(given)) as Instant;
  if (now >= until) return challenger === undefined ? ended(given, previous) : moved(given, previous, challenger);
  return {
    lease: resting(previous, { status: 'holding', challenger, lapsingSince }),
    because: [
      { rule: 'lease.ttl-passed', node: previous.ownerNode, expiresAt: expiredAt },
      ...(challenger === undefined
        ? [{ rule: 'lease.lapsing', node: previous.ownerNode, until } as const]
        : [{ rule: 'lease.holding', from: previous.site, to: challenger.site, until } as const]),
    ],
    lookAgainAt: nextChange(given, until),
  };
}

function unheard(given: Case, previous: AddressLease, challenger: SiteVoice | undefined): LeaseVerdict {
  const stale: Reason = { rule: 'lease.stale-owner', node: previous.ownerNode };
  if (challenger === undefined || isDeaf(given.situation))
    return {
      lease: resting(previous, { status: 'stale', challenger }),
      because: [stale],
      lookAgainAt: nextChange(given),
    };
  const until = (challenger.firstAcceptedAt + holdOf(given)) as Instant;
  if (given.situation.now >= until) return moved(given, previous, challenger);
  return {
    lease: resting(previous, { status: 'holding', challenger }),
    because: [stale, { rule: 'lease.holding', from: previous.site, to: challenger.site, until }],
    lookAgainAt: nextChange(given, until),
  };
}

/** Of the other sites that assert the address, the one that has done so longest. */
function freshBesides({ voices }: Case, site: SiteName): SiteVoice | undefined {
  return voices.find((voice) => voice.site !== site && voice.kind === 'fresh');
}

function holdOf({ context }: Case): number {
  return context.pool.spec.leasePolicy.holdDuration;
}

/** Time alone changes a verdict when an assertion ends, or a hold. */
function nextChange({ voices, situation }: Case, until?: Instant): Instant | undefined {
  const ends = voices.flatMap(({ nextEndAt }) => nextEndAt ?? []);
  const ahead = [...ends, ...(until === undefined ? [] : [until])].filter((at) => at > situation.now);
  return ahead.length === 0 ? undefined : (Math.min(...ahead) as Instant);
}

function leaseOf(
  { context, input }: Case,
  { site, node, role, expiresAt }: SiteVoice,
  { leaseEpoch, since }: Tenure,
  status: AddressLease['status'],
  rival?: SiteVoice,
): AddressLease {
  return {
    pool: context.name,
    address: input.address,
    status,
    site,
    ownerNode: node,
    role,
    leaseEpoch,
    since,
    expiresAt,
    challenger: rivalOf(rival),
  };
}

/** The previous lease in a state in which nobody asserts it. */
function resting(
  { pool, address, site, ownerNode, role, leaseEpoch, since, expiresAt }: AddressLease,
  state: {
    readonly status: AddressLease['status'];
    readonly challenger?: SiteVoice | undefined;
    readonly since?: Instant;
    readonly lapsingSince?: Instant;
  },
): AddressLease {
  const kept = { pool, address, site, ownerNode, role, leaseEpoch, since, expiresAt };
  return { ...kept, ...state, challenger: rivalOf(state.challenger) };
}

function rivalOf(voice: SiteVoice | undefined): AddressLease['challenger'] {
  if (voice === undefined) return undefined;
  const { site, node, firstAcceptedAt } = voice;
  return { site, node, firstAcceptedAt };
}

function ownReason({ node, site, observedAt, expiresAt }: SiteVoice): Reason {
  return expiresAt === undefined
    ? { rule: 'lease.static', node }
    : { rule: 'lease.observed', source: node, site, observedAt };
}

function conflictReasons({ site }: SiteVoice, rival: SiteVoice | undefined): readonly Reason[] {
  if (rival === undefined) return [];
  return [
    { rule: 'lease.incumbent-kept', site, over: rival.site },
    { rule: 'lease.conflict', incumbent: site, challenger: rival.site },
  ];
}

function endReasons({ voices }: Case, { site, ownerNode, expiresAt, since }: AddressLease): readonly Reason[] {
  const voice = voices.find((each) => each.site === site);
  if (voice?.kind === 'gone') return [{ rule: 'lease.expired-fact', source: voice.node }];
  if (voice?.kind === 'silent') return [{ rule: 'lease.stale-owner', node: voice.node }];
  return [{ rule: 'lease.ttl-passed', node: ownerNode, expiresAt: voice?.expiresAt ?? expiresAt ?? since }];
}
