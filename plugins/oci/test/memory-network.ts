/** OCI's virtual network in memory: address objects under etags, one per address. */
import type { CallContext, ExecuteCall, RequestedAddress } from '@routerd/plugin-sdk';
import type { PrivateIp, Tags, VirtualNetwork, Vnic } from '../src/index.ts';

export class OciFault extends Error {
  readonly statusCode: number;
  readonly serviceCode: string;
  readonly opcRequestId = 'req-1';

  constructor(statusCode: number, serviceCode: string, message = 'm') {
    super(message);
    this.statusCode = statusCode;
    this.serviceCode = serviceCode;
  }
}

const VNICS = ['vnic-a', 'vnic-b', 'vnic-vm'];

export class MemoryNetwork implements VirtualNetwork {
  readonly #objects = new Map<string, { readonly privateIp: PrivateIp; readonly etag: string }>();
  readonly #skipping = new Set<string>();
  #counter = 0;
  /** Mutating requests, as they came. */
  readonly journal: string[] = [];
  readonly retryTokens: string[] = [];
  /** Called before each write; may throw, or change something behind the writer's back. */
  beforeWrite: (() => void) | undefined;
  faultAfter: Error | undefined;
  /** How many lookups still find nothing. */
  blindLookups = 0;

  constructor() {
    this.put('10.77.60.4', 'vnic-a', {}, true);
    this.put('10.77.60.5', 'vnic-b', {}, true);
    this.put('10.77.60.11', 'vnic-vm', {}, true);
  }

  put(address: string, vnicId: string | undefined, freeformTags: Tags = {}, isPrimary = false): string {
    this.#counter += 1;
    const known = this.#byAddress(address);
    const id = known?.id ?? `privateip-${this.#counter}`;
    this.#objects.set(id, {
      privateIp: { id, address, vnicId, isPrimary, freeformTags },
      etag: `etag-${this.#counter}`,
    });
    return id;
  }

  holderOf(address: string): string | undefined {
    return this.#byAddress(address)?.vnicId;
  }

  tagsOf(address: string): Tags | undefined {
    return this.#byAddress(address)?.freeformTags;
  }

  async readVnic(id: string): Promise<Vnic | undefined> {
    if (!VNICS.includes(id)) return undefined;
    return {
      id,
      compartmentId: 'compartment',
      subnetId: 'subnet',
      skipSourceDestCheck: this.#skipping.has(id),
      etag: 'etag-vnic',
    };
  }

  async listOfVnic(vnicId: string): Promise<readonly PrivateIp[]> {
    return [...this.#objects.values()].map(({ privateIp }) => privateIp).filter((one) => one.vnicId === vnicId);
  }

  async listOfSubnet(): Promise<readonly PrivateIp[]> {
    return [...this.#objects.values()].map(({ privateIp }) => privateIp);
  }

  async readSubnetPrefix(): Promise<string> {
    return '10.77.60.0/24';
  }

  async findByAddress(_subnetId: string, address: string): Promise<PrivateIp | undefined> {
    if (this.blindLookups > 0) {
      this.blindLookups -= 1;
      return undefined;
    }
    return this.#byAddress(address);
  }

  async readPrivateIp(id: string): Promise<{ readonly privateIp: PrivateIp; readonly etag: string } | undefined> {
    return this.#objects.get(id);
  }

  async create(order: Parameters<VirtualNetwork['create']>[0]): Promise<void> {
    this.retryTokens.push(order.retryToken);
    await this.#write(`create ${order.address} on ${order.vnicId}`, () => {
      if (this.#byAddress(order.address) !== undefined) throw new OciFault(409, 'Conflict', 'address in use');
      this.put(order.address, order.vnicId, order.freeformTags);
    });
  }

  async update(id: string, etag: string, change: Parameters<VirtualNetwork['update']>[2]): Promise<void> {
    await this.#write(`update ${id} ${change.vnicId ?? 'tags only'}`, () => {
      const current = this.#current(id, etag);
      this.put(current.address, change.vnicId ?? current.vnicId, change.freeformTags);
    });
  }

  async remove(id: string, etag: string): Promise<void> {
    await this.#write(`remove ${id}`, () => {
      this.#current(id, etag);
      this.#objects.delete(id);
    });
  }

  async setSkipSourceDestCheck(vnicId: string, _etag: string, value: boolean): Promise<void> {
    await this.#write(`skip ${String(value)} ${vnicId}`, () => {
      if (value) this.#skipping.add(vnicId);
      else this.#skipping.delete(vnicId);
    });
  }

  #byAddress(address: string): PrivateIp | undefined {
    return [...this.#objects.values()].find(({ privateIp }) => privateIp.address === address)?.privateIp;
  }

  #current(id: string, etag: string): PrivateIp {
    const current = this.#objects.get(id);
    if (current === undefined) throw new OciFault(404, 'NotAuthorizedOrNotFound');
    if (current.etag !== etag) throw new OciFault(412, 'NoEtagMatch');
    return current.privateIp;
  }

  async #write(entry: string, apply: () => void): Promise<void> {
    this.beforeWrite?.();
    this.journal.push(entry);
    apply();
    const after = this.faultAfter;
    this.faultAfter = undefined;
    if (after !== undefined) throw after;
  }
}

export function requested(bare: string, epoch = 7, seizeFrom?: string): RequestedAddress {
  const address = `${bare}/32`;
  const captureKey = `pool|${address}|provider:oci:placement:g`;
  return { address, captureKey, captureEpoch: epoch, ...(seizeFrom === undefined ? {} : { seizeFrom }) };
}

export function callFor(
  action: ExecuteCall['action'],
  addresses: readonly RequestedAddress[],
  more: Partial<ExecuteCall> = {},
): ExecuteCall {
  const target = { 'nicOf.router-b': 'vnic-b', 'nicOf.router-c': 'vnic-c' };
  const nic = { provider: 'oci', providerRef: 'oci', nicRef: 'vnic-a', target } as const;
  return { action, nic, addresses, mode: 'execute', attempt: 'a1', ...more };
}

export const executing: CallContext = {
  mode: 'execute',
  mutate: async (_, call) => call(),
  note: () => undefined,
  spent: () => undefined,
};

export const dryRun: CallContext = {
  mode: 'dry-run',
  mutate: async (what) => {
    throw new Error(`refused to ${what}`);
  },
  note: () => undefined,
  spent: () => undefined,
};
