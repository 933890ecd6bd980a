/** What each site says of one address: admitted facts and declarations, reduced to one voice a site. */
import { prefixContains, type HostAddress, type Instant, type NodeName, type SiteName } from '@routerd/resources';
import type { AddressInput, PoolContext, PoolMember, PoolSituation, Reason, Sighting } from './model.ts';

/**
 * fresh: asserted by a fact that stands, or declared in the pool. gone: positively denied. lapsed: its node lives and no longer asserts.
 * silent: its node cannot be heard, so nothing follows from its silence.
 */
export type VoiceKind = 'fresh' | 'silent' | 'lapsed' | 'gone';

export interface SiteVoice {
  readonly site: SiteName;
  readonly kind: VoiceKind;
  /** The router whose word this is. */
  readonly node: NodeName;
  readonly role: 'onprem' | 'cloud';
  readonly firstAcceptedAt: Instant;
  readonly acceptedAt: Instant;
  readonly observedAt: Instant;
  /** When the last of its facts of this kind ends; undefined for what the pool declares. */
  readonly expiresAt: Instant | undefined;
  /** When the first of its standing facts ends; undefined when none stands, or none ends. */
  readonly nextEndAt: Instant | undefined;
}

export interface Voices {
  /** At most one a site; the one that has asserted longest comes first, then by site. */
  readonly voices: readonly SiteVoice[];
  /** Facts that do not count, and why. */
  readonly refused: readonly Reason[];
}

/** Order of sightings is irrelevant. Cost: linear in the sightings of the one address and the members of the pool. */
export function siteVoices(context: PoolContext, situation: PoolSituation, input: AddressInput): Voices {
  const { accepted, refused } = admitSightings(context, input);
  const bySite = new Map<SiteName, [SiteVoice, ...SiteVoice[]]>();
  const hear = (voice: SiteVoice): void => {
    const others = bySite.get(voice.site);
    if (others === undefined) bySite.set(voice.site, [voice]);
    else others.push(voice);
  };
  for (const voice of declared(context, input)) hear(voice);
  for (const each of accepted) hear(spoken(context, situation, accepted, each));
  const spokesmen = [input.previousLease?.ownerNode, input.previousLease?.challenger?.node];
  const voices = Array.from(bySite.values(), (ofSite) => strongest(ofSite, spokesmen));
  if (voices.length > 1) voices.sort((a, b) => a.firstAcceptedAt - b.firstAcceptedAt || (a.site < b.site ? -1 : 1));
  return { voices, refused };
}

/**
 * True while this node cannot judge anybody's silence: it is cut off, or has not waited for its members yet. What lapses meanwhile
 * is nobody's fault but its own.
 */
export function isDeaf({ registryConnected, membersWaited }: PoolSituation): boolean {
  return !registryConnected || !membersWaited;
}

interface Admitted {
  readonly sighting: Sighting;
  readonly member: PoolMember;
  /** Its node captures the address itself, and so says that it lives elsewhere: what it saw before does not stand any more. */
  readonly isTakenBack: boolean;
}

/** Facts count only inside the pool, from members and about their own site. */
function admitSightings(
  context: PoolContext,
  input: AddressInput,
): { readonly accepted: readonly Admitted[]; readonly refused: readonly Reason[] } {
  const accepted: Admitted[] = [];
  const refused: Reason[] = [];
  if (!prefixContains(context.prefix, input.address)) return { accepted, refused };
  const { sightings } = input;
  for (const sighting of sightings.length < 2 ? sightings : sightings.toSorted(bySource)) {
    const member = context.members.get(sighting.source);
    if (member === undefined || member.site !== sighting.site) continue;
    const record = input.records.get(member.domain);
    const isTakenBack = sighting.kind === 'observed' && record?.holder === sighting.source;
    if (isTakenBack) refused.push({ rule: 'fact.refused-holder', source: sighting.source, captureKey: record.key });
    accepted.push({ sighting, member, isTakenBack });
  }
  return { accepted, refused };
}

function bySource(a: Sighting, b: Sighting): number {
  return a.source < b.source ? -1 : 1;
}

/** Static ownership is as good as a fact that never ends, unless the node itself has positively denied it since. */
function declared(context: PoolContext, { address, sightings }: AddressInput): readonly SiteVoice[] {
  const since = 0 as Instant;
  return declarersOf(context, address)
    .filter(({ node }) => !sightings.some(({ source, kind }) => source === node && kind === 'expired'))
    .map(({ node, site, role }) => ({
      site,
      role,
      node,
      kind: 'fresh',
      firstAcceptedAt: since,
      acceptedAt: since,
      observedAt: since,
      expiresAt: undefined,
      nextEndAt: undefined,
    }));
}

const NOBODY: readonly PoolMember[] = [];
/** By context, since it is asked for each address; a context never changes. */
const declarers = new WeakMap<PoolContext, ReadonlyMap<HostAddress, readonly PoolMember[]>>();

function declarersOf(context: PoolContext, address: HostAddress): readonly PoolMember[] {
  const known = declarers.get(context) ?? declarersIn(context);
  declarers.set(context, known);
  return known.get(address) ?? NOBODY;
}

function declarersIn({ members }: PoolContext): ReadonlyMap<HostAddress, readonly PoolMember[]> {
  const pairs = [...members.values()].flatMap((member) =>
    member.spec.staticOwnedAddresses.map((address) => ({ address, member })),
  );
  const byAddress = Map.groupBy(pairs, ({ address }) => address);
  return new Map(
    Array.from(byAddress, ([address, of]) => [address, [...new Set(of.map(({ member }) => member))]] as const),
  );
}

function spoken(
  context: PoolContext,
  situation: PoolSituation,
  all: readonly Admitted[],
  { sighting, member: { site, role, node }, isTakenBack }: Admitted,
): SiteVoice {
  const { firstAcceptedAt, acceptedAt, observedAt, expiresAt } = sighting;
  // Two sites that each capture what the other is said to own would otherwise believe each other for ever.
  const lapsed = isDeaf(situation) ? 'silent' : 'lapsed';
  const kind = isTakenBack ? lapsed : kindOf(context, situation, sighting);
  // Another router of the site that has denied the address since speaks for one that cannot be heard.
  const isDenied = all.some(
    ({ sighting: other }) =>
      other.kind === 'expired' && other.site === site && other.acceptedAt >= acceptedAt && other.source !== node,
  );
  return {
    site,
    role,
    node,
    // While this node is deaf its own silence ends nothing, whatever was denied before: what it forwards, it goes on forwarding.
    kind: kind === 'silent' && isDenied && !isDeaf(situation) ? 'gone' : kind,
    firstAcceptedAt,
    acceptedAt,
    observedAt,
    expiresAt,
    nextEndAt: kind === 'fresh' ? expiresAt : undefined,
  };
}

function kindOf(context: PoolContext, situation: PoolSituation, { kind, expiresAt, source }: Sighting): VoiceKind {
  if (kind === 'expired') return 'gone';
  if (situation.now < expiresAt) return 'fresh';
  const isHeard = source === context.self || situation.members.get(source)?.liveness === 'alive';
  return isHeard && !isDeaf(situation) ? 'lapsed' : 'silent';
}

const STRENGTH: Readonly<Record<VoiceKind, number>> = { fresh: 0, silent: 1, lapsed: 2, gone: 3 };

/**
 * A standing assertion of any router of the site counts most, then a silence that proves nothing. A declared owner comes before
 * others; the node that carries the lease (or the challenge) goes on carrying it while it says the same as the others.
 */
function strongest(
  voices: readonly [SiteVoice, ...SiteVoice[]],
  spokesmen: readonly (NodeName | undefined)[],
): SiteVoice {
  if (voices.length === 1) return voices[0];
  const sorted = voices.toSorted(
    (a, b) =>
      STRENGTH[a.kind] - STRENGTH[b.kind] ||
      Number(b.expiresAt === undefined) - Number(a.expiresAt === undefined) ||
      Number(spokesmen.includes(b.node)) - Number(spokesmen.includes(a.node)) ||
      (a.node < b.node ? -1 : 1),
  );
  const best = sorted[0] ?? voices[0];
  const same = sorted.filter(({ kind }) => kind === best.kind);
  const isDeclared = same.some(({ expiresAt }) => expiresAt === undefined);
  const ends = isDeclared ? [] : same.flatMap(({ nextEndAt }) => nextEndAt ?? []);
  return {
    ...best,
    firstAcceptedAt: Math.min(...same.map(({ firstAcceptedAt }) => firstAcceptedAt)) as Instant,
    acceptedAt: Math.max(...same.map(({ acceptedAt }) => acceptedAt)) as Instant,
    expiresAt: isDeclared ? undefined : (Math.max(...same.map(({ expiresAt }) => expiresAt ?? 0)) as Instant),
    nextEndAt: ends.length === 0 ? undefined : (Math.min(...ends) as Instant),
  };
}
