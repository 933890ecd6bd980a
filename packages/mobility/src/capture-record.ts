/** What the capture registry says about one (pool, address, capture domain). Wire form, fold and fence build on these types. */
import type { Brand, HostAddress, Instant, NodeName, PoolName } from '@routerd/resources';

/** Fencing token per capture key; grows by one whenever the holder changes. First is 1; 0 means "never held". */
export type CaptureEpoch = Brand<number, 'CaptureEpoch'>;
/** Counts the records of one capture key in the registry; first is 1. Never compared with an epoch. */
export type Revision = Brand<number, 'Revision'>;
/**
 * Where one router at most may capture an address: `provider:<ref>:placement:<group>`, `provider:<ref>:node:<node>`
 * or `site:<site>:segment:<interface>`.
 */
export type CaptureDomain = Brand<string, 'CaptureDomain'>;
/** `<pool>|<address>|<captureDomain>`. */
export type CaptureKey = Brand<string, 'CaptureKey'>;
/** Unique per attempted write, so that a writer whose acknowledgement was lost can look for it. */
export type ClaimId = Brand<string, 'ClaimId'>;

export const CAPTURE_PHASES = ['acquiring', 'confirmed', 'held', 'releasing', 'vacant'] as const;
export type CapturePhase = (typeof CAPTURE_PHASES)[number];

/**
 * One immutable transition of a capture key.
 * 1. `holder` is undefined exactly when `phase` is `vacant`.
 * 2. A record follows the one with `revision - 1` that its writer had seen; of several with one revision the first in the log wins.
 */
export interface CaptureRecord {
  readonly key: CaptureKey;
  readonly pool: PoolName;
  readonly address: HostAddress;
  readonly domain: CaptureDomain;
  readonly revision: Revision;
  readonly epoch: CaptureEpoch;
  readonly holder: NodeName | undefined;
  readonly phase: CapturePhase;
  /** Who held before this tenure began; the node that a seize takes the address from. */
  readonly previous: NodeName | undefined;
  /** The node that wrote the record; proven by the subject it was published on. */
  readonly writer: NodeName;
  readonly claim: ClaimId;
  /** When this tenure began, by its writer's clock; for people, never compared. */
  readonly since: Instant;
  readonly reason: string;
}

/** A write that the planner wants: what the next record of `key` should say. Revision and claim id are added by the registry. */
export interface CaptureTransition {
  readonly key: CaptureKey;
  readonly pool: PoolName;
  readonly address: HostAddress;
  readonly domain: CaptureDomain;
  /** The revision that this transition was decided on; 0 when there was none. It loses if another record came first. */
  readonly basedOn: Revision;
  readonly epoch: CaptureEpoch;
  readonly holder: NodeName | undefined;
  readonly phase: CapturePhase;
  readonly previous: NodeName | undefined;
  readonly reason: string;
}

export function captureKeyOf(pool: PoolName, address: HostAddress, domain: CaptureDomain): CaptureKey {
  return `${pool}|${address}|${domain}` as CaptureKey;
}
