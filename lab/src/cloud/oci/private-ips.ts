/** Private IPs and VNICs as OCI's objects, with etags of their own, over the address space that says who holds what. */
import { createHash, randomUUID } from 'node:crypto';
import { addressesOf, type AddressSpace, type Nic } from '../address-space.ts';
import type { ControlPlane } from '../control-plane.ts';
import { availabilityDomainOf } from './imds.ts';

export interface PrivateIp {
  readonly id: string;
  readonly address: string;
  /** Who held it when the object last changed. */
  readonly vnicId: string;
  readonly etag: string;
  readonly timeCreated: string;
  readonly details: PrivateIpDetails;
}

/** What a caller may set. */
export interface PrivateIpDetails {
  readonly displayName: string;
  readonly hostnameLabel?: string | undefined;
  readonly freeformTags: Readonly<Record<string, string>>;
  readonly definedTags: Readonly<Record<string, unknown>>;
  readonly lifetime: 'EPHEMERAL' | 'RESERVED';
}

export interface VnicDetails {
  readonly displayName: string;
  readonly freeformTags: Readonly<Record<string, string>>;
  readonly definedTags: Readonly<Record<string, unknown>>;
}

interface Vnic {
  readonly etag: string;
  readonly details: VnicDetails;
}

export class PrivateIpStore {
  readonly #plane: ControlPlane;
  readonly #began: string;
  /** By address; also those that are gone, for readers who are told old news. */
  readonly #objects = new Map<string, PrivateIp>();
  readonly #vnics = new Map<string, Vnic>();

  constructor(plane: ControlPlane) {
    this.#plane = plane;
    this.#began = this.#now();
    for (const nic of plane.space.nics.values()) {
      const details = { displayName: nic.name, freeformTags: {}, definedTags: {} };
      this.#vnics.set(nic.id, { etag: newEtag(), details });
    }
  }

  #now(): string {
    return new Date(this.#plane.clock.now()).toISOString();
  }

  /** Objects of a space, by the order of their NICs; made for what somebody else assigned. */
  all(space: AddressSpace): readonly PrivateIp[] {
    return [...space.nics.values()].flatMap((nic) => addressesOf(nic).map((address) => this.#objectOf(nic, address)));
  }

  #objectOf(nic: Nic, address: string): PrivateIp {
    const known = this.#objects.get(address);
    if (known?.vnicId === nic.id) return known;
    const held = this.#plane.space.nics.get(nic.id);
    // An old view of what has moved on since: as it was, without becoming the present.
    if (known !== undefined && (held === undefined || !addressesOf(held).includes(address)))
      return { ...known, vnicId: nic.id };
    return this.write({ address, vnicId: nic.id, details: known?.details ?? defaultDetails(address) });
  }

  /** The object with that OCID, if its address is held now. */
  find(id: string): PrivateIp | undefined {
    return this.all(this.#plane.space).find((each) => each.id === id);
  }

  /** Makes it, or changes it: the etag is a new one either way. */
  write({ address, vnicId, details }: Pick<PrivateIp, 'address' | 'vnicId' | 'details'>): PrivateIp {
    const known = this.#objects.get(address);
    const id = known?.id ?? privateIpId(address, this.#plane.config.region);
    const object = { id, address, vnicId, etag: newEtag(), timeCreated: known?.timeCreated ?? this.#now(), details };
    this.#objects.set(address, object);
    return object;
  }

  /** Deleting and making again gives another object: what points at the OCID breaks. */
  forget(address: string): void {
    this.#objects.delete(address);
  }

  vnic(id: string): Vnic | undefined {
    return this.#vnics.get(id);
  }

  writeVnic(id: string, details: VnicDetails): void {
    this.#vnics.set(id, { etag: newEtag(), details });
  }

  /** Somebody writes the object without a change: only its etag is another. */
  touch(id: string): void {
    const object = this.find(id);
    if (object !== undefined) this.write(object);
    const vnic = this.#vnics.get(id);
    if (vnic !== undefined) this.writeVnic(id, vnic.details);
  }

  renderPrivateIp(object: PrivateIp): Readonly<Record<string, unknown>> {
    const { config, space } = this.#plane;
    return {
      id: object.id,
      ipAddress: object.address,
      vnicId: object.vnicId,
      subnetId: config.subnet.id,
      isPrimary: space.nics.get(object.vnicId)?.primary === object.address,
      isReserved: object.details.lifetime === 'RESERVED',
      ipState: 'ASSIGNED',
      availabilityDomain: availabilityDomainOf(config),
      compartmentId: config.scope,
      timeCreated: object.timeCreated,
      ...object.details,
    };
  }

  renderVnic(nic: Nic): Readonly<Record<string, unknown>> {
    const { config } = this.#plane;
    return {
      id: nic.id,
      availabilityDomain: availabilityDomainOf(config),
      compartmentId: config.scope,
      isPrimary: true,
      lifecycleState: 'AVAILABLE',
      macAddress: nic.mac,
      nsgIds: [],
      privateIp: nic.primary,
      ...(nic.publicIp === undefined ? {} : { publicIp: nic.publicIp }),
      skipSourceDestCheck: nic.forwarding,
      subnetId: config.subnet.id,
      timeCreated: this.#began,
      ...this.#vnics.get(nic.id)?.details,
    };
  }
}

export function defaultDetails(address: string): PrivateIpDetails {
  const displayName = `privateip-${address.replaceAll('.', '-')}`;
  return { displayName, freeformTags: {}, definedTags: {}, lifetime: 'EPHEMERAL' };
}

function newEtag(): string {
  return randomUUID().slice(0, 8);
}

function privateIpId(address: string, region: string): string {
  const unique = createHash('sha256').update(`${address} ${randomUUID()}`).digest('hex').slice(0, 56);
  return `ocid1.privateip.oc1.${region}.aaaa${unique}`;
}
