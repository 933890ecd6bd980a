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
  /** 1 to 254, as it is now: what unhealthy checks cost is taken off. The highest becomes master. */
  readonly priority: number;
  /** A better priority takes over from a living master. */
  readonly preempt: boolean;
  /** Between advertisements, milliseconds; a multiple of 10, with a password of 1000. The same on all routers of the address. */
  readonly advertIntervalMs: number;
  /** Sorted by name. Without its own, whose loss costs the role itself. */
  readonly trackedLinks: readonly TrackedLink[];
  /** Whom advertisements are sent to. Sorted by code unit, never empty. */
  readonly peers: readonly Ipv4[];
  /** File of the password that advertisements carry. With it VRRP version 2 is spoken, which alone has passwords; without it 3. */
  readonly passwordFile: string | undefined;
}

/** What a role belongs to: with any of it changed, it is another election. */
export type Election = Pick<VirtualRouter, 'name' | 'interface' | 'virtualRouterId' | 'passwordFile'> & {
  readonly address: string;
};

export function isSameElection(a: Election, b: Election): boolean {
  return (
    a.name === b.name &&
    a.interface === b.interface &&
    a.address === b.address &&
    a.virtualRouterId === b.virtualRouterId &&
    a.passwordFile === b.passwordFile
  );
}

/** True where each that is in both sets stays as it is, and the others come and go beside it, not in its place. */
export function keepsElections(before: readonly Election[], after: readonly Election[]): boolean {
  return after.every((router) =>
    before.every(
      (known) =>
        isSameElection(known, router) ||
        (known.name !== router.name &&
          (known.interface !== router.interface ||
            (known.address !== router.address && known.virtualRouterId !== router.virtualRouterId))),
    ),
  );
}

/** A link of this host that costs priority while it is down or not there; whoever speaks VRRP watches it. */
export interface TrackedLink {
  readonly interface: string;
  readonly penalty: number;
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
  /**
   * Takes the whole set; idempotent. A router whose interface, address, id and password stay keeps its role whatever else changes; another
   * begins as a backup.
   */
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
