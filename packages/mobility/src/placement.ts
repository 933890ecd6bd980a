/** Which router captures an address in a domain, and through which router of its site it is delivered. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { HostAddress, NodeName, SiteName } from '@routerd/resources';
import type { CaptureDomain } from './capture-record.ts';
import type { PlacementLoser, PoolContext, PoolMember, PoolSituation, Reason } from './model.ts';

export interface Placement {
  readonly node: NodeName | undefined;
  readonly because: Reason;
}

type Exclusion = 'dead' | 'suspect' | 'unheard' | 'draining';

/**
 * Among the eligible routers of `domain` the lowest priority wins; the incumbent keeps at equal priority; otherwise rendezvous
 * hashing spreads addresses. A suspect router keeps what it holds and is given nothing new.
 */
export function placeHolder(
  context: PoolContext,
  situation: PoolSituation,
  domain: CaptureDomain,
  address: HostAddress,
  incumbent: NodeName | undefined,
): Placement {
  const members = [...context.members.values()].filter((member) => member.domain === domain);
  const judged = members.map((member) => ({ member, excluded: exclusionOf(situation, member, incumbent) }));
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
  situation: PoolSituation,
  { node }: PoolMember,
  incumbent: NodeName | undefined,
): Exclusion | undefined {
  const state = situation.members.get(node);
  if (state?.draining === true) return 'draining';
  if (state === undefined) return 'unheard';
  if (state.liveness === 'alive' || (state.liveness === 'suspect' && node === incumbent)) return undefined;
  return state.liveness;
}

/**
 * The router of the owner's site that packets for the address go to: the one that placement prefers there, so that both directions
 * of a flow meet at one router. When none can be heard the view may be at fault, so the best by priority stays in use.
 */
export function deliveryRouterOf(
  context: PoolContext,
  situation: PoolSituation,
  site: SiteName,
  address: HostAddress,
): NodeName | undefined {
  const members = [...context.members.values()].filter((member) => member.site === site);
  const rank = ({ node }: PoolMember): number => {
    const state = situation.members.get(node);
    if (state?.liveness === 'dead') return 2;
    return state?.draining === true ? 1 : 0;
  };
  return members.toSorted(
    (a, b) => rank(a) - rank(b) || a.priority - b.priority || compareRendezvous(address, a.node, b.node),
  )[0]?.node;
}

function compareRendezvous(address: HostAddress, a: NodeName, b: NodeName): number {
  return weight(address, a) < weight(address, b) ? 1 : -1;
}

function weight(address: HostAddress, node: NodeName): string {
  return bytesToHex(sha256(utf8ToBytes(`${address}|${node}`)));
}

function sorted(losers: readonly PlacementLoser[]): readonly PlacementLoser[] {
  return losers.toSorted((a, b) => (a.node < b.node ? -1 : 1));
}
