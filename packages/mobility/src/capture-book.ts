/**
 * The capture records of one pool as this node last read them, counted as planning needs them. Mutable, so that taking in one
 * record costs the same however many there are. Its rules:
 *
 * 1. A record counts for the node that it names, in whichever phase: a NIC that is being released still carries the address.
 * 2. What the registry has lost is remembered until a higher epoch stands: it tells where an address may be.
 */
import type { HostAddress, NodeName } from '@routerd/resources';
import type { CaptureDomain, CaptureKey, CapturePhase, CaptureRecord } from './capture-record.ts';
import type { PoolContext } from './model.ts';

type ByDomain = Map<CaptureDomain, CaptureRecord>;

export class CaptureBook {
  readonly #self: NodeName;
  readonly #ownDomain: CaptureDomain | undefined;
  readonly #records = new Map<HostAddress, ByDomain>();
  readonly #lost = new Map<HostAddress, ByDomain>();
  /** Where the record of a key stands above, so that it is found again when the registry has lost it. */
  readonly #places = new Map<CaptureKey, { readonly address: HostAddress; readonly domain: CaptureDomain }>();
  readonly #held = new Map<HostAddress, CapturePhase>();
  readonly #moving = new Set<HostAddress>();
  readonly #counts = new Map<NodeName, number>();
  readonly #carried = new Map<NodeName, number>();

  constructor({ self, selfMember }: PoolContext) {
    this.#self = self;
    this.#ownDomain = selfMember?.domain;
  }

  /** @param record undefined when the registry has none, as after a loss of its data. @returns the address concerned, if any */
  accept(key: CaptureKey, record: CaptureRecord | undefined): HostAddress | undefined {
    const place = record ?? this.#places.get(key);
    if (place === undefined) return undefined;
    const { address, domain } = place;
    const before = this.record(address, domain);
    this.#noteLoss(address, domain, before, record);
    const byDomain = this.#records.get(address) ?? new Map<CaptureDomain, CaptureRecord>();
    if (record === undefined) {
      this.#places.delete(key);
      byDomain.delete(domain);
    } else {
      this.#places.set(key, { address, domain });
      byDomain.set(domain, record);
    }
    this.#records.set(address, byDomain);
    change(this.#counts, before?.holder, -1);
    change(this.#counts, record?.holder, 1);
    change(this.#carried, carrierOf(before), -1);
    change(this.#carried, carrierOf(record), 1);
    if (domain === this.#ownDomain) this.#noteOwn(address, record);
    return address;
  }

  /** What stands for a key now; `next` saves the look-up of where that is. */
  standing(key: CaptureKey, next: CaptureRecord | undefined): CaptureRecord | undefined {
    const place = next ?? this.#places.get(key);
    return place === undefined ? undefined : this.record(place.address, place.domain);
  }

  addresses(): Iterable<HostAddress> {
    return this.#records.keys();
  }

  record(address: HostAddress, domain: CaptureDomain): CaptureRecord | undefined {
    return this.#records.get(address)?.get(domain);
  }

  records(address: HostAddress): ReadonlyMap<CaptureDomain, CaptureRecord> {
    return this.#records.get(address) ?? NONE;
  }

  lost(address: HostAddress): ReadonlyMap<CaptureDomain, CaptureRecord> {
    return this.#lost.get(address) ?? NONE;
  }

  /** Addresses whose record in this node's own domain names this node, and the phase of each. */
  heldBySelf(): ReadonlyMap<HostAddress, CapturePhase> {
    return this.#held;
  }

  /** Of {@link heldBySelf}, those whose capture or release is not finished. */
  movingOnSelf(): ReadonlySet<HostAddress> {
    return this.#moving;
  }

  /** How many addresses the registry gives to each router, in this pool; the others hold none. */
  counts(): ReadonlyMap<NodeName, number> {
    return this.#counts;
  }

  /** How many addresses packets come to each router for, as far as the registry tells, see {@link carrierOf}; the others get none. */
  carried(): ReadonlyMap<NodeName, number> {
    return this.#carried;
  }

  #noteOwn(address: HostAddress, record: CaptureRecord | undefined): void {
    this.#held.delete(address);
    this.#moving.delete(address);
    if (record?.holder !== this.#self) return;
    this.#held.set(address, record.phase);
    if (record.phase !== 'held') this.#moving.add(address);
  }

  #noteLoss(
    address: HostAddress,
    domain: CaptureDomain,
    before: CaptureRecord | undefined,
    now: CaptureRecord | undefined,
  ): void {
    const known = this.#lost.get(address);
    const highest = known?.get(domain) ?? before;
    const isLost = highest !== undefined && highest.epoch > (now?.epoch ?? 0);
    if (isLost) this.#lost.set(address, (known ?? new Map<CaptureDomain, CaptureRecord>()).set(domain, highest));
    else if (known?.delete(domain) === true && known.size === 0) this.#lost.delete(address);
  }
}

/** Until a successor has verified its capture, packets go on to come to its predecessor. */
export function carrierOf(record: CaptureRecord | undefined): NodeName | undefined {
  switch (record?.phase) {
    case 'acquiring':
    case 'confirmed':
      return record.previous;
    case 'held':
    case 'releasing':
      return record.holder;
    case 'vacant':
    case undefined:
      return undefined;
  }
}

function change(counts: Map<NodeName, number>, node: NodeName | undefined, by: 1 | -1): void {
  if (node === undefined) return;
  const count = (counts.get(node) ?? 0) + by;
  if (count === 0) counts.delete(node);
  else counts.set(node, count);
}

const NONE: ReadonlyMap<CaptureDomain, CaptureRecord> = new Map();
