/** Compute Engine in memory: alias lists under fingerprints, one holder per address, refusals inside the operation. */
import type { CallContext, ExecuteCall, JsonObject, RequestedAddress } from '@routerd/plugin-sdk';
import {
  ComputeError,
  instanceDocumentOf,
  type Compute,
  type ComputeFault,
  type InstanceDocument,
  type NicName,
} from '../src/index.ts';

export const PROJECT = 'projects/p';

export function instanceName(name: string): string {
  return `${PROJECT}/zones/z/instances/${name}`;
}

export function nicRef(name: string): string {
  return `${instanceName(name)}/networkInterfaces/nic0`;
}

export function fault(code: string, httpStatus: number | undefined, message = ''): ComputeFault {
  return { code, message, httpStatus, operation: undefined, retryAfterMs: undefined };
}

export function requested(bare: string, seizeFrom?: string): RequestedAddress {
  const address = `${bare}/32`;
  const captureKey = `pool|${address}|provider:gcp:placement:g`;
  return { address, captureKey, captureEpoch: 7, ...(seizeFrom === undefined ? {} : { seizeFrom }) };
}

export function callFor(
  action: ExecuteCall['action'],
  addresses: readonly RequestedAddress[],
  more: Partial<ExecuteCall> = {},
): ExecuteCall {
  const target = { 'nicOf.router-b': nicRef('b'), 'nicOf.router-c': nicRef('c') };
  const nic = { provider: 'gcp', providerRef: 'gcp', nicRef: nicRef('a'), target } as const;
  return { action, nic, addresses, mode: 'execute', attempt: 'a1', ...more };
}

export const executing: CallContext = {
  mode: 'execute',
  mutate: async (_, call) => call(),
  note: () => undefined,
  spent: () => undefined,
};

interface Stored {
  readonly primary: string;
  readonly ranges: readonly JsonObject[];
  readonly canIpForward: boolean;
  readonly fingerprint: number;
}

export class MemoryCompute implements Compute {
  readonly #instances = new Map<string, Stored>();
  /** Lists that were written, by instance. */
  readonly journal: { readonly name: string; readonly ranges: readonly JsonObject[] }[] = [];
  /** Called before each write; may throw, or change something behind the writer's back. */
  beforeWrite: ((name: string) => void) | undefined;
  /** Thrown by the next write after it took effect. */
  faultAfter: Error | undefined;

  constructor() {
    this.put('a', '10.77.60.14');
    this.put('b', '10.77.60.15');
    this.put('vm', '10.77.60.16');
  }

  put(name: string, primary: string, cidrs: readonly string[] = [], more: JsonObject = {}): void {
    const ranges = cidrs.map((ipCidrRange) => ({ ipCidrRange, ...more }));
    const fingerprint = (this.#instances.get(instanceName(name))?.fingerprint ?? 0) + 1;
    this.#instances.set(instanceName(name), { primary, ranges, canIpForward: false, fingerprint });
  }

  rangesOf(name: string): readonly unknown[] {
    return (this.#instances.get(instanceName(name))?.ranges ?? []).map(({ ipCidrRange }) => ipCidrRange);
  }

  async readInstance(name: string): Promise<InstanceDocument | undefined> {
    const stored = this.#instances.get(name);
    if (stored === undefined) return undefined;
    const { primary, ranges, canIpForward, fingerprint } = stored;
    const nic = {
      name: 'nic0',
      networkIP: primary,
      subnetwork: 'projects/p/regions/r/subnetworks/s',
      fingerprint: `${fingerprint}`,
    };
    return instanceDocumentOf({
      selfLink: `https://www.googleapis.com/compute/v1/${name}`,
      fingerprint: `${fingerprint}`,
      canIpForward,
      propertyOfTheFuture: { kept: true },
      networkInterfaces: [ranges.length === 0 ? nic : { ...nic, aliasIpRanges: ranges }],
    });
  }

  async patchAliases({ instance }: NicName, ranges: readonly JsonObject[], fingerprint: string): Promise<void> {
    const stored = this.#begin(instance, fingerprint);
    for (const { ipCidrRange } of ranges) this.#refuseIfHeld(instance, String(ipCidrRange));
    this.#instances.set(instance, { ...stored, ranges, fingerprint: stored.fingerprint + 1 });
    this.journal.push({ name: instance, ranges });
    this.#answer();
  }

  async updateInstance(name: string, body: JsonObject): Promise<void> {
    const stored = this.#begin(name, String(body['fingerprint']));
    if (body['propertyOfTheFuture'] === undefined) throw new Error('a property was lost');
    const canIpForward = body['canIpForward'] === true;
    this.#instances.set(name, { ...stored, canIpForward, fingerprint: stored.fingerprint + 1 });
    this.journal.push({ name, ranges: stored.ranges });
    this.#answer();
  }

  /** Those that the caller has, wherever it asks. */
  permissions: readonly string[] = [
    'compute.instances.get',
    'compute.instances.update',
    'compute.instances.updateNetworkInterface',
    'compute.subnetworks.use',
  ];

  async testPermissions(_resource: string, permissions: readonly string[]): Promise<readonly string[]> {
    return permissions.filter((each) => this.permissions.includes(each));
  }

  /** Whether operations may be read. */
  hasOperations = true;

  async probeOperations(): Promise<void> {
    if (!this.hasOperations) throw new ComputeError(fault('forbidden', 403, 'Required permission is missing'));
  }

  async listInstances(): Promise<readonly InstanceDocument[]> {
    const all = await Promise.all([...this.#instances.keys()].map(async (name) => this.readInstance(name)));
    return all.flatMap((instance) => instance ?? []);
  }

  #begin(name: string, fingerprint: string): Stored {
    this.beforeWrite?.(name);
    const stored = this.#instances.get(name);
    if (stored === undefined) throw new ComputeError(fault('notFound', 404));
    if (`${stored.fingerprint}` !== fingerprint) throw new ComputeError(fault('conditionNotMet', 412));
    return stored;
  }

  #refuseIfHeld(instance: string, cidr: string): void {
    const bare = cidr.replace('/32', '');
    const holder = [...this.#instances].find(
      ([name, { primary, ranges }]) =>
        name !== instance && (primary === bare || ranges.some(({ ipCidrRange }) => ipCidrRange === cidr)),
    );
    if (holder === undefined) return;
    const message = `IP '${bare}' is already being used by another resource.`;
    throw new ComputeError(fault('IP_IN_USE_BY_ANOTHER_RESOURCE', undefined, message));
  }

  #answer(): void {
    const after = this.faultAfter;
    this.faultAfter = undefined;
    if (after !== undefined) throw after;
  }
}
