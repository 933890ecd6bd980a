/** What a plugin author writes: two functions, and what they get and give. */
import type { ErrorClass, Provider, Verb } from './protocol.ts';

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

export interface CallContext {
  readonly mode: 'observe' | 'dry-run' | 'execute';
  /**
   * The only way to a mutating call. Refuses, without calling, in every mode but `execute` and when the process that asked has gone away:
   * what nobody waits for must not change anything.
   * @param what completes the sentence "refused to …"
   */
  mutate<T>(what: string, call: () => Promise<T>): Promise<T>;
  /** A line of diagnostics on standard error. Never a secret. */
  note(text: string): void;
}

export interface ExecutorPlugin {
  /** Idempotent. Throws {@link ExecutorError} where nothing can be said per address. */
  execute(call: ExecuteCall, context: CallContext): Promise<ExecuteReport>;
  /** Reads one NIC. */
  observe(nic: NicTarget, context: CallContext): Promise<NicState>;
}
