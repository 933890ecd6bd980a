/** The ports of the dataplane. */
import type { HostAddress } from '@routerd/resources';
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

export type HostEvent =
  /** Something that `observe` reports may have changed. */
  | { readonly kind: 'changed'; readonly what: 'link' | 'route' | 'address' | 'neighbor' }
  /** A neighbour was seen on the wire (ARP); the raw material of the LAN observer. */
  | {
      readonly kind: 'neighbor';
      readonly interface: string;
      readonly address: HostAddress;
      readonly mac: string;
      readonly reachable: boolean;
    };

export interface Host {
  /** Reads everything that `diff` compares, in few commands. */
  observe(): Promise<ObservedHost>;
  /** Applies in the order given, tries every op once, batches neighbours of one kind. @returns what did not land */
  apply(ops: readonly HostOp[]): Promise<readonly Residual[]>;
  /** Kernel events until stopped; restarts its source by itself and then reports everything as changed. */
  watch(listener: (event: HostEvent) => void): { stop(): Promise<void> };
}

/** What we installed and what was there before. Written before the change, so that a crash in between leaves no orphan. */
export interface OwnershipLedger {
  entries(): readonly OwnedObject[];
  record(objects: readonly OwnedObject[]): void;
  forget(keys: readonly string[]): void;
}

export interface OwnedObject {
  /** `<kind>:<identity>`, e.g. `sysctl:net/ipv4/ip_forward`, `proxy-neighbor:lan0/10.77.60.11/32`. */
  readonly key: string;
  /** The value that we replaced, to be restored once; undefined where nothing was there. */
  readonly priorValue: string | undefined;
}
