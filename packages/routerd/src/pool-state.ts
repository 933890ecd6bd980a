/** What one node knows of one pool, indexed by address, and the plan it last made for each. The planner itself is pure and lives in mobility. */
import type { AcceptedFact } from '@routerd/federation';
import {
  captureKeyOf,
  planAddress,
  type AddressInput,
  type AddressLease,
  type AddressPlan,
  type CaptureDomain,
  type CaptureEpoch,
  type CaptureKey,
  type CapturePhase,
  type CaptureRecord,
  type PoolContext,
  type PoolSituation,
  type Sighting,
} from '@routerd/mobility';
import { instant, type HostAddress, type NodeName } from '@routerd/resources';

export class PoolState {
  readonly context: PoolContext;
  readonly #sightings = new Map<HostAddress, Map<NodeName, Sighting>>();
  readonly #records = new Map<HostAddress, Map<CaptureDomain, CaptureRecord>>();
  /** Where the record of a key stands above, so that it is found again when the registry has lost it. */
  readonly #places = new Map<CaptureKey, { readonly address: HostAddress; readonly domain: CaptureDomain }>();
  /** What stood in {@link #records} before the registry lost it, until a higher epoch stands there. */
  readonly #lost = new Map<HostAddress, Map<CaptureDomain, CaptureRecord>>();
  readonly #leases = new Map<HostAddress, AddressLease>();
  readonly #plans = new Map<HostAddress, AddressPlan>();

  constructor(context: PoolContext, leases: readonly AddressLease[]) {
    this.context = context;
    for (const lease of leases) if (lease.pool === context.name) this.#leases.set(lease.address, lease);
  }

  /** Every address that anything is known about, in no particular order. */
  addresses(): ReadonlySet<HostAddress> {
    const owned = this.context.pool.spec.members.flatMap((member) => member.staticOwnedAddresses);
    return new Set([...this.#sightings.keys(), ...this.#records.keys(), ...this.#leases.keys(), ...owned]);
  }

  /** Takes in accepted facts of this pool. @returns the addresses they are about */
  accept(facts: readonly AcceptedFact[]): readonly HostAddress[] {
    const touched: HostAddress[] = [];
    for (const accepted of facts) {
      if (accepted.fact.pool !== this.context.name) continue;
      const { address, source } = accepted.fact;
      const bySource = this.#sightings.get(address) ?? new Map<NodeName, Sighting>();
      this.#sightings.set(address, bySource.set(source, sightingOf(accepted)));
      touched.push(address);
    }
    return touched;
  }

  /**
   * Takes in what the registry now says of `key`: undefined when it has no record, as after a loss of its data.
   * @returns the address concerned, when it is one of this pool
   */
  acceptRecord(key: CaptureKey, record: CaptureRecord | undefined): HostAddress | undefined {
    if (record === undefined) return this.#forgetRecord(key);
    if (record.pool !== this.context.name) return undefined;
    const { address, domain } = record;
    this.#noteLoss(address, domain, record);
    const byDomain = this.#records.get(address) ?? new Map<CaptureDomain, CaptureRecord>();
    this.#records.set(address, byDomain.set(domain, record));
    this.#places.set(key, { address, domain });
    return address;
  }

  #forgetRecord(key: CaptureKey): HostAddress | undefined {
    const place = this.#places.get(key);
    if (place === undefined) return undefined;
    this.#places.delete(key);
    this.#noteLoss(place.address, place.domain, undefined);
    this.#records.get(place.address)?.delete(place.domain);
    return place.address;
  }

  #noteLoss(address: HostAddress, domain: CaptureDomain, now: CaptureRecord | undefined): void {
    const byDomain = this.#lost.get(address) ?? new Map<CaptureDomain, CaptureRecord>();
    const before = byDomain.get(domain) ?? this.record(address, domain);
    if (before !== undefined && before.epoch > (now?.epoch ?? 0)) byDomain.set(domain, before);
    else byDomain.delete(domain);
    if (byDomain.size > 0) this.#lost.set(address, byDomain);
    else this.#lost.delete(address);
  }

  record(address: HostAddress, domain: CaptureDomain): CaptureRecord | undefined {
    return this.#records.get(address)?.get(domain);
  }

  records(address: HostAddress): ReadonlyMap<CaptureDomain, CaptureRecord> {
    return this.#records.get(address) ?? new Map<CaptureDomain, CaptureRecord>();
  }

  /** Addresses whose record in this node's own domain names this node, and the phase of each. */
  heldBySelf(): ReadonlyMap<HostAddress, CapturePhase> {
    const held = new Map<HostAddress, CapturePhase>();
    for (const address of this.#records.keys()) {
      const record = this.#ownRecord(address);
      if (record?.holder === this.context.self) held.set(address, record.phase);
    }
    return held;
  }

  /** Of {@link heldBySelf}, those whose capture or release is not finished. */
  movingOnSelf(): readonly HostAddress[] {
    return [...this.heldBySelf()].filter(([, phase]) => phase !== 'held').map(([address]) => address);
  }

  #ownRecord(address: HostAddress): CaptureRecord | undefined {
    const domain = this.context.selfMember?.domain;
    return domain === undefined ? undefined : this.record(address, domain);
  }

  plan(address: HostAddress): AddressPlan | undefined {
    return this.#plans.get(address);
  }

  plans(): Iterable<AddressPlan> {
    return this.#plans.values();
  }

  input(address: HostAddress, highWater: ReadonlyMap<CaptureKey, CaptureEpoch>): AddressInput {
    const marks = new Map<CaptureDomain, CaptureEpoch>();
    for (const { domain } of this.context.members.values()) {
      const epoch = highWater.get(captureKeyOf(this.context.name, address, domain));
      if (epoch !== undefined) marks.set(domain, epoch);
    }
    return {
      address,
      sightings: [...(this.#sightings.get(address)?.values() ?? [])],
      previousLease: this.#leases.get(address),
      records: this.records(address),
      highWater: marks,
      lost: this.#lost.get(address) ?? new Map<CaptureDomain, CaptureRecord>(),
    };
  }

  /** Plans one address anew and remembers the outcome. @returns the plan before and after */
  replan(
    address: HostAddress,
    situation: PoolSituation,
    highWater: ReadonlyMap<CaptureKey, CaptureEpoch>,
  ): { readonly before: AddressPlan | undefined; readonly after: AddressPlan } {
    const before = this.#plans.get(address);
    const after = planAddress(this.context, situation, this.input(address, highWater));
    this.#plans.set(address, after);
    if (after.lease === undefined) this.#leases.delete(address);
    else this.#leases.set(address, after.lease);
    return { before, after };
  }
}

function sightingOf({ fact, acceptedAt, firstAcceptedAt }: AcceptedFact): Sighting {
  return {
    address: fact.address,
    source: fact.source,
    site: fact.site,
    kind: fact.type === 'routerd.client.ipv4.observed' ? 'observed' : 'expired',
    sequence: fact.sequence,
    observedAt: fact.observedAt,
    firstAcceptedAt,
    acceptedAt,
    expiresAt: instant(acceptedAt + fact.ttl),
    eventId: fact.id,
  };
}
