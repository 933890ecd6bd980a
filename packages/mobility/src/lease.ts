/** Which site owns an address: from facts, by rules, with time as an argument. */
import type { HostAddress, Instant, NodeName, SiteName } from '@routerd/resources';
import type { AddressInput, AddressLease, PoolContext, PoolSituation, Reason, Sighting } from './model.ts';

export interface LeaseVerdict {
  /** Undefined while nobody has ever reported the address. */
  readonly lease: AddressLease | undefined;
  readonly because: readonly Reason[];
  /** When time alone could change the verdict. */
  readonly lookAgainAt: Instant | undefined;
}

/**
 * What one site says of the address.
 * fresh: asserted by a fact that stands. gone: positively denied. lapsed: its node is alive and no longer asserts. silent: its node
 * cannot be heard, so nothing follows from its silence.
 */
interface SiteVoice {
  readonly site: SiteName;
  readonly kind: 'fresh' | 'gone' | 'lapsed' | 'silent';
  readonly node: NodeName;
  readonly role: 'onprem' | 'cloud';
  readonly firstAcceptedAt: Instant;
  readonly observedAt: Instant;
  /** Undefined for static ownership. */
  readonly expiresAt: Instant | undefined;
}

/** Order of sightings is irrelevant; never throws. Cost: linear in the sightings of the one address. */
export function deriveLease(context: PoolContext, situation: PoolSituation, input: AddressInput): LeaseVerdict {
  const { accepted, refused } = admitSightings(context, input);
  const previous = input.previousLease;
  const voices = voicesOf(context, situation, input.address, accepted, previous?.ownerNode);
  const verdict =
    previous === undefined || previous.status === 'expired'
      ? grantAnew(context, situation, input.address, previous, voices)
      : keepOrMove(context, situation, previous, voices);
  return { ...verdict, because: [...verdict.because, ...refused] };
}

/** Facts count only from members, about their own site, and never from the node that itself captures the address there. */
function admitSightings(
  context: PoolContext,
  input: AddressInput,
): { readonly accepted: readonly Sighting[]; readonly refused: readonly Reason[] } {
  const accepted: Sighting[] = [];
  const refused: Reason[] = [];
  for (const sighting of input.sightings.toSorted((a, b) => (a.source < b.source ? -1 : 1))) {
    const member = context.members.get(sighting.source);
    if (member === undefined || member.site !== sighting.site) continue;
    const record = input.records.get(member.domain);
    if (sighting.kind === 'observed' && record?.holder === sighting.source)
      refused.push({ rule: 'fact.refused-holder', source: sighting.source, captureKey: record.key });
    else accepted.push(sighting);
  }
  return { accepted, refused };
}

function voicesOf(
  context: PoolContext,
  situation: PoolSituation,
  address: HostAddress,
  sightings: readonly Sighting[],
  ownerNode: NodeName | undefined,
): readonly SiteVoice[] {
  const bySite = new Map<SiteName, [SiteVoice, ...SiteVoice[]]>();
  const add = (voice: SiteVoice): void => void bySite.set(voice.site, [voice, ...(bySite.get(voice.site) ?? [])]);
  for (const { node, site, role, spec } of context.members.values()) {
    if (spec.staticOwnedAddresses.includes(address))
      add({
        site,
        role,
        node,
        kind: 'fresh',
        firstAcceptedAt: 0 as Instant,
        observedAt: 0 as Instant,
        expiresAt: undefined,
      });
  }
  for (const sighting of sightings) {
    const member = context.members.get(sighting.source);
    if (member === undefined) continue;
    const { firstAcceptedAt, observedAt, expiresAt } = sighting;
    add({
      site: member.site,
      role: member.role,
      node: member.node,
      kind: voiceKind(situation, sighting),
      firstAcceptedAt,
      observedAt,
      expiresAt,
    });
  }
  return [...bySite.values()]
    .map((site) => strongest(site, ownerNode))
    .toSorted((a, b) => a.firstAcceptedAt - b.firstAcceptedAt || (a.site < b.site ? -1 : 1));
}

function voiceKind(situation: PoolSituation, { kind, expiresAt, source }: Sighting): SiteVoice['kind'] {
  if (kind === 'expired') return 'gone';
  if (situation.now < expiresAt) return 'fresh';
  return situation.members.get(source)?.liveness === 'alive' ? 'lapsed' : 'silent';
}

const STRENGTH: Readonly<Record<SiteVoice['kind'], number>> = { fresh: 0, silent: 1, lapsed: 2, gone: 3 };

/**
 * One voice a site: a standing assertion of any of its routers counts most, then a silence that proves nothing. The node that carries
 * the lease goes on carrying it while it says the same as the others.
 */
function strongest(voices: readonly [SiteVoice, ...SiteVoice[]], ownerNode: NodeName | undefined): SiteVoice {
  const sorted = voices.toSorted(
    (a, b) =>
      STRENGTH[a.kind] - STRENGTH[b.kind] ||
      Number(b.node === ownerNode) - Number(a.node === ownerNode) ||
      (a.node < b.node ? -1 : 1),
  );
  const best = sorted[0] ?? voices[0];
  const same = sorted.filter(({ kind }) => kind === best.kind);
  const isStatic = same.some(({ expiresAt }) => expiresAt === undefined);
  return {
    ...best,
    firstAcceptedAt: Math.min(...same.map(({ firstAcceptedAt }) => firstAcceptedAt)) as Instant,
    expiresAt: isStatic ? undefined : (Math.max(...same.map(({ expiresAt }) => expiresAt ?? 0)) as Instant),
  };
}

function grantAnew(
  context: PoolContext,
  situation: PoolSituation,
  address: HostAddress,
  previous: AddressLease | undefined,
  voices: readonly SiteVoice[],
): LeaseVerdict {
  const [winner, rival] = voices.filter(({ kind }) => kind === 'fresh');
  if (winner === undefined) {
    return {
      lease: previous,
      because: previous === undefined ? [{ rule: 'lease.never-seen' }] : endReasons(voices, previous),
      lookAgainAt: undefined,
    };
  }
  const leaseEpoch = previous === undefined ? 1 : previous.leaseEpoch + (previous.site === winner.site ? 0 : 1);
  const lease = leaseOf(context, address, winner, {
    leaseEpoch,
    since: situation.now,
    status: rival === undefined ? 'active' : 'conflict',
    rival,
  });
  return { lease, because: freshReasons(winner, rival), lookAgainAt: winner.expiresAt };
}

/** The incumbent keeps while it asserts; it hands over when it is gone, or lapsed or silent and the hold has passed. */
function keepOrMove(
  context: PoolContext,
  situation: PoolSituation,
  previous: AddressLease,
  voices: readonly SiteVoice[],
): LeaseVerdict {
  const incumbent = voices.find(({ site }) => site === previous.site);
  const challenger = voices.find(({ site, kind }) => site !== previous.site && kind === 'fresh');
  const { address, leaseEpoch, since } = previous;
  if (incumbent?.kind === 'fresh') {
    const status = challenger === undefined ? 'active' : 'conflict';
    const lease = leaseOf(context, address, incumbent, {
      leaseEpoch,
      since,
      status,
      rival: challenger,
    });
    return {
      lease,
      because: freshReasons(incumbent, challenger),
      lookAgainAt: earliest(incumbent.expiresAt, challenger?.expiresAt),
    };
  }
  if (incumbent?.kind === 'gone') {
    if (challenger !== undefined) return moveTo(context, situation, previous, challenger);
    return {
      lease: { ...previous, status: 'expired', challenger: undefined },
      because: endReasons(voices, previous),
      lookAgainAt: undefined,
    };
  }
  return holdOrMove(context, situation, previous, { incumbent, challenger });
}

function holdOrMove(
  context: PoolContext,
  situation: PoolSituation,
  previous: AddressLease,
  { incumbent, challenger }: { readonly incumbent: SiteVoice | undefined; readonly challenger: SiteVoice | undefined },
): LeaseVerdict {
  const hold = context.pool.spec.leasePolicy.holdDuration;
  const lapsedAt = incumbent?.kind === 'lapsed' ? (incumbent.expiresAt ?? situation.now) : undefined;
  if (challenger !== undefined) {
    const until = Math.max(challenger.firstAcceptedAt + hold, lapsedAt ?? 0) as Instant;
    if (situation.now >= until) return moveTo(context, situation, previous, challenger);
    const lease: AddressLease = { ...previous, status: 'holding', challenger: rivalOf(challenger) };
    return {
      lease,
      because: [{ rule: 'lease.holding', from: previous.site, to: challenger.site, until }],
      lookAgainAt: earliest(until, challenger.expiresAt),
    };
  }
  if (lapsedAt === undefined) {
    return {
      lease: { ...previous, status: 'stale', challenger: undefined },
      because: [{ rule: 'lease.stale-owner', node: previous.ownerNode }],
      lookAgainAt: undefined,
    };
  }
  const because: readonly Reason[] = [{ rule: 'lease.ttl-passed', node: previous.ownerNode, expiresAt: lapsedAt }];
  const until = (lapsedAt + hold) as Instant;
  if (situation.now < until)
    return { lease: { ...previous, status: 'holding', challenger: undefined }, because, lookAgainAt: until };
  return { lease: { ...previous, status: 'expired', challenger: undefined }, because, lookAgainAt: undefined };
}

function moveTo(
  context: PoolContext,
  situation: PoolSituation,
  previous: AddressLease,
  winner: SiteVoice,
): LeaseVerdict {
  const lease = leaseOf(context, previous.address, winner, {
    leaseEpoch: previous.leaseEpoch + 1,
    since: situation.now,
    status: 'active',
    rival: undefined,
  });
  return { lease, because: freshReasons(winner, undefined), lookAgainAt: winner.expiresAt };
}

function leaseOf(
  context: PoolContext,
  address: HostAddress,
  { site, node, role, expiresAt }: SiteVoice,
  {
    leaseEpoch,
    since,
    status,
    rival,
  }: {
    readonly leaseEpoch: number;
    readonly since: Instant;
    readonly status: AddressLease['status'];
    readonly rival: SiteVoice | undefined;
  },
): AddressLease {
  return {
    pool: context.name,
    address,
    status,
    site,
    ownerNode: node,
    role,
    leaseEpoch,
    since,
    expiresAt,
    challenger: rival === undefined ? undefined : rivalOf(rival),
  };
}

function rivalOf({ site, node, firstAcceptedAt }: SiteVoice): NonNullable<AddressLease['challenger']> {
  return { site, node, firstAcceptedAt };
}

function freshReasons(winner: SiteVoice, rival: SiteVoice | undefined): readonly Reason[] {
  const own: Reason =
    winner.expiresAt === undefined
      ? { rule: 'lease.static', node: winner.node }
      : { rule: 'lease.observed', source: winner.node, site: winner.site, observedAt: winner.observedAt };
  if (rival === undefined) return [own];
  return [
    own,
    { rule: 'lease.incumbent-kept', site: winner.site, over: rival.site },
    { rule: 'lease.conflict', incumbent: winner.site, challenger: rival.site },
  ];
}

function endReasons(voices: readonly SiteVoice[], previous: AddressLease): readonly Reason[] {
  const voice = voices.find(({ site }) => site === previous.site);
  if (voice?.kind === 'gone') return [{ rule: 'lease.expired-fact', source: voice.node }];
  return [{ rule: 'lease.ttl-passed', node: previous.ownerNode, expiresAt: voice?.expiresAt ?? previous.since }];
}

function earliest(...instants: readonly (Instant | undefined)[]): Instant | undefined {
  const known = instants.filter((at) => at !== undefined);
  return known.length === 0 ? undefined : (Math.min(...known) as Instant);
}
