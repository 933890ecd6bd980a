/** The operations of the core services API (`/20160918`) on VNICs and private IPs. */
import { z } from 'zod';
import { addressesOf, assign, freeAddresses, setForwarding, unassign, type Nic } from '../address-space.ts';
import type { ControlPlane } from '../control-plane.ts';
import { jsonOf, type WireReply } from '../wire.ts';
import { addressFault, faultReply, NO_ETAG_MATCH, NOT_FOUND, ociFault, ociReply } from './oci-reply.ts';
import { defaultDetails, type PrivateIp, type PrivateIpDetails, type PrivateIpStore } from './private-ips.ts';

const PAGE_SIZE = 100;

const tags = {
  freeformTags: z.record(z.string(), z.string()).optional(),
  definedTags: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
};
const createDetails = z.strictObject({
  vnicId: z.string(),
  ipAddress: z.string().optional(),
  displayName: z.string().optional(),
  hostnameLabel: z.string().optional(),
  lifetime: z.enum(['EPHEMERAL', 'RESERVED']).optional(),
  ...tags,
});
const updateDetails = createDetails.omit({ ipAddress: true }).partial();
const vnicDetails = z.strictObject({
  displayName: z.string().optional(),
  skipSourceDestCheck: z.boolean().optional(),
  ...tags,
});

export interface CoreRequest {
  readonly body: string;
  readonly query: URLSearchParams;
  readonly ifMatch: string | undefined;
}

/** Every mutation first takes its time, then checks and changes in one step that nothing comes in between. */
export class CoreOperations {
  readonly #plane: ControlPlane;
  readonly #store: PrivateIpStore;

  constructor(plane: ControlPlane, store: PrivateIpStore) {
    this.#plane = plane;
    this.#store = store;
  }

  getVnic(id: string): WireReply {
    const nic = this.#plane.space.nics.get(id);
    return nic === undefined ? faultReply(NOT_FOUND) : this.#vnicReply(nic);
  }

  getSubnet(id: string): WireReply {
    const { config } = this.#plane;
    if (id !== config.subnet.id) return faultReply(NOT_FOUND);
    return ociReply(200, {
      id,
      cidrBlock: config.subnet.cidr,
      virtualRouterIp: config.subnet.gateway,
      compartmentId: config.scope,
      lifecycleState: 'AVAILABLE',
    });
  }

  async updateVnic(id: string, { body, ifMatch }: CoreRequest): Promise<WireReply> {
    const parsed = vnicDetails.safeParse(jsonOf(body));
    if (!parsed.success) return invalid(parsed.error);
    await this.#plane.pause(this.#plane.mutationMs);
    const nic = this.#writableNic(id);
    const vnic = this.#store.vnic(id);
    if (nic === undefined || vnic === undefined) return faultReply(NOT_FOUND);
    if (ifMatch !== undefined && ifMatch !== vnic.etag) return faultReply(NO_ETAG_MATCH);
    const { skipSourceDestCheck = nic.forwarding, displayName, freeformTags, definedTags } = parsed.data;
    const changed = this.#plane.changeNow((space) => setForwarding(space, id, skipSourceDestCheck));
    if (!changed.ok) return faultReply(addressFault(changed.error));
    const before = vnic.details;
    this.#store.writeVnic(id, {
      displayName: displayName ?? before.displayName,
      freeformTags: freeformTags ?? before.freeformTags,
      definedTags: definedTags ?? before.definedTags,
    });
    return this.#vnicReply(changed.value.nics.get(id) ?? nic);
  }

  getPrivateIp(id: string): WireReply {
    const object = this.#store.find(id);
    return object === undefined ? faultReply(NOT_FOUND) : this.#privateIpReply(object);
  }

  /** Items carry no etag: who wants to write conditionally has to get the object. */
  listPrivateIps({ query }: CoreRequest): WireReply {
    const [vnicId, subnetId, ipAddress] = ['vnicId', 'subnetId', 'ipAddress'].map((name) => query.get(name));
    if (typeof vnicId !== 'string' && typeof subnetId !== 'string') {
      return faultReply(ociFault(400, 'InvalidParameter', 'Either vnicId or subnetId is needed.'));
    }
    const { config, seen } = this.#plane;
    if (typeof subnetId === 'string' && subnetId !== config.subnet.id) return faultReply(NOT_FOUND);
    if (typeof vnicId === 'string' && !seen.nics.has(vnicId)) return faultReply(NOT_FOUND);
    const limit = Number(query.get('limit') ?? PAGE_SIZE);
    const start = Number(query.get('page') ?? 0);
    if (!Number.isInteger(limit) || limit < 1 || limit > 1000 || !Number.isInteger(start)) {
      return faultReply(ociFault(400, 'InvalidParameter', 'limit or page is invalid.'));
    }
    const found = this.#store
      .all(seen)
      .filter((each) => typeof vnicId !== 'string' || each.vnicId === vnicId)
      .filter((each) => typeof ipAddress !== 'string' || each.address === ipAddress);
    const end = start + limit;
    return ociReply(
      200,
      found.slice(start, end).map((each) => this.#store.renderPrivateIp(each)),
      { 'opc-next-page': end < found.length ? `${end}` : undefined },
    );
  }

  async createPrivateIp({ body }: CoreRequest): Promise<WireReply> {
    const parsed = createDetails.safeParse(jsonOf(body));
    if (!parsed.success) return invalid(parsed.error);
    const { vnicId, ipAddress, ...details } = parsed.data;
    await this.#plane.pause(this.#plane.mutationMs);
    const nic = this.#writableNic(vnicId);
    if (nic === undefined) return faultReply(NOT_FOUND);
    const address = ipAddress ?? freeAddresses(this.#plane.space)[0];
    if (address === undefined) return faultReply(ociFault(400, 'LimitExceeded', 'The subnet has no free address.'));
    if (addressesOf(nic).includes(address)) {
      return faultReply(addressFault({ code: 'address.held-elsewhere', address, holder: nic }));
    }
    const changed = this.#plane.changeNow((space) =>
      assign(space, {
        nicId: vnicId,
        addresses: [address],
        mayTake: () => false,
        settled: true,
        addressesMax: this.#plane.knobs.addressesPerNicMax,
      }),
    );
    if (!changed.ok) return faultReply(addressFault(changed.error));
    this.#store.forget(address);
    const object = this.#store.write({ address, vnicId, details: merged(defaultDetails(address), details) });
    return this.#privateIpReply(object);
  }

  async updatePrivateIp(id: string, { body, ifMatch }: CoreRequest): Promise<WireReply> {
    const parsed = updateDetails.safeParse(jsonOf(body));
    if (!parsed.success) return invalid(parsed.error);
    const { vnicId, ...details } = parsed.data;
    await this.#plane.pause(this.#plane.mutationMs);
    const object = this.#writable(id);
    const target = object === undefined ? undefined : this.#writableNic(vnicId ?? object.vnicId);
    if (object === undefined || target === undefined) return faultReply(NOT_FOUND);
    if (ifMatch !== undefined && ifMatch !== object.etag) return faultReply(NO_ETAG_MATCH);
    if (target.id !== object.vnicId) {
      if (this.#isPrimary(object)) {
        return faultReply(ociFault(400, 'InvalidParameter', 'A primary private IP cannot be moved to another VNIC.'));
      }
      const moved = this.#plane.changeNow((space) =>
        assign(space, {
          nicId: target.id,
          addresses: [object.address],
          mayTake: () => true,
          settled: true,
          addressesMax: this.#plane.knobs.addressesPerNicMax,
        }),
      );
      if (!moved.ok) return faultReply(addressFault(moved.error));
    }
    const { address } = object;
    const written = { address, vnicId: target.id, details: merged(object.details, details) };
    return this.#privateIpReply(this.#store.write(written));
  }

  async deletePrivateIp(id: string, { ifMatch }: CoreRequest): Promise<WireReply> {
    await this.#plane.pause(this.#plane.mutationMs);
    const object = this.#writable(id);
    if (object === undefined) return faultReply(NOT_FOUND);
    if (ifMatch !== undefined && ifMatch !== object.etag) return faultReply(NO_ETAG_MATCH);
    if (this.#isPrimary(object)) {
      return faultReply(ociFault(400, 'InvalidParameter', 'A primary private IP cannot be deleted.'));
    }
    const changed = this.#plane.changeNow((space) => unassign(space, object.vnicId, [object.address]));
    if (!changed.ok) return faultReply(addressFault(changed.error));
    return ociReply(204, undefined);
  }

  /** Of those that the caller may change. */
  #writableNic(id: string): Nic | undefined {
    const nic = this.#plane.space.nics.get(id);
    return nic?.permissions === 'router' ? nic : undefined;
  }

  /** The VNIC that an address is taken from has to be the caller's to change, too. */
  #writable(id: string): PrivateIp | undefined {
    const object = this.#store.find(id);
    return object !== undefined && this.#writableNic(object.vnicId) !== undefined ? object : undefined;
  }

  #isPrimary({ vnicId, address }: PrivateIp): boolean {
    return this.#plane.space.nics.get(vnicId)?.primary === address;
  }

  #vnicReply(nic: Nic): WireReply {
    return ociReply(200, this.#store.renderVnic(nic), { etag: this.#store.vnic(nic.id)?.etag });
  }

  #privateIpReply(object: PrivateIp): WireReply {
    return ociReply(200, this.#store.renderPrivateIp(object), { etag: object.etag });
  }
}

function invalid(error: z.ZodError): WireReply {
  return faultReply(ociFault(400, 'InvalidParameter', z.prettifyError(error)));
}

/** What is not given stays as it was. */
function merged(before: PrivateIpDetails, given: Partial<z.output<typeof updateDetails>>): PrivateIpDetails {
  return {
    displayName: given.displayName ?? before.displayName,
    hostnameLabel: given.hostnameLabel ?? before.hostnameLabel,
    freeformTags: given.freeformTags ?? before.freeformTags,
    definedTags: given.definedTags ?? before.definedTags,
    lifetime: given.lifetime ?? before.lifetime,
  };
}
