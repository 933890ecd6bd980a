/**
 * What would change a plan: the same rules, asked again with one thing different. Pure; for people, so only what is near is asked.
 */
import type { Instant, NodeName, SiteName } from '@routerd/resources';
import { formatInstant, unreachable } from '@routerd/resources';
import { deriveLease } from './lease.ts';
import type {
  AddressInput,
  AddressLease,
  AddressPlan,
  LeaseStatus,
  MemberState,
  PoolContext,
  PoolSituation,
  Sighting,
} from './model.ts';
import { orderSubjectOf, type AddressOrder, type Order, type OrderVersion } from './operator-order.ts';
import { closedGate, placeHolder } from './placement.ts';

export type OutlookEvent =
  /** All of them: one alone that still sees it keeps the lease at the site. */
  | { readonly event: 'denied'; readonly nodes: readonly NodeName[] }
  | { readonly event: 'fell-silent'; readonly node: NodeName; readonly factEnds: Instant }
  | { readonly event: 'released-by-order' }
  | { readonly event: 'time'; readonly at: Instant }
  | { readonly event: 'fails'; readonly node: NodeName }
  | { readonly event: 'is-available'; readonly node: NodeName }
  | { readonly event: 'elected'; readonly node: NodeName };

export type Outlook =
  | {
      readonly about: 'lease';
      readonly when: OutlookEvent;
      /** Undefined when nobody would own it. */
      readonly outcome: { readonly status: LeaseStatus; readonly site: SiteName } | undefined;
    }
  | { readonly about: 'capture'; readonly when: OutlookEvent; readonly outcome: NodeName | undefined };

/** @param plan as `planAddress` made it of the same arguments. Only what would make a difference is told. */
export function outlookOf(
  context: PoolContext,
  situation: PoolSituation,
  input: AddressInput,
  plan: AddressPlan,
): readonly Outlook[] {
  const given = { ...input, previousLease: plan.lease };
  return [...leaseOutlook(context, situation, given, plan.lease), ...captureOutlook(context, situation, input, plan)];
}

function leaseOutlook(
  context: PoolContext,
  situation: PoolSituation,
  input: AddressInput,
  lease: AddressLease | undefined,
): readonly Outlook[] {
  if (lease === undefined || lease.status === 'expired') return [];
  const told = (when: OutlookEvent, at: PoolSituation, changed: AddressInput): readonly Outlook[] => {
    const next = deriveLease(context, at, changed).lease;
    if (next?.status === lease.status && next.site === lease.site) return [];
    const outcome =
      next === undefined || next.status === 'expired' ? undefined : { status: next.status, site: next.site };
    return [{ about: 'lease', when, outcome }];
  };
  const { now } = situation;
  const own = input.sightings.filter(({ site, kind }) => site === lease.site && kind === 'observed');
  const lastEnd = own.reduce((latest, { expiresAt }) => Math.max(latest, expiresAt), 0) as Instant;
  const silent = membersWith(situation, lease.ownerNode, { liveness: 'dead' });
  return [
    ...told({ event: 'denied', nodes: assertersOf(own, lease) }, situation, deniedBySite(input, lease, now)),
    ...(lastEnd > now && lease.status === 'active'
      ? told(
          { event: 'fell-silent', node: lease.ownerNode, factEnds: lastEnd },
          { ...situation, now: lastEnd, members: silent },
          { ...input, sightings: onlyOf(input, lease.site) },
        )
      : []),
    ...(lease.status === 'frozen'
      ? told({ event: 'released-by-order' }, situation, { ...input, order: releaseAfter(input, lease) })
      : []),
    ...timeOutlook(context, situation, input, told),
  ];
}

function assertersOf(own: readonly Sighting[], { ownerNode }: AddressLease): readonly NodeName[] {
  return [...new Set([ownerNode, ...own.map(({ source }) => source)])].toSorted();
}

function timeOutlook(
  context: PoolContext,
  situation: PoolSituation,
  input: AddressInput,
  told: (when: OutlookEvent, at: PoolSituation, changed: AddressInput) => readonly Outlook[],
): readonly Outlook[] {
  const at = deriveLease(context, situation, input).lookAgainAt;
  return at === undefined ? [] : told({ event: 'time', at }, { ...situation, now: at }, input);
}

/** Every router of the site that spoke says that it is gone. */
function deniedBySite(input: AddressInput, lease: AddressLease, now: Instant): AddressInput {
  const denial = (each: Sighting): Sighting => ({ ...each, kind: 'expired', acceptedAt: now });
  const sightings = input.sightings.map((each) => (each.site === lease.site ? denial(each) : each));
  if (sightings.some(({ source }) => source === lease.ownerNode)) return { ...input, sightings };
  const times = { observedAt: now, firstAcceptedAt: now, acceptedAt: now, expiresAt: now };
  const { address, site, ownerNode: source } = lease;
  const added: Sighting = { address, source, site, kind: 'expired', sequence: 0, eventId: 'assumed', ...times };
  return { ...input, sightings: [...sightings, added] };
}

function onlyOf({ sightings }: AddressInput, site: SiteName): readonly Sighting[] {
  return sightings.filter((each) => each.site === site);
}

function releaseAfter({ order }: AddressInput, { pool, address }: AddressLease): AddressOrder {
  const release: Order & { readonly verb: 'release' } = { verb: 'release', pool, address };
  return {
    version: ((order?.version ?? 0) + 1) as OrderVersion,
    order: release,
    who: orderSubjectOf(release),
    why: '',
  };
}

function captureOutlook(
  context: PoolContext,
  situation: PoolSituation,
  { address, records }: AddressInput,
  { placement }: AddressPlan,
): readonly Outlook[] {
  const { selfMember } = context;
  if (placement === undefined || selfMember === undefined) return [];
  const incumbent = records.get(selfMember.domain)?.holder;
  const told = (when: OutlookEvent, members: PoolSituation['members']): readonly Outlook[] => {
    // A node is alive to itself: what would follow from its own end is asked from nobody's point of view.
    const elsewhere = 'node' in when && when.node === context.self ? { ...context, self: NOBODY } : context;
    const outcome = placeHolder(elsewhere, { ...situation, members }, selfMember.domain, address, incumbent).node;
    return outcome === placement.node ? [] : [{ about: 'capture', when, outcome }];
  };
  if (closedGate(selfMember, { ...situation, vrrp: 'backup' }) !== undefined) {
    // Who would be the master after another one is for VRRP to say.
    const elected = { ...situation, vrrp: 'master' } as const;
    const outcome = placeHolder(context, elected, selfMember.domain, address, incumbent).node;
    const when = { event: 'elected', node: context.self } as const;
    return outcome === placement.node ? [] : [{ about: 'capture', when, outcome }];
  }
  const fails = placement.node;
  const absent = placement.losers.filter(({ because }) => ABSENT.has(because)).map(({ node }) => node);
  return [
    ...(fails === undefined
      ? []
      : told({ event: 'fails', node: fails }, membersWith(situation, fails, { liveness: 'dead' }))),
    ...absent.flatMap((node) =>
      told({ event: 'is-available', node }, membersWith(situation, node, { liveness: 'alive', draining: false })),
    ),
  ];
}

/** Losses that end when the router is there again and does not drain. */
const ABSENT: ReadonlySet<string> = new Set(['dead', 'suspect', 'unheard', 'draining']);
/** No node has this name: it is not a valid one. */
const NOBODY = '' as NodeName;

function membersWith(
  { members }: PoolSituation,
  node: NodeName,
  change: Partial<MemberState>,
): ReadonlyMap<NodeName, MemberState> {
  const known = members.get(node) ?? { node, liveness: 'alive', draining: false };
  return new Map([...members, [node, { ...known, ...change }]]);
}

export function renderOutlook(outlook: Outlook): string {
  const when = eventText(outlook.when);
  if (outlook.about === 'capture') return `${when}: ${outlook.outcome ?? 'nobody'} captures here`;
  if (outlook.outcome === undefined) return `${when}: nobody owns it any more`;
  return `${when}: ${outlook.outcome.status} at site ${outlook.outcome.site}`;
}

function eventText(when: OutlookEvent): string {
  switch (when.event) {
    case 'denied':
      return `if ${when.nodes.join(' and ')} ${when.nodes.length === 1 ? 'says' : 'say'} that it is gone`;
    case 'fell-silent':
      return `if ${when.node} falls silent, from ${formatInstant(when.factEnds)} on`;
    case 'released-by-order':
      return 'if an operator releases it';
    case 'time':
      return `at ${formatInstant(when.at)}, without news`;
    case 'fails':
      return `if ${when.node} fails or drains`;
    case 'is-available':
      return `if ${when.node} is there again and does not drain`;
    case 'elected':
      return `if VRRP makes ${when.node} the master`;
    default:
      return unreachable(when);
  }
}
