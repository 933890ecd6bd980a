/** Which router captures an address in a domain, and through which router of its site it is delivered. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { HostAddress, NodeName, SiteName } from '@routerd/resources';
import type { CaptureDomain } from './capture-record.ts';
import type { Liveness, PlacementLoser, PoolContext, PoolMember, PoolSituation, Reason } from './model.ts';

export interface Placement {
  readonly node: NodeName | undefined;
  readonly because: Reason;
}

type Exclusion = 'dead' | 'suspect' | 'unheard' | 'draining';

/**
 * Among the eligible routers of `domain` the lowest priority wins; the incumbent keeps at equal priority; otherwise rendezvous
 * hashing spreads addresses. A router that is suspect, or unheard while it is still waited for, keeps what it holds and is given
 * nothing new. Cost: linear in the members of the pool.
 */
export function placeHolder(
  context: PoolContext,
  situation: PoolSituation,
  domain: CaptureDomain,
  address: HostAddress,
  incumbent: NodeName | undefined,
): Placement {
  const members = [...context.members.values()].filter((member) => member.domain === domain);
  const judged = members.map((member) => ({ member, excluded: exclusionOf(context, situation, member, incumbent) }));
  const excluded: readonly PlacementLoser[] = judged.flatMap(({ member, excluded: why }) =>
    why === undefined ? [] : [{ node: member.node, because: why }],
  );
  const eligible = judged.filter(({ excluded: why }) => why === undefined).map(({ member }) => member);
  const priority = Math.min(...eligible.map((member) => member.priority));
  const best = eligible.filter((member) => member.priority === priority);
  const lower = eligible
    .filter((member) => member.priority !== priority)
    .map(({ node }) => ({ node, because: 'lower-priority' as const }));
  const kept = best.find(({ node }) => node === incumbent);
  const winner = kept ?? best.toSorted((a, b) => compareRendezvous(address, a.node, b.node))[0];
  if (winner === undefined)
    return { node: undefined, because: { rule: 'placement.none-eligible', losers: sorted(excluded) } };
  const equals = best
    .filter(({ node }) => node !== winner.node)
    .map(({ node }) => ({ node, because: kept === undefined ? ('rendezvous' as const) : ('not-incumbent' as const) }));
  const losers = sorted([...excluded, ...lower, ...equals]);
  if (kept !== undefined && equals.length > 0)
    return { node: winner.node, because: { rule: 'placement.incumbent', node: winner.node, losers } };
  return { node: winner.node, because: { rule: 'placement.preferred', node: winner.node, priority, losers } };
}

function exclusionOf(
  context: PoolContext,
  situation: PoolSituation,
  member: PoolMember,
  incumbent: NodeName | undefined,
): Exclusion | undefined {
  if (isDraining(situation, member)) return 'draining';
  const liveness = livenessOf(context, situation, member.node);
  switch (liveness) {
    case 'alive':
      return undefined;
    case 'dead':
      return liveness;
    case 'suspect':
      return member.node === incumbent ? undefined : liveness;
    case 'unheard':
      return member.node === incumbent && !situation.membersWaited ? undefined : liveness;
  }
}

/** A node is alive to itself, whatever its view of the others. */
function livenessOf(context: PoolContext, situation: PoolSituation, node: NodeName): Liveness {
  return node === context.self ? 'alive' : (situation.members.get(node)?.liveness ?? 'unheard');
}

/** Nothing is to be expected of the node: it is dead, was waited for in vain, or is no member any more. */
export function isGone(context: PoolContext, situation: PoolSituation, node: NodeName): boolean {
  const liveness = livenessOf(context, situation, node);
  return !context.members.has(node) || liveness === 'dead' || (liveness === 'unheard' && situation.membersWaited);
}

function isDraining(situation: PoolSituation, { node, spec }: PoolMember): boolean {
  return situation.members.get(node)?.draining ?? spec.maintenance?.drain ?? false;
}

/**
 * The routers of the owner's site in the order in which packets for the address should go to them. First comes the one that placement
 * prefers there, so that both directions of a flow meet at one router. Never empty because of a view: when nobody can be heard the
 * view may be at fault, so the best by priority stays in use (fail static). A router still waited for counts as present, so that a
 * restart of this node moves no route.
 */
export function deliveryRouters(
  context: PoolContext,
  situation: PoolSituation,
  site: SiteName,
  address: HostAddress,
): readonly NodeName[] {
  const rank = (member: PoolMember): number => {
    const liveness = livenessOf(context, situation, member.node);
    if (liveness === 'dead') return 3;
    if (liveness === 'unheard' && situation.membersWaited) return 2;
    return isDraining(situation, member) ? 1 : 0; // a draining router still forwards
  };
  return [...context.members.values()]
    .filter((member) => member.site === site)
    .toSorted((a, b) => rank(a) - rank(b) || a.priority - b.priority || compareRendezvous(address, a.node, b.node))
    .map(({ node }) => node);
}

/** Descending by SHA-256 over address and node: every node computes the same order, and it differs from address to address. */
function compareRendezvous(address: HostAddress, a: NodeName, b: NodeName): number {
  return weight(address, a) < weight(address, b) ? 1 : -1;
}

function weight(address: HostAddress, node: NodeName): string {
  return bytesToHex(sha256(utf8ToBytes(`${address}|${node}`)));
}

function sorted(losers: readonly PlacementLoser[]): readonly PlacementLoser[] {
  return losers.toSorted((a, b) => (a.node < b.node ? -1 : 1));
}
