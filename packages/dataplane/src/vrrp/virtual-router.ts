/** VirtualAddresses of mode vrrp in terms of VRRP (RFC 5798), and what is known of each. */
import type { HostAddress, Ipv4 } from '@routerd/resources';

/** One virtual router: an address that this host has while it is the master of its group. */
export interface VirtualRouter {
  /** `metadata.name` of the VirtualAddress. */
  readonly name: string;
  readonly interface: string;
  readonly address: HostAddress;
  /** 1 to 255, the same on all routers of the address. */
  readonly virtualRouterId: number;
  /** 1 to 254; the highest becomes master. */
  readonly priority: number;
  /** A better priority takes over from a living master. */
  readonly preempt: boolean;
  /** Whom advertisements are sent to. Sorted by code unit, never empty. */
  readonly peers: readonly Ipv4[];
  /** File of the password that advertisements carry. With it VRRP version 2 is spoken, which alone has passwords; without it 3. */
  readonly passwordFile: string | undefined;
}

/** `unknown`: nobody said yet, the link is down, or keepalived has died. Only `master` may answer for anything. */
export type VrrpRole = 'master' | 'backup' | 'unknown';

export interface VrrpFault {
  readonly code: 'vrrp.refused' | 'vrrp.unsupported' | 'vrrp.ended' | 'vrrp.failed';
  readonly detail: string;
}

/**
 * The part of the host that speaks VRRP.
 *
 * 1. A role is `master` only from the moment on at which the election was won until the first sign of its loss.
 * 2. Whoever loses the process that speaks VRRP loses every role with it, before anything else is tried.
 * 3. Nothing is asked at intervals: roles are told as they change.
 */
export interface Vrrp {
  /** Takes the whole set; idempotent. A set that differs from what runs is taken over with an election. */
  setDesired(routers: readonly VirtualRouter[]): void;
  /** By name of the VirtualAddress; `unknown` for what is not in the set. */
  role(name: string): VrrpRole;
  /** What keeps the set from being spoken for; undefined while nothing does. It is tried again by itself. */
  fault(): VrrpFault | undefined;
  /** Called after each change of a role or of the fault. */
  onChange(listener: () => void): () => void;
  /** Listens no more. The election goes on without this process, and the next one takes over the roles as they are. */
  stop(): Promise<void>;
}
