/**
 * A small cloud in memory behind the executor port: the twin of the vendors' executors for tests and simulation.
 *
 * 1. An address is on one NIC at a time; assigning what another NIC holds fails with `held-elsewhere` unless the request seizes it from that NIC.
 * 2. Repeating what took effect succeeds. A dry run changes nothing.
 * 3. Faults are taken from a queue, one per call; a lost response changes the cloud and answers `unknown-outcome`.
 */
import { err, ok, type HostAddress, type Monotonic, type Result } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';
import type {
  ExecuteOutcome,
  ExecuteRequest,
  ExecutorFault,
  NicState,
  NicTarget,
  ProviderExecutor,
} from '../../ports.ts';

export type InjectedFault =
  /** Answers so, and nothing has changed. */
  | { readonly kind: 'refused'; readonly fault: ExecutorFault }
  /** Takes effect, but the answer never comes. */
  | { readonly kind: 'lost-response' }
  /** Never answers until cancelled; nothing has changed. */
  | { readonly kind: 'hang' };

export interface MemoryNic {
  readonly nicRef: string;
  /** The node that the NIC belongs to; a request may name either to seize from. */
  readonly node?: string;
  readonly addresses?: readonly HostAddress[];
  readonly forwarding?: boolean;
  /** How many secondary addresses the NIC may have; no limit unless told. */
  readonly capacity?: number;
}

export type MemoryCall =
  | { readonly kind: 'execute'; readonly request: ExecuteRequest }
  | { readonly kind: 'observe'; readonly nic: NicTarget };

export interface MemoryExecutor extends ProviderExecutor {
  addNic(nic: MemoryNic): void;
  /** Puts an address on a NIC, or on none, behind everybody's back. */
  place(address: HostAddress, nicRef: string | undefined): void;
  setForwarding(nicRef: string, forwarding: boolean): void;
  holderOf(address: HostAddress): string | undefined;
  forwarding(nicRef: string): boolean;
  /** Every call, in order, dry runs and refused ones included. */
  readonly calls: readonly MemoryCall[];
  /** Each change that a request made, in order. */
  readonly mutations: readonly {
    readonly verb: ExecuteRequest['verb'];
    readonly address: HostAddress;
    readonly captureKey: string;
    readonly captureEpoch: number;
    readonly attempt: string;
  }[];
  /** The next calls get these, one each. */
  inject(...faults: readonly InjectedFault[]): void;
  /** Every call takes this long by the clock. */
  setLatency(milliseconds: number): void;
  /** So many read-backs still show the state before the last change. */
  delayReads(count: number): void;
}

interface Nic {
  readonly node: string | undefined;
  readonly capacity: number;
  forwarding: boolean;
}

type ItemResult = ExecuteOutcome['results'][number];

export function createMemoryExecutor(clock: Pick<Clock, 'monotonic' | 'sleepUntil'>): MemoryExecutor {
  return new MemoryCloud(clock);
}

class MemoryCloud implements MemoryExecutor {
  readonly calls: MemoryCall[] = [];
  readonly mutations: MemoryExecutor['mutations'][number][] = [];
  readonly #clock: Pick<Clock, 'monotonic' | 'sleepUntil'>;
  readonly #nics = new Map<string, Nic>();
  readonly #places = new Map<HostAddress, string>();
  readonly #faults: InjectedFault[] = [];
  readonly #shown = new Map<string, NicState>();
  #latencyMs = 0;
  #delayedReads = 0;

  constructor(clock: Pick<Clock, 'monotonic' | 'sleepUntil'>) {
    this.#clock = clock;
  }

  addNic({ nicRef, node, addresses = [], forwarding = false, capacity = Infinity }: MemoryNic): void {
    this.#nics.set(nicRef, { node, forwarding, capacity });
    for (const address of addresses) this.#places.set(address, nicRef);
  }

  place(address: HostAddress, nicRef: string | undefined): void {
    if (nicRef === undefined) this.#places.delete(address);
    else this.#places.set(address, nicRef);
  }

  setForwarding(nicRef: string, forwarding: boolean): void {
    const nic = this.#nics.get(nicRef);
    if (nic !== undefined) nic.forwarding = forwarding;
  }

  holderOf(address: HostAddress): string | undefined {
    return this.#places.get(address);
  }

  forwarding(nicRef: string): boolean {
    return this.#nics.get(nicRef)?.forwarding ?? false;
  }

  inject(...faults: readonly InjectedFault[]): void {
    this.#faults.push(...faults);
  }

  setLatency(milliseconds: number): void {
    this.#latencyMs = milliseconds;
  }

  delayReads(count: number): void {
    for (const nicRef of this.#nics.keys()) this.#shown.set(nicRef, this.#read(nicRef));
    this.#delayedReads = count;
  }

  async execute(request: ExecuteRequest, signal: AbortSignal): Promise<Result<ExecuteOutcome, ExecutorFault>> {
    this.calls.push({ kind: 'execute', request });
    const fault = this.#faults.shift();
    const early = await this.#delay(fault, signal);
    if (early !== undefined) return err(early);
    const nic = this.#nics.get(request.nic.nicRef);
    if (nic === undefined) return err(noSuchNic(request.nic));
    const observed = { priorForwarding: String(nic.forwarding) };
    const results = request.addresses.map((item): ItemResult => this.#executeOne(request, nic, item));
    if (fault?.kind === 'lost-response')
      return err({
        code: 'executor.failed',
        errorClass: 'unknown-outcome',
        detail: 'the connection broke after the request',
      });
    return ok({ results, observed, nic: this.#show(request.nic.nicRef) });
  }

  async observe(nic: NicTarget, signal: AbortSignal): Promise<Result<NicState, ExecutorFault>> {
    this.calls.push({ kind: 'observe', nic });
    const fault = this.#faults.shift();
    const early = await this.#delay(fault, signal);
    if (early !== undefined) return err(early);
    if (fault?.kind === 'lost-response')
      return err({ code: 'executor.failed', errorClass: 'transport', detail: 'no answer' });
    return this.#nics.has(nic.nicRef) ? ok(this.#show(nic.nicRef)) : err(noSuchNic(nic));
  }

  async #delay(fault: InjectedFault | undefined, signal: AbortSignal): Promise<ExecutorFault | undefined> {
    if (this.#latencyMs > 0)
      await this.#clock.sleepUntil((this.#clock.monotonic() + this.#latencyMs) as Monotonic, signal);
    if (fault?.kind === 'hang' && !signal.aborted)
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    if (signal.aborted) return { code: 'executor.cancelled', errorClass: 'unknown-outcome', detail: 'cancelled' };
    return fault?.kind === 'refused' ? fault.fault : undefined;
  }

  #executeOne(request: ExecuteRequest, nic: Nic, item: ExecuteRequest['addresses'][number]): ItemResult {
    const { verb, mode } = request;
    const { nicRef } = request.nic;
    const { address, captureKey, captureEpoch, seizeFrom } = item;
    const done = (message: string, change?: () => void): ItemResult => {
      if (change !== undefined && mode === 'execute') {
        change();
        this.mutations.push({ verb, address, captureKey, captureEpoch, attempt: request.attempt });
      }
      return {
        address,
        status: 'succeeded',
        message: mode === 'dry-run' ? `would be: ${message}` : message,
        errorClass: undefined,
      };
    };
    const holder = this.#places.get(address);
    switch (verb) {
      case 'assign-secondary-ip': {
        if (holder === nicRef) return done('assigned already');
        if (holder !== undefined && !this.#isNamedBy(holder, seizeFrom))
          return {
            address,
            status: 'failed',
            message: `${address} is held by ${holder}`,
            errorClass: 'held-elsewhere',
          };
        if (this.#read(nicRef).addresses.length >= nic.capacity)
          return { address, status: 'failed', message: `${nicRef} has no room`, errorClass: 'limit' };
        return done('assigned', () => this.#places.set(address, nicRef));
      }
      case 'unassign-secondary-ip':
        return holder === nicRef ? done('unassigned', () => this.#places.delete(address)) : done('not assigned');
      case 'ensure-forwarding-enabled':
      case 'ensure-forwarding-disabled': {
        const wanted = verb === 'ensure-forwarding-enabled';
        return nic.forwarding === wanted ? done('set already') : done('set', () => (nic.forwarding = wanted));
      }
    }
  }

  /** A NIC that belongs to no node can be named by itself only. */
  #isNamedBy(nicRef: string, seizeFrom: string | undefined): boolean {
    return seizeFrom !== undefined && (seizeFrom === nicRef || seizeFrom === this.#nics.get(nicRef)?.node);
  }

  #read(nicRef: string): NicState {
    const addresses = [...this.#places].filter(([, holder]) => holder === nicRef).map(([address]) => address);
    return { addresses: addresses.toSorted(), forwarding: this.forwarding(nicRef) };
  }

  #show(nicRef: string): NicState {
    const before = this.#shown.get(nicRef);
    if (before === undefined || this.#delayedReads === 0) return this.#read(nicRef);
    this.#delayedReads -= 1;
    return before;
  }
}

function noSuchNic(nic: NicTarget): ExecutorFault {
  return { code: 'executor.failed', errorClass: 'not-found', detail: `there is no NIC ${nic.nicRef}` };
}
