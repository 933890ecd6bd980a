/** Which router captures an address in a domain, and through which router of its site it is delivered. */
import type { HostAddress, NodeName, SiteName } from '@routerd/resources';
import type { CaptureDomain } from './capture-record.ts';
import type {
  Liveness,
  Placement,
  PlacementLoser,
  PlacementLoss,
  PoolContext,
  PoolMember,
  PoolSituation,
  Reason,
  VrrpRole,
} from './model.ts';
import { byWeight, contenderOf, heaviest, type Contender } from './rendezvous.ts';

/**
 * Among the eligible routers of `domain` the lowest priority wins; the incumbent keeps at equal priority; otherwise rendezvous
 * hashing spreads addresses. A router that is suspect, or unheard while it is still waited for, keeps what it holds and is given
 * nothing new; so does one whose NIC is full. Where VRRP is the authority only the master is eligible: a node knows its own role,
 * so it rules itself out as a backup, and the others as the master. Cost: linear in the members of the domain.
 */
export function placeHolder(
  context: PoolContext,
  situation: PoolSituation,
  domain: CaptureDomain,
  address: HostAddress,
  incumbent: NodeName | undefined,
): Placement {
  const { placements } = judgementsIn(context, situation);
  const key = `${domain} ${incumbent ?? ''}`;
  const known = placements.get(key) ?? candidatesFor(context, situation, domain, incumbent);
  placements.set(key, known);
  return 'best' in known ? spread(address, known) : known;
}

/** Routers of equal standing, none of them the incumbent: rendezvous hashing decides, for each address by itself. */
interface Contest {
  readonly best: readonly Contender[];
  readonly priority: number;
  readonly losers: readonly PlacementLoser[];
  /** What follows from who wins, for all addresses that one wins. */
  readonly outcomes: Map<NodeName, Placement>;
}

/** What is the same for all addresses of one situation: they are very many, and the routers few. */
interface Judgements {
  readonly placements: Map<string, Placement | Contest>;
  readonly deliveries: Map<SiteName, readonly (readonly Contender[])[]>;
}

/** By situation and context, both of which never change; it is forgotten with them. */
const judged = new WeakMap<PoolSituation, WeakMap<PoolContext, Judgements>>();

function judgementsIn(context: PoolContext, situation: PoolSituation): Judgements {
  const byContext = judged.get(situation) ?? new WeakMap<PoolContext, Judgements>();
  judged.set(situation, byContext);
  const known = byContext.get(context) ?? { placements: new Map(), deliveries: new Map() };
  byContext.set(context, known);
  return known;
}

function candidatesFor(
  context: PoolContext,
  situation: PoolSituation,
  domain: CaptureDomain,
  incumbent: NodeName | undefined,
): Placement | Contest {
  const losers: PlacementLoser[] = [];
  let best: PoolMember[] = [];
  for (const member of context.members.values()) {
    if (member.domain !== domain) continue;
    const excluded = exclusionOf(context, situation, member, incumbent);
    const [leader] = best;
    if (excluded !== undefined) losers.push({ node: member.node, because: excluded });
    else if (leader === undefined || member.priority === leader.priority) best.push(member);
    else if (member.priority > leader.priority) losers.push({ node: member.node, because: 'lower-priority' });
    else {
      for (const { node } of best) losers.push({ node, because: 'lower-priority' });
      best = [member];
    }
  }
  const kept = best.find(({ node }) => node === incumbent);
  if (kept === undefined && best.length > 1)
    return {
      best: best.map(contenderOf),
      priority: best[0]?.priority ?? 0,
      losers,
      outcomes: new Map(),
    };
  const winner = kept ?? best[0];
  if (winner === undefined) return nobody(sorted(losers));
  const { node, priority } = winner;
  for (const other of best) if (other.node !== node) losers.push({ node: other.node, because: 'not-incumbent' });
  const order = sorted(losers);
  const because: Reason =
    best.length > 1
      ? { rule: 'placement.incumbent', node, losers: order }
      : { rule: 'placement.preferred', node, priority, losers: order };
  return { node, because, losers: order };
}

function spread(address: HostAddress, { best, priority, losers, outcomes }: Contest): Placement {
  const winner = heaviest(address, best)?.node;
  if (winner === undefined) return nobody(sorted(losers));
  const known = outcomes.get(winner);
  if (known !== undefined) return known;
  const others = best.flatMap(({ node }) => (node === winner ? [] : [{ node, because: 'rendezvous' as const }]));
  const order = sorted([...losers, ...others]);
  const because: Reason = { rule: 'placement.preferred', node: winner, priority, losers: order };
  const outcome: Placement = { node: winner, because, losers: order };
  outcomes.set(winner, outcome);
  return outcome;
}

/** Nobody may capture. Where a router would, had its NIC room, that is what an operator must know. */
function nobody(losers: readonly PlacementLoser[]): Placement {
  const rule = losers.some(({ because }) => because === 'full') ? 'placement.no-room' : 'placement.none-eligible';
  return { node: undefined, because: { rule, losers }, losers };
}

type Exclusion = Exclude<PlacementLoss, 'lower-priority' | 'not-incumbent' | 'rendezvous'>;

function exclusionOf(
  context: PoolContext,
  situation: PoolSituation,
  member: PoolMember,
  incumbent: NodeName | undefined,
): Exclusion | undefined {
  if (isDraining(situation, member)) return 'draining';
  const silence = silenceOf(context, situation, member.node, member.node === incumbent);
  if (silence !== undefined) return silence;
  if (isVrrpGated(member) && (member.node === context.self) !== (situation.vrrp === 'master')) return 'not-vrrp-master';
  const isFull = member.capacity !== undefined && (situation.load?.get(member.node) ?? 0) >= member.capacity;
  return isFull && member.node !== incumbent ? 'full' : undefined;
}

function silenceOf(
  context: PoolContext,
  situation: PoolSituation,
  node: NodeName,
  isIncumbent: boolean,
): Exclusion | undefined {
  const liveness = livenessOf(context, situation, node);
  switch (liveness) {
    case 'alive':
      return undefined;
    case 'dead':
      return liveness;
    case 'suspect':
      return isIncumbent ? undefined : liveness;
    case 'unheard':
      return isIncumbent && !situation.membersWaited ? undefined : liveness;
  }
}

/** True where the pool makes VRRP the authority over who captures on the member's LAN. */
function isVrrpGated({ spec: { capture } }: PoolMember): boolean {
  return capture.type === 'proxy-arp' && capture.activeWhen?.type === 'vrrp-master';
}

/** The role that keeps this node from capturing; undefined where VRRP has no say, or names it master. */
export function closedGate(self: PoolMember, { vrrp = 'unknown' }: PoolSituation): VrrpRole | undefined {
  return isVrrpGated(self) && vrrp !== 'master' ? vrrp : undefined;
}

/**
 * A router that drains leaves the mastership of its LAN to another one that lives and does not: where VRRP is the authority nobody else may
 * capture before. With nobody to leave it to it stays master.
 */
export function yieldsMastership(context: PoolContext, situation: Pick<PoolSituation, 'members'>): boolean {
  const { self, selfMember, members } = context;
  if (selfMember === undefined || !isVrrpGated(selfMember) || !isDraining(situation, selfMember)) return false;
  return [...members.values()].some((other) => {
    const isHeard = ['alive', 'suspect'].includes(livenessOf(context, situation, other.node));
    return other.domain === selfMember.domain && other.node !== self && isHeard && !isDraining(situation, other);
  });
}

/** A node is alive to itself, whatever its view of the others. */
function livenessOf(context: PoolContext, situation: Pick<PoolSituation, 'members'>, node: NodeName): Liveness {
  return node === context.self ? 'alive' : (situation.members.get(node)?.liveness ?? 'unheard');
}

/** Nothing is to be expected of the node: it is dead, was waited for in vain, or is no member any more. */
export function isGone(context: PoolContext, situation: PoolSituation, node: NodeName): boolean {
  const liveness = livenessOf(context, situation, node);
  return !context.members.has(node) || liveness === 'dead' || (liveness === 'unheard' && situation.membersWaited);
}

export function isDraining(situation: Pick<PoolSituation, 'members'>, { node, spec }: PoolMember): boolean {
  return situation.members.get(node)?.draining ?? spec.maintenance?.drain ?? false;
}

/**
 * The routers of the owner's site in the order in which packets for the address should go to them. First come those that capture there,
 * so that both directions of a flow meet at one router: after a fail-over the routers of equal rank that hold nothing are passed over,
 * and so is one that has just returned and has not taken back yet. Never empty because of a view: when nobody can be heard the
 * view may be at fault, so the best by priority stays in use (fail static). A router still waited for counts as present, so that a
 * restart of this node moves no route.
 */
export function deliveryRouters(
  context: PoolContext,
  situation: PoolSituation,
  site: SiteName,
  address: HostAddress,
): readonly NodeName[] {
  const { deliveries } = judgementsIn(context, situation);
  const groups = deliveries.get(site) ?? deliveryGroups(context, situation, site);
  deliveries.set(site, groups);
  return groups.flatMap((group) => byWeight(address, group).map(({ node }) => node));
}

/** The routers of a site, best first; those of equal standing together. */
function deliveryGroups(
  context: PoolContext,
  situation: PoolSituation,
  site: SiteName,
): readonly (readonly Contender[])[] {
  const candidates: { readonly member: PoolMember; readonly rank: number }[] = [];
  for (const member of context.members.values())
    if (member.site === site) candidates.push({ member, rank: deliveryRank(context, situation, member) });
  candidates.sort((a, b) => a.rank - b.rank || a.member.priority - b.member.priority);
  const groups: Contender[][] = [];
  for (const [index, { member, rank }] of candidates.entries()) {
    const before = candidates[index - 1];
    const isEqual = before?.rank === rank && before.member.priority === member.priority;
    if (isEqual) groups.at(-1)?.push(contenderOf(member));
    else groups.push([contenderOf(member)]);
  }
  return groups;
}

/**
 * Lower is better: captures there, alive, draining (it still forwards), waited for in vain, dead. A router that has only claimed does
 * not count as capturing: its NIC may not forward yet.
 */
function deliveryRank(context: PoolContext, situation: PoolSituation, member: PoolMember): number {
  const liveness = livenessOf(context, situation, member.node);
  if (liveness === 'dead') return 4;
  if (liveness === 'unheard' && situation.membersWaited) return 3;
  if (isDraining(situation, member)) return 2;
  return ((situation.carried ?? situation.load)?.get(member.node) ?? 0) > 0 ? 0 : 1;
}

function sorted(losers: readonly PlacementLoser[]): readonly PlacementLoser[] {
  return losers.length < 2 ? losers : losers.toSorted((a, b) => (a.node < b.node ? -1 : 1));
}
