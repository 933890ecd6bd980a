/**
 * What one node knows of one pool, indexed by address, and the plan it last made for each: the memory between two calls of the pure
 * planner. It decides nothing; it knows which plans a piece of news can change.
 *
 * 1. One fact concerns one address. One record concerns its address, and, when it fills or frees a NIC, the addresses that had to do
 *    with that NIC's room; when a site begins or ceases to capture, the addresses that live there, for their way of delivery.
 * 2. What this node is about to claim counts as its load at once, so that addresses planned together do not share one last place.
 * 3. Addresses that wait for room are planned in the order given: who came first stays.
 */
import { compareAddresses, type HostAddress, type Instant, type NodeName, type SiteName } from '@routerd/resources';
import { CaptureBook, carrierOf } from './capture-book.ts';
import {
  captureKeyOf,
  type CaptureDomain,
  type CaptureEpoch,
  type CaptureKey,
  type CaptureRecord,
} from './capture-record.ts';
import { LookAgain } from './look-again.ts';
import type {
  AddressInput,
  AddressLease,
  AddressPlan,
  PoolContext,
  PoolMember,
  PoolSituation,
  Sighting,
} from './model.ts';
import { planAddress } from './plan-address.ts';

/** The plan of one address, before and after it was made anew. */
export interface PlanChange {
  readonly before: AddressPlan | undefined;
  readonly after: AddressPlan;
}

/** The part of the situation that the world does not know by itself. */
export type OuterSituation = Omit<PoolSituation, 'heldBySelf' | 'load' | 'carried' | 'ownedHere'> & {
  /** Addresses of other pools that live behind the same NIC of this node; 0 unless told. */
  readonly ownedForOtherPools?: number;
  /** Addresses that other pools give to the NICs of these routers. */
  readonly loadOfOtherPools?: ReadonlyMap<NodeName, number>;
};

/** The highest epoch that this node has seen of each capture key; a map of them is one. */
export interface HighWaterMarks {
  get(key: CaptureKey): CaptureEpoch | undefined;
}

/** What providers refused this node, and what was ordered, about one address. */
export type AddressNews = Pick<AddressInput, 'refusals' | 'order'>;

export class PoolWorld {
  readonly context: PoolContext;
  readonly #sightings = new Map<HostAddress, Map<NodeName, Sighting>>();
  readonly #book: CaptureBook;
  readonly #leases = new Map<HostAddress, AddressLease>();
  readonly #plans = new Map<HostAddress, AddressPlan>();
  readonly #known: Set<HostAddress>;
  readonly #lookAgain = new LookAgain();
  /** Addresses whose plan asks something of a provider. */
  readonly #acting = new Set<HostAddress>();
  /** Addresses that left this NIC, which goes on forwarding until everybody knows. */
  readonly #overlapping = new Set<HostAddress>();
  /** Addresses that this node wants to claim and the registry does not give it yet. */
  readonly #claiming = new Set<HostAddress>();
  /** Addresses that are not where they would be if every NIC had room, or not there yet. */
  readonly #roomConcerned = new Set<HostAddress>();
  readonly #bySite = new Map<SiteName, Set<HostAddress>>();
  readonly #isBounded: boolean;

  constructor(context: PoolContext, leases: readonly AddressLease[]) {
    this.context = context;
    this.#book = new CaptureBook(context);
    this.#known = new Set(context.pool.spec.members.flatMap((member) => member.staticOwnedAddresses));
    for (const { address } of context.pool.spec.staticHandovers) this.#known.add(address);
    for (const lease of leases) {
      if (lease.pool !== context.name) continue;
      this.#leases.set(lease.address, lease);
      this.#known.add(lease.address);
    }
    this.#isBounded = [...context.members.values()].some(({ capacity }) => capacity !== undefined);
  }

  /** Every address that anything is known about, in no particular order. */
  addresses(): ReadonlySet<HostAddress> {
    return this.#known;
  }

  /** The last word of its source about its address. */
  acceptSighting(sighting: Sighting): void {
    const { address, source } = sighting;
    const bySource = this.#sightings.get(address) ?? new Map<NodeName, Sighting>();
    this.#sightings.set(address, bySource.set(source, sighting));
    this.#known.add(address);
  }

  /**
   * Takes in what the registry now says of `key`: undefined when it has no record, as after a loss of its data.
   * @returns the addresses whose plan that may change; none when it is about another pool
   */
  acceptRecord(key: CaptureKey, record: CaptureRecord | undefined): readonly HostAddress[] {
    if (record !== undefined && record.pool !== this.context.name) return [];
    const standing = this.#book.standing(key, record);
    const concerned = new Set([standing?.holder, carrierOf(standing), record?.holder, carrierOf(record)]);
    const holders = [...concerned].flatMap((node) =>
      node === undefined ? [] : (this.context.members.get(node) ?? []),
    );
    const before = holders.map((member) => this.#standingOf(member));
    const address = this.#book.accept(key, record);
    if (address === undefined) return [];
    this.#known.add(address);
    if (record !== undefined && record.holder === this.context.self) this.#claiming.delete(address);
    const touched = new Set([address]);
    for (const [index, member] of holders.entries()) {
      const after = this.#standingOf(member);
      if (after.hasRoom !== before[index]?.hasRoom) for (const each of this.#roomConcerned) touched.add(each);
      if (after.captures !== before[index]?.captures)
        for (const each of this.#bySite.get(member.site) ?? []) touched.add(each);
    }
    return [...touched];
  }

  leases(): Iterable<AddressLease> {
    return this.#leases.values();
  }

  /** The last word of every source about every address. */
  sightings(): readonly Sighting[] {
    return [...this.#sightings.values()].flatMap((bySource) => [...bySource.values()]);
  }

  allRecords(): readonly CaptureRecord[] {
    return [...this.#book.addresses()].flatMap((address) => [...this.#book.records(address).values()]);
  }

  record(address: HostAddress, domain: CaptureDomain): CaptureRecord | undefined {
    return this.#book.record(address, domain);
  }

  records(address: HostAddress): ReadonlyMap<CaptureDomain, CaptureRecord> {
    return this.#book.records(address);
  }

  heldBySelf(): ReturnType<CaptureBook['heldBySelf']> {
    return this.#book.heldBySelf();
  }

  movingOnSelf(): ReadonlySet<HostAddress> {
    return this.#book.movingOnSelf();
  }

  /** How many addresses each router's NIC has to carry for this pool, what this node is about to claim included. */
  load(): ReadonlyMap<NodeName, number> {
    const counts = this.#book.counts();
    if (this.#claiming.size === 0) return counts;
    const { self } = this.context;
    return new Map([...counts, [self, (counts.get(self) ?? 0) + this.#claiming.size]]);
  }

  /** Addresses that must be planned again when the room on a NIC changes for reasons that this pool does not see. */
  roomConcerned(): ReadonlySet<HostAddress> {
    return this.#roomConcerned;
  }

  /** Addresses that must be planned again when a member has read what this node has read. */
  overlapping(): ReadonlySet<HostAddress> {
    return this.#overlapping;
  }

  /** How many addresses live at a site, by the leases that were last derived; ended ones do not count. */
  ownedAt(site: SiteName): number {
    return this.#bySite.get(site)?.size ?? 0;
  }

  plan(address: HostAddress): AddressPlan | undefined {
    return this.#plans.get(address);
  }

  plans(): Iterable<AddressPlan> {
    return this.#plans.values();
  }

  /** Plans that ask something of a provider. */
  actingPlans(): readonly AddressPlan[] {
    return [...this.#acting].flatMap((address) => this.#plans.get(address) ?? []);
  }

  nextLookAt(): Instant | undefined {
    return this.#lookAgain.next();
  }

  dueAt(now: Instant): readonly HostAddress[] {
    return this.#lookAgain.due(now);
  }

  /** What is known of one address. @param highWater by capture key, of this node */
  input(address: HostAddress, highWater: HighWaterMarks, news: AddressNews = NO_NEWS): AddressInput {
    const { name, selfMember } = this.context;
    const marks = new Map<CaptureDomain, CaptureEpoch>();
    if (selfMember !== undefined) {
      const epoch = highWater.get(captureKeyOf(name, address, selfMember.domain));
      if (epoch !== undefined) marks.set(selfMember.domain, epoch);
    }
    return {
      address,
      sightings: [...(this.#sightings.get(address)?.values() ?? [])],
      previousLease: this.#leases.get(address),
      records: this.records(address),
      highWater: marks,
      lost: this.#book.lost(address),
      claimBefore: this.#plans.get(address)?.claim,
      ...news,
    };
  }

  /**
   * Plans addresses anew, and those that a place which thereby became free concerns.
   * @param newsOf what is known of one address beside facts and records
   */
  replanAll(
    addresses: Iterable<HostAddress>,
    situation: OuterSituation,
    highWater: HighWaterMarks,
    newsOf: (address: HostAddress) => AddressNews = noNews,
  ): readonly PlanChange[] {
    const changes = new Map<HostAddress, PlanChange>();
    const plan = (address: HostAddress, current: PoolSituation): void => {
      const { before, after } = this.#replanIn(current, this.input(address, highWater, newsOf(address)));
      const earlier = changes.get(address);
      changes.set(address, { before: earlier === undefined ? before : earlier.before, after });
    };
    const isDelivering = this.#ownedHere() > 0;
    this.#planQueue(addresses, situation, plan);
    // The first address to live behind this node's NIC, and the last, decide whether it forwards while it stands by.
    if (this.#ownedHere() > 0 !== isDelivering) this.#planQueue(this.#known, situation, plan);
    return [...changes.values()];
  }

  #planQueue(
    addresses: Iterable<HostAddress>,
    situation: OuterSituation,
    plan: (address: HostAddress, current: PoolSituation) => void,
  ): void {
    const done = new Set<HostAddress>();
    const shared = this.#isBounded ? undefined : this.situationIn(situation);
    const queue = this.#isBounded ? [...addresses].toSorted(compareAddresses) : [...addresses];
    for (const address of queue) {
      if (done.has(address)) continue;
      done.add(address);
      const wasClaiming = this.#claiming.delete(address);
      plan(address, shared ?? this.situationIn(situation));
      // A claim that is no longer wanted frees a place which others were denied. Each is planned once a pass, so this ends.
      if (this.#isBounded && wasClaiming && !this.#claiming.has(address)) queue.push(...this.#roomConcerned);
    }
  }

  #ownedHere(): number {
    const { selfMember } = this.context;
    return selfMember?.role === 'cloud' ? this.ownedAt(selfMember.site) : 0;
  }

  /** Plans one address anew and remembers the outcome. */
  replan(
    address: HostAddress,
    situation: OuterSituation,
    highWater: HighWaterMarks,
    news: AddressNews = NO_NEWS,
  ): PlanChange {
    this.#claiming.delete(address);
    return this.#replanIn(this.situationIn(situation), this.input(address, highWater, news));
  }

  #replanIn(situation: PoolSituation, input: AddressInput): PlanChange {
    const { address } = input;
    const before = this.#plans.get(address);
    const after = planAddress(this.context, situation, input);
    this.#remember(address, before, after);
    return { before, after };
  }

  /** What addresses of this pool are planned with: what the world knows by itself, added to what surrounds it. */
  situationIn({ loadOfOtherPools, ownedForOtherPools = 0, ...outer }: OuterSituation): PoolSituation {
    const load = new Map(this.load());
    const carried = new Map(this.#book.carried());
    for (const sum of [load, carried])
      for (const [node, count] of loadOfOtherPools ?? []) sum.set(node, (sum.get(node) ?? 0) + count);
    const ownedHere = this.#ownedHere() + ownedForOtherPools;
    return { ...outer, heldBySelf: this.heldBySelf(), load, carried, ownedHere };
  }

  #remember(address: HostAddress, before: AddressPlan | undefined, after: AddressPlan): void {
    this.#plans.set(address, after);
    if (after.lease === undefined) this.#leases.delete(address);
    else this.#leases.set(address, after.lease);
    this.#lookAgain.set(address, after.lookAgainAt);
    putIf(this.#acting, address, after.actions.length > 0);
    putIf(
      this.#overlapping,
      address,
      after.because.some(({ rule }) => rule === 'capture.overlap'),
    );
    this.#moveSite(address, siteOf(before), siteOf(after));
    const { self, selfMember } = this.context;
    const holder = selfMember === undefined ? undefined : this.record(address, selfMember.domain)?.holder;
    putIf(this.#claiming, address, after.transition?.holder === self && holder !== self);
    const { placement } = after;
    const isConcerned =
      placement !== undefined &&
      (placement.node !== holder || placement.losers.some(({ because }) => because === 'full'));
    putIf(this.#roomConcerned, address, this.#isBounded && isConcerned);
  }

  #moveSite(address: HostAddress, from: SiteName | undefined, to: SiteName | undefined): void {
    if (from === to) return;
    if (from !== undefined) this.#bySite.get(from)?.delete(address);
    if (to === undefined) return;
    const there = this.#bySite.get(to) ?? new Set<HostAddress>();
    this.#bySite.set(to, there.add(address));
  }

  #standingOf({ node, capacity }: PoolMember): { readonly hasRoom: boolean; readonly captures: boolean } {
    const count = this.#book.counts().get(node) ?? 0;
    return { hasRoom: capacity === undefined || count < capacity, captures: (this.#book.carried().get(node) ?? 0) > 0 };
  }
}

const NO_NEWS: AddressNews = {};

function noNews(): AddressNews {
  return NO_NEWS;
}

function siteOf(plan: AddressPlan | undefined): SiteName | undefined {
  return plan?.lease === undefined || plan.lease.status === 'expired' ? undefined : plan.lease.site;
}

function putIf<T>(set: Set<T>, item: T, isIn: boolean): void {
  if (isIn) set.add(item);
  else set.delete(item);
}
