/** The ports of the dataplane. */
import type { HostAddress, Result } from '@routerd/resources';
import type { HostOp, ObservedHost } from './host-op.ts';

export interface HostFault {
  readonly code: 'host.refused' | 'host.not-found' | 'host.timed-out' | 'host.unsupported' | 'host.failed';
  readonly detail: string;
  readonly retry: 'now' | 'later' | 'never';
}

export interface Residual {
  readonly op: HostOp;
  readonly fault: HostFault;
}

/** One object that the kernel says it added, changed or removed. */
export interface KernelChange {
  /** As `slotOfRoute`, `slotOfAddress` and `slotOfSysctl` name it: what there can be only one of. */
  readonly slot: string;
  /** What is in the slot now, as `textOfRoute` writes it (`foreign` for what is not ours), or a setting's value; undefined: removed. */
  readonly value: string | undefined;
}

export type HostEvent =
  /** Something that `observe` reports may have changed; `change` says what, where the kernel told. */
  | {
      readonly kind: 'changed';
      readonly what: 'link' | 'route' | 'address' | 'sysctl' | 'nftables';
      readonly change?: KernelChange;
    }
  /** A neighbour was seen on the wire (ARP); one of the sources of the LAN observer. */
  | {
      readonly kind: 'neighbor';
      readonly interface: string;
      readonly address: HostAddress;
      /** Undefined when the kernel gave up on it. */
      readonly mac: string | undefined;
      readonly reachable: boolean;
    };

export interface Host {
  /** Why this host can be looked at and not changed; absent where it can be changed. */
  readonly unsupported?: string;
  /**
   * Reads everything that `diffHost` compares, in few commands. A reading that failed in part is a fault: unknown removes nothing.
   * @param sysctls paths that are read besides those that `lower` derives; `watch` reports their changes from then on, where it can
   */
  observe(sysctls?: readonly (readonly string[])[]): Promise<Result<ObservedHost, HostFault>>;
  /**
   * Applies in the order given, tries every op once, but for captures that could not be delivered (`Undelivered`), batches neighbours of one kind. Every op is idempotent: adding what is there and
   * removing what is absent succeed. @returns what did not land
   */
  apply(ops: readonly HostOp[]): Promise<readonly Residual[]>;
  /**
   * Kernel events until stopped. Restarts its source by itself; after each start of the source, the first one too, it reports a
   * changed link, because what happened before is unknown.
   */
  watch(listener: (event: HostEvent) => void): { stop(): Promise<void> };
}

/** What we installed and what was there before. Written before the change, so that a crash in between leaves no orphan. */
export interface OwnershipLedger {
  entries(): readonly OwnedObject[];
  /** Keeps an entry that exists: the first value seen is the one to restore. */
  record(objects: readonly OwnedObject[]): void;
  forget(keys: readonly string[]): void;
}

export interface OwnedObject {
  /** `<kind>:<identity>`, e.g. `sysctl:net/ipv4/ip_forward`, `address:lo/10.255.0.1/32`. */
  readonly key: string;
  /** The value that we replaced, to be restored once; undefined where nothing was there. */
  readonly priorValue: string | undefined;
}
