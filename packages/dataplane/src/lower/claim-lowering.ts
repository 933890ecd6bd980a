/** What became of the claims, and what was set aside. */
import type { HostAddress } from '@routerd/resources';
import type { HostRoute } from '../host-state.ts';

/** `none`: the claim has no gate and is always open. */
export type GateState = 'none' | 'open' | 'closed';

/** One claim in terms of the host: what `doctor` and `explain` compare with the kernel. */
export interface ClaimLowering {
  /** `metadata.name` of the RemoteAddressClaim. */
  readonly claim: string;
  readonly address: HostAddress;
  readonly captureType: 'proxy-arp' | 'provider-secondary-ip';
  readonly captureInterface: string | undefined;
  readonly tunnelInterface: string;
  readonly gate: GateState;
  /** Undefined only behind a closed `vrrp-master` gate. */
  readonly route: HostRoute | undefined;
  /** Tells the LAN by gratuitous ARP when this host begins to answer. */
  readonly announces: boolean;
  /** True while this host answers ARP for the address. */
  readonly answersArp: boolean;
}

/** A resource that has no effect, and why; it costs only itself. */
export interface LoweringProblem {
  /** `Kind/name`. */
  readonly resource: string;
  readonly reason: string;
}

/** Whether captures may answer now. Anything that is not known to be open is closed. */
export interface CaptureGates {
  isCaptureOpen(captureKey: string): boolean;
  /** For claims written by hand; without it every `vrrp-master` gate is closed. */
  isVrrpMaster?(virtualAddressRef: string): boolean;
  /** By name of the HealthCheck; without it none is. What is not known yet is not unhealthy. */
  isUnhealthy?(healthCheckRef: string): boolean;
}
