/** What a plugin author writes: two functions, and what they get and give. */
import type { CallMeter } from './call-meter.ts';
import type { CheckResult, ErrorClass, InventoryResult, PreflightResult, Provider, Usage, Verb } from './protocol.ts';

/** The NIC that a request is about. */
export interface NicTarget {
  readonly provider: Provider;
  readonly providerRef: string;
  /** The provider's id of the NIC: `eni-…`, an ARM id, a VNIC OCID. */
  readonly nicRef: string;
  /** Provider-specific keys, `region` for example. */
  readonly target: Readonly<Record<string, string>>;
}

export interface RequestedAddress {
  /** `10.77.60.10/32`; see {@link bareAddress}. */
  readonly address: string;
  /** `<pool>|<address>|<captureDomain>`. */
  readonly captureKey: string;
  /** Fencing token of the capture; only grows. Where a provider can store it with the address, the plugin stores and compares it. */
  readonly captureEpoch: number;
  /** Only with this the address may be taken from another NIC. Names the node that the planner believes to hold it. */
  readonly seizeFrom?: string | undefined;
}

/** One request: one verb for all addresses of one NIC. */
export interface ExecuteCall {
  readonly action: Verb;
  readonly nic: NicTarget;
  /** At least one. For the forwarding verbs the addresses that made it necessary. */
  readonly addresses: readonly RequestedAddress[];
  readonly mode: 'dry-run' | 'execute';
  /** Unique per attempt, the same in the caller's journal. */
  readonly attempt: string;
}

export interface AddressResult {
  readonly address: string;
  readonly status: 'succeeded' | 'failed' | 'skipped';
  readonly message: string;
  /** With `failed` only. */
  readonly errorClass?: ErrorClass | undefined;
  /** With `failed` only: which condition of the class, see `ERRORS`. */
  readonly errorNumber?: number | undefined;
}

export interface NicState {
  /** Secondary addresses, `/32`, without the NIC's primary. */
  readonly addresses: readonly string[];
  /** The provider lets the NIC forward what is not addressed to it. */
  readonly forwarding: boolean;
}

export interface ExecuteReport {
  /** One per address of the call. */
  readonly results: readonly AddressResult[];
  /** Prior values and provider ids. Never secrets. */
  readonly observed: Readonly<Record<string, string>>;
  /** Read back at the end; undefined where that failed. */
  readonly nic: NicState | undefined;
}

type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T;
type Completed<Message extends { readonly status: { readonly status: string } }> = DeepReadonly<
  Omit<Extract<Message['status'], { readonly status: 'completed' }>, 'status'>
>;
/** One page of what is where in the subnet, and how much more fits. */
export type InventoryPage = Completed<InventoryResult>;
/** What is in effect, address by address. */
export type CheckReport = Completed<CheckResult>;
/** What the machine's identity may do. */
export type PreflightReport = Completed<PreflightResult>;

export interface CallContext {
  /** Everything but `execute` must not change anything. */
  readonly mode: 'observe' | 'dry-run' | 'execute';
  /**
   * The only way to a mutating call. Refuses, without calling, in every mode but `execute` and when the process that asked has gone away:
   * what nobody waits for must not change anything.
   * @param what completes the sentence "refused to …"
   */
  mutate<T>(what: string, call: () => Promise<T>): Promise<T>;
  /** A line of diagnostics on standard error. Never a secret. */
  note(text: string): void;
  /**
   * What a call to the provider cost and what its rate headers said: `reads` add up, of the others the last word stands.
   * `writes` are counted by {@link mutate}. The caller's budget for the account lives on it.
   */
  spent(usage: Omit<Usage, 'writes'>): void;
}

export interface ExecutorPlugin {
  /** What the answer to `DescribeRequest` says of it, beside the methods that it has. */
  readonly about?: {
    readonly name: string;
    readonly release: string;
    readonly providers: readonly Provider[];
    /** The provider keeps the epoch with the address, so an older request is refused there. */
    readonly storesEpoch: boolean;
  };
  /** On which its clients count what they send: every answer then says what it cost. */
  readonly meter?: CallMeter;
  /** Idempotent. Throws {@link ExecutorError} where nothing can be said per address. */
  execute(call: ExecuteCall, context: CallContext): Promise<ExecuteReport>;
  /** Reads one NIC. */
  observe(nic: NicTarget, context: CallContext): Promise<NicState>;
  /**
   * What is where in the NIC's subnet, with limits and capacity.
   * @param page `nextPage` of the page before; undefined for the first
   */
  inventory?(nic: NicTarget, page: string | undefined, context: CallContext): Promise<InventoryPage>;
  /** Whether addresses are in effect at the NIC. One result for each, in their order. */
  check?(nic: NicTarget, addresses: readonly string[], context: CallContext): Promise<CheckReport>;
  /** Whether the machine's identity may do `actions`, missing permissions by name. */
  preflight?(nic: NicTarget, actions: readonly Verb[], context: CallContext): Promise<PreflightReport>;
}
