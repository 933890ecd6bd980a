/**
 * What would follow from a hypothesis: the planner itself, run for every router of the pool on the live world. This node's view is taken
 * for everybody's; providers and registry answer at once; machines that live keep saying so. Pure.
 */
import { compareAddresses, type HostAddress, type Instant, type NodeName, type SiteName } from '@routerd/resources';
import type { CaptureDomain } from '../capture-record.ts';
import type { AddressLease, PoolMember, Provider, Reason, Sighting } from '../model.ts';
import { StepLog, type ForecastStep } from './forecast-step.ts';
import { membersAfter, NEVER, type Hypothesis, type Present } from './hypothesis.ts';
import { VirtualFleet } from './virtual-fleet.ts';

export interface ForecastMove {
  readonly address: HostAddress;
  readonly domain: CaptureDomain;
  readonly from: NodeName | undefined;
  readonly to: NodeName | undefined;
}

/** An address that somebody owns elsewhere, and that no living router of this site would capture. */
export interface Unheld {
  readonly address: HostAddress;
  readonly domain: CaptureDomain;
  readonly site: SiteName;
  /** False when it was so before. */
  readonly isNew: boolean;
  readonly because: readonly Reason[];
}

export interface Forecast {
  readonly moves: readonly ForecastMove[];
  readonly leases: readonly {
    readonly address: HostAddress;
    readonly before: AddressLease | undefined;
    readonly after: AddressLease | undefined;
  }[];
  readonly steps: readonly ForecastStep[];
  /** Mutating calls per provider; `unknown` where a NIC does not tell whose it is. */
  readonly calls: Readonly<Partial<Record<Provider | 'unknown', number>>>;
  readonly unheld: readonly Unheld[];
  /** False when it did not come to rest within the horizon: then the rest is what it had come to. */
  readonly isSettled: boolean;
}

/** Cost: routers times addresses to begin with, then what the hypothesis touches. */
export function forecast(present: Present, hypothesis: Hypothesis): Forecast {
  const lasting: Present = { ...present, sightings: refreshed(present, present.members) };
  const before = new VirtualFleet(lasting, present.members);
  before.settle(horizonOf(lasting));
  const log = new StepLog();
  const members = membersAfter(present, hypothesis);
  const assumed: Present = {
    ...lasting,
    context: hypothesis.kind === 'apply' ? hypothesis.context : present.context,
    now: before.now,
    leases: [...(before.routers.get(present.context.self)?.world.leases() ?? [])],
    records: [...before.records()],
    sightings: [...refreshed({ ...lasting, now: before.now }, members), ...said(present, hypothesis, before.now)],
  };
  const held = capturesOf(before, present);
  const after = new VirtualFleet(assumed, members, { log, earlier: before });
  const isSettled = after.settle(horizonOf(assumed));
  return {
    moves: movesBetween(held, capturesOf(after, assumed)),
    leases: changedLeases(before, after, present),
    steps: log.steps(),
    calls: callsOf(log.steps()),
    unheld: unheldOf(after, assumed, held),
    isSettled,
  };
}

/** Long enough for facts to end, holds to pass, and captures that outlast their lease to go. */
function horizonOf({ context, now }: Present): Instant {
  const { leasePolicy, capturePolicy } = context.pool.spec;
  const { ttl, holdDuration } = leasePolicy;
  return (now + 2 * (ttl + holdDuration) + (capturePolicy.deprovisionHoldDuration ?? 0)) as Instant;
}

/** Who lives goes on saying what it says. */
function refreshed({ sightings }: Present, members: Present['members']): readonly Sighting[] {
  return [...sightings].map((sighting) =>
    members.get(sighting.source)?.liveness === 'alive' ? { ...sighting, expiresAt: NEVER } : sighting,
  );
}

function said({ context, sightings }: Present, hypothesis: Hypothesis, now: Instant): readonly Sighting[] {
  if (hypothesis.kind !== 'fact') return [];
  const { node, address, says: kind, isOfSite = false } = hypothesis;
  const site = context.members.get(node)?.site;
  if (site === undefined) return [];
  const times = { observedAt: now, firstAcceptedAt: now, acceptedAt: now, expiresAt: NEVER };
  const others = [...sightings].filter((sighting) => sighting.address === address && sighting.site === site);
  const speakers = new Set([node, ...(isOfSite ? others.map(({ source }) => source) : [])]);
  return Array.from(speakers, (source) => ({
    address,
    source,
    site,
    kind,
    sequence: Number.MAX_SAFE_INTEGER,
    eventId: 'assumed',
    ...times,
  }));
}

type Captures = ReadonlyMap<string, ForecastMove>;

/** Of every address and capture domain, who captures. */
function capturesOf(fleet: VirtualFleet, { context }: Present): Captures {
  const captures = new Map<string, ForecastMove>();
  for (const member of firstOfDomains(context.members.values())) {
    for (const address of addressesOf(fleet)) {
      const to = fleet.capturer(member, address);
      captures.set(`${member.domain} ${address}`, { address, domain: member.domain, from: undefined, to });
    }
  }
  return captures;
}

function firstOfDomains(members: Iterable<PoolMember>): readonly PoolMember[] {
  const first = new Map<CaptureDomain, PoolMember>();
  for (const member of members) if (!first.has(member.domain)) first.set(member.domain, member);
  return [...first.values()];
}

function addressesOf(fleet: VirtualFleet): readonly HostAddress[] {
  const addresses = new Set([...fleet.routers.values()].flatMap(({ world }) => [...world.addresses()]));
  return [...addresses].toSorted(compareAddresses);
}

function movesBetween(before: Captures, after: Captures): readonly ForecastMove[] {
  return [...after].flatMap(([key, { address, domain, to }]) => {
    const from = before.get(key)?.to;
    return from === to ? [] : [{ address, domain, from, to }];
  });
}

function changedLeases(before: VirtualFleet, after: VirtualFleet, { context: { self } }: Present): Forecast['leases'] {
  const teller = after.isAlive(self) ? self : [...after.routers.keys()].find((node) => after.isAlive(node));
  if (teller === undefined) return [];
  const [was, is] = [before.routers.get(teller)?.world, after.routers.get(teller)?.world];
  return addressesOf(after).flatMap((address) => {
    const lease = { address, before: was?.plan(address)?.lease, after: is?.plan(address)?.lease };
    const isSame = lease.before?.status === lease.after?.status && lease.before?.ownerNode === lease.after?.ownerNode;
    return isSame ? [] : [lease];
  });
}

function callsOf(steps: readonly ForecastStep[]): Forecast['calls'] {
  const calls: Partial<Record<Provider | 'unknown', number>> = {};
  for (const step of steps) {
    if (step.what !== 'call') continue;
    const provider = step.provider ?? 'unknown';
    calls[provider] = (calls[provider] ?? 0) + step.calls;
  }
  return calls;
}

/** Judged by each site's routers themselves; where all of them are gone, by what another that lives knows of who owns the address. */
function unheldOf(fleet: VirtualFleet, { context }: Present, held: Captures): readonly Unheld[] {
  const living = [...fleet.routers.values()].filter(({ node }) => fleet.isAlive(node));
  const judge = living.find(({ node }) => node === context.self) ?? living[0];
  return firstOfDomains(context.members.values()).flatMap((member) => {
    const { domain, site } = member;
    const own = [...context.members.values()].find((each) => each.domain === domain && fleet.isAlive(each.node));
    const router = own === undefined ? judge : fleet.routers.get(own.node);
    return addressesOf(fleet).flatMap((address) => {
      const plan = router?.world.plan(address);
      const lease = plan?.lease ?? judge?.world.plan(address)?.lease;
      const isWanted = lease !== undefined && lease.status !== 'expired' && lease.site !== site;
      const isHandedHere = lease?.handingTo !== undefined && context.members.get(lease.handingTo)?.site === site;
      if (!isWanted || isHandedHere || fleet.capturer(member, address) !== undefined) return [];
      const isNew = held.get(`${domain} ${address}`)?.to !== undefined;
      return [{ address, domain, site, isNew, because: own === undefined ? [] : (plan?.because ?? []) }];
    });
  });
}
