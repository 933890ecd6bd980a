/** EC2 in memory, for the executor's decisions: two routers and a machine in one subnet. */
import type { CallContext, ExecuteCall, RequestedAddress } from '@routerd/plugin-sdk';
import type { Ec2, NetworkInterface, Subnet } from '../src/index.ts';

const SUBNET = 'subnet-1';

export class Ec2Fault extends Error {
  readonly Code: string;
  readonly $metadata: { readonly httpStatusCode: number; readonly requestId: string };

  constructor(code: string, message: string, httpStatusCode = 400) {
    super(message);
    this.name = code;
    this.Code = code;
    this.$metadata = { httpStatusCode, requestId: 'req-1' };
  }
}

export class MemoryEc2 implements Ec2 {
  readonly interfaces = new Map<string, NetworkInterface>();
  /** Mutating requests, as they came. */
  readonly journal: string[] = [];
  /** Thrown by the next mutating request, after it took effect if `isApplied`. */
  nextFault: { readonly error: Error; readonly isApplied: boolean } | undefined;
  /** What `findHolders` says instead of the truth, once. */
  staleHolders: readonly NetworkInterface[] | undefined;

  constructor() {
    this.put('eni-a', '10.77.60.4');
    this.put('eni-b', '10.77.60.5');
    this.put('eni-vm', '10.77.60.11');
  }

  put(id: string, primary: string, secondaries: readonly string[] = []): void {
    this.interfaces.set(id, {
      id,
      subnetId: SUBNET,
      primary,
      secondaries,
      sourceDestCheck: true,
      instanceId: `i-${id}`,
    });
  }

  secondariesOf(id: string): readonly string[] {
    return this.interfaces.get(id)?.secondaries ?? [];
  }

  async readInterface(id: string): Promise<NetworkInterface | undefined> {
    return this.interfaces.get(id);
  }

  async findHolders(subnetId: string, addresses: readonly string[]): Promise<readonly NetworkInterface[]> {
    const stale = this.staleHolders;
    this.staleHolders = undefined;
    if (stale !== undefined) return stale;
    return [...this.interfaces.values()].filter(
      (one) => one.subnetId === subnetId && [one.primary, ...one.secondaries].some((held) => addresses.includes(held)),
    );
  }

  async listSubnet(subnetId: string): Promise<readonly NetworkInterface[]> {
    return [...this.interfaces.values()].filter((one) => one.subnetId === subnetId);
  }

  async readSubnet(): Promise<Subnet> {
    return { cidr: '10.77.60.0/24', addressesFree: 248 };
  }

  async addressesPerInterface(): Promise<number> {
    return 30;
  }

  /** What EC2 answers to the dry run: by default that it would have been done. */
  dryRunAnswer = new Ec2Fault('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412);

  async mayModify(): Promise<void> {
    throw this.dryRunAnswer;
  }

  async assign(id: string, addresses: readonly string[], allowReassignment: boolean): Promise<void> {
    await this.#mutate(`${allowReassignment ? 'reassign' : 'assign'} ${addresses.join(',')} ${id}`, () => {
      for (const address of addresses) {
        const holder = [...this.interfaces.values()].find((one) => [one.primary, ...one.secondaries].includes(address));
        if (holder === undefined || holder.id === id) continue;
        if (holder.primary === address)
          throw new Ec2Fault('InvalidParameterValue', 'only secondary-addresses can move');
        if (!allowReassignment)
          throw new Ec2Fault('InvalidParameterValue', `[${address}] assigned, but move is not allowed.`);
      }
      for (const one of this.interfaces.values()) {
        this.#set(
          one.id,
          one.secondaries.filter((held) => !addresses.includes(held)),
        );
      }
      this.#set(id, [...this.secondariesOf(id), ...addresses]);
    });
  }

  async unassign(id: string, addresses: readonly string[]): Promise<void> {
    await this.#mutate(`unassign ${addresses.join(',')} ${id}`, () => {
      if (!addresses.every((address) => this.secondariesOf(id).includes(address))) {
        throw new Ec2Fault('InvalidParameterValue', 'Some of the addresses are not assigned to interface eni-a');
      }
      this.#set(
        id,
        this.secondariesOf(id).filter((held) => !addresses.includes(held)),
      );
    });
  }

  async setSourceDestCheck(id: string, enabled: boolean): Promise<void> {
    await this.#mutate(`check ${String(enabled)} ${id}`, () => {
      const one = this.interfaces.get(id);
      if (one !== undefined) this.interfaces.set(id, { ...one, sourceDestCheck: enabled });
    });
  }

  #set(id: string, secondaries: readonly string[]): void {
    const one = this.interfaces.get(id);
    if (one !== undefined) this.interfaces.set(id, { ...one, secondaries });
  }

  async #mutate(entry: string, apply: () => void): Promise<void> {
    this.journal.push(entry);
    const fault = this.nextFault;
    this.nextFault = undefined;
    if (fault === undefined || fault.isApplied) apply();
    if (fault !== undefined) throw fault.error;
  }
}

export function requested(bare: string, seizeFrom?: string): RequestedAddress {
  const address = `${bare}/32`;
  const captureKey = `pool|${address}|provider:aws:placement:g`;
  return { address, captureKey, captureEpoch: 7, ...(seizeFrom === undefined ? {} : { seizeFrom }) };
}

export function callFor(
  action: ExecuteCall['action'],
  addresses: readonly RequestedAddress[],
  more: Partial<ExecuteCall> = {},
): ExecuteCall {
  const target = { region: 'eu-west-1', 'nicOf.router-b': 'eni-b', 'nicOf.router-c': 'eni-c' };
  const nic = { provider: 'aws', providerRef: 'aws', nicRef: 'eni-a', target } as const;
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
