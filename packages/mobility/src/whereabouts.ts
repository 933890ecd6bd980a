/** Where an address that nobody may have released can be: whose NIC a tenure takes it from, and whose NIC must be cleaned. Pure. */
import type { Instant, NodeName } from '@routerd/resources';
import type { CaptureRecord } from './capture-record.ts';
import type { PoolContext, PoolMember, PoolSituation, SeizeRefusal } from './model.ts';
import { isGone } from './placement.ts';

/**
 * Whose NIC a new holder may find the address on. A tenure that ended in `acquiring` never touched the provider (its fence was not
 * confirmed), so the address is still where that tenure meant to take it from. One that ended in `confirmed` may have taken it or not:
 * it is looked for at its holder first, and elsewhere when the provider says so, see {@link nextSuspect}.
 */
export function whereItMayBe(context: PoolContext, record: CaptureRecord | undefined): NodeName | undefined {
  if (record === undefined) return undefined;
  if (record.phase === 'vacant') return elsewhere(context, leftOn(record));
  const isOwn = record.holder === context.self;
  const last = record.phase === 'acquiring' || (isOwn && record.phase !== 'held') ? record.previous : record.holder;
  return elsewhere(context, last);
}

/**
 * The router of the domain that the next tenure looks at, after the provider refused what this one assumed. Every one is asked once in
 * a run of consecutive epochs of this node: in the order of names, so that no clock and no chance decides. Undefined when all were asked:
 * then a stranger has the address, and it is never taken.
 */
export function nextSuspect(
  context: PoolContext,
  self: PoolMember,
  { epoch }: CaptureRecord,
  refusals: readonly SeizeRefusal[],
): { readonly asked: readonly NodeName[]; readonly next: NodeName | undefined } {
  const byEpoch = new Map(refusals.map((refusal) => [refusal.epoch as number, refusal.from]));
  const asked = new Set<NodeName>();
  for (let at: number = epoch; byEpoch.has(at); at -= 1) {
    const from = byEpoch.get(at);
    if (from !== undefined) asked.add(from);
  }
  const others = [...context.members.values()].filter(
    ({ domain, node }) => domain === self.domain && node !== self.node,
  );
  const next = others
    .map(({ node }) => node)
    .toSorted()
    .find((node) => !asked.has(node));
  return { asked: [...asked].toSorted(), next };
}

/**
 * What a record that ends a capture names as `previous`: the node on whose NIC the address may still be, because it was gone when it
 * was succeeded; otherwise the one that held and saw its own NIC without it.
 */
export function vacatedBy(context: PoolContext, situation: PoolSituation, record: CaptureRecord): NodeName {
  const { previous } = record;
  const mayCarryIt = previous !== undefined && previous !== context.self && isGone(context, situation, previous);
  return mayCarryIt ? previous : context.self;
}

/** Of a vacant record: the node that it says may still carry the address. */
function leftOn({ previous, writer }: CaptureRecord): NodeName | undefined {
  return previous === writer ? undefined : previous;
}

/**
 * An address on this node's NIC that the registry gives to nobody, or to a router that does not look for it here, is left from a
 * tenure that ended while this node was away. It would keep the address from everybody else. (A holder that names this node as its
 * predecessor takes it over itself, without a gap.) Where the NIC may have the address by right the registry must name this node.
 */
export function isLeftBehind(
  { self }: PoolContext,
  record: CaptureRecord,
  { isOwnNic }: { readonly isOwnNic: boolean },
): boolean {
  if (record.phase === 'vacant') return !isOwnNic || leftOn(record) === self;
  const isSoughtElsewhere = record.phase === 'acquiring' || record.phase === 'confirmed';
  return !isOwnNic && isSoughtElsewhere && record.holder !== self && record.previous !== self;
}

/**
 * A tenure becomes `held` by a reading of the holder's NIC. Where a reading of this NIC from that tenure shows the address here, somebody put it
 * here by hand; the holder takes from nobody, so that as long as it is here the capture cannot be put right. The clocks of two nodes are compared:
 * a wrong one only delays the cleaning, since whoever carries it out looks first.
 */
export function isPutHere(
  { self }: PoolContext,
  { phase, holder, since }: CaptureRecord,
  { isOwnNic, observedAt }: { readonly isOwnNic: boolean; readonly observedAt: Instant },
): boolean {
  return !isOwnNic && phase === 'held' && holder !== undefined && holder !== self && observedAt > since;
}

function elsewhere({ self }: PoolContext, node: NodeName | undefined): NodeName | undefined {
  return node === self ? undefined : node;
}
