/** One router of a forecast: the planner with a memory, a NIC that does what it is told, and a LAN that is answered at once. */
import type { HostAddress, Instant, NodeName } from '@routerd/resources';
import type { CaptureKey, CaptureRecord } from '../capture-record.ts';
import type { AddressPlan, MemberState, PoolContext, Sighting, VrrpRole } from '../model.ts';
import { PoolWorld, type AddressNews, type PlanChange } from '../pool-world.ts';
import type { Present } from './hypothesis.ts';

export interface VirtualNic {
  readonly addresses: Set<HostAddress>;
  forwarding: boolean;
}

export class VirtualRouter {
  readonly node: NodeName;
  readonly world: PoolWorld;
  readonly nic: VirtualNic;
  readonly answers = new Set<HostAddress>();
  readonly #dirty = new Set<HostAddress>();
  readonly #wanting = new Set<HostAddress>();
  readonly #newsOf: (address: HostAddress) => AddressNews;

  constructor(context: PoolContext, present: Present, records: Iterable<CaptureRecord>, nic: VirtualNic) {
    this.node = context.self;
    this.nic = nic;
    this.world = new PoolWorld(context, [...present.leases]);
    this.#newsOf = (address) => ({ order: present.orderOf(address) });
    for (const sighting of present.sightings) this.world.acceptSighting(sighting);
    for (const record of records) {
      this.world.acceptRecord(record.key, record);
      if (record.holder === this.node && context.selfMember?.role === 'onprem') this.answers.add(record.address);
    }
    this.touch(this.world.addresses());
  }

  touch(addresses: Iterable<HostAddress>): void {
    for (const address of addresses) this.#dirty.add(address);
  }

  /** True while something waits to be planned. */
  isTouched(): boolean {
    return this.#dirty.size > 0;
  }

  accept(key: CaptureKey, record: CaptureRecord): void {
    this.touch(this.world.acceptRecord(key, record));
  }

  hear(sighting: Sighting): void {
    this.world.acceptSighting(sighting);
    this.touch([sighting.address]);
  }

  /** Plans what was touched; a LAN is answered as planned, and seen to be. */
  plan(now: Instant, members: ReadonlyMap<NodeName, MemberState>, vrrp: VrrpRole): readonly PlanChange[] {
    if (this.#dirty.size === 0) return [];
    const dirty = [...this.#dirty].toSorted();
    this.#dirty.clear();
    const situation = {
      now,
      members,
      membersWaited: true,
      waitingFor: [],
      registryConnected: true,
      nic: { kind: 'known', addresses: this.nic.addresses, forwarding: this.nic.forwarding, observedAt: now },
      hostCaptures: this.answers,
      vrrp,
    } as const;
    const changes = this.world.replanAll(dirty, situation, new Map(), this.#newsOf);
    for (const { after } of changes) this.#note(after);
    return changes;
  }

  /** Plans that want something of the registry or of a provider, by address. */
  wanting(): readonly AddressPlan[] {
    return [...this.#wanting].toSorted().flatMap((address) => this.world.plan(address) ?? []);
  }

  #note(plan: AddressPlan): void {
    const { address, transition, actions, captureOpen } = plan;
    if (transition === undefined && actions.length === 0) this.#wanting.delete(address);
    else this.#wanting.add(address);
    if (this.world.context.selfMember?.role !== 'onprem' || this.answers.has(address) === captureOpen) return;
    if (captureOpen) this.answers.add(address);
    else this.answers.delete(address);
    this.touch([address]);
  }
}
