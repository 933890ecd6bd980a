/** Everything that the checks look at. Values only: gathered by the daemon, written by hand in tests. */
import type { ActionRow } from '@routerd/actions';
import type { PartVerdict } from '@routerd/config';
import type { ClaimLowering, HealthVerdict, MssClamp, ObservedHost, PathStatus, VrrpFault } from '@routerd/dataplane';
import type { FederationStatus, PeerReport } from '@routerd/federation';
import type { AddressLease, CaptureEpoch, CapturePhase } from '@routerd/mobility';
import type { PluginRun } from '@routerd/observers';
import type { HostAddress, Instant, Resource } from '@routerd/resources';
import type { NftChain } from './nft-verdict.ts';
import type { RoleOf } from '../vrrp-gates.ts';

/** A reading of the host; what could not be read is not taken for absent. */
export type Reading<Value> =
  | { readonly kind: 'read'; readonly value: Value }
  | { readonly kind: 'unreadable'; readonly detail: string };

export interface HostFacts {
  readonly observed: ObservedHost;
  /** Devices of routes to exactly that address, whoever made them, in the main table. */
  readonly routes: ReadonlyMap<HostAddress, readonly string[]>;
  /** Where a packet would go; absent: nowhere. `local`: to this host itself. */
  readonly ways: ReadonlyMap<HostAddress, { readonly device: string; readonly local: boolean }>;
  /** Policy of the forward chain in `inet routerd_filter`; undefined without such a table or chain. */
  readonly forwardPolicy: Reading<string | undefined>;
  /** `iptables -S`, chain INPUT and chain FORWARD. */
  readonly iptables: Reading<readonly string[]>;
  /** Chains of nftables in tables that are not ours. */
  readonly nftChains: Reading<readonly NftChain[]>;
  /** MACs of other machines that answer ARP for the address on its capture interface. */
  readonly responders: ReadonlyMap<HostAddress, Reading<readonly string[]>>;
}

export interface ActionFact extends Pick<ActionRow, 'id' | 'status' | 'message' | 'proposal'> {
  /** Of the registry's record now; undefined when there is none. */
  readonly currentEpoch: CaptureEpoch | undefined;
}

/** What the registry says that this node captures. */
export interface HoldingFact {
  readonly pool: string;
  readonly address: HostAddress;
  readonly phase: CapturePhase;
  /** On this node's NIC, or answered for by its kernel; undefined when that is not known. */
  readonly isCaptured: boolean | undefined;
}

export interface PluginFact {
  readonly name: string;
  readonly executable: string;
  /** What stands there; undefined when nobody looked. */
  readonly file: 'executable' | 'not-executable' | 'not-a-file' | 'missing' | undefined;
  /** It only executes actions, when undefined. */
  readonly observing: { readonly lastRun: Pick<PluginRun, 'result' | 'message' | 'endedAt'> | undefined } | undefined;
}

export interface DoctorFacts {
  readonly now: Instant;
  readonly effective: readonly Resource[];
  /** What was set aside of it, and why. */
  readonly problems: readonly { readonly subject: string; readonly reason: string }[];
  readonly claims: readonly ClaimLowering[];
  readonly mssClamps: readonly MssClamp[];
  readonly roleOf: RoleOf;
  readonly vrrpFault: VrrpFault | undefined;
  /** By name of the OverlayPeer. */
  readonly pathOf: (peer: string) => PathStatus;
  /** By name of the HealthCheck. */
  readonly healthOf: (healthCheck: string) => HealthVerdict;
  /** Undefined when nobody looked at the host; a reading that failed says so. */
  readonly host: Reading<HostFacts> | undefined;
  readonly leases: readonly AddressLease[];
  readonly federation: (FederationStatus & { readonly peers: readonly PeerReport[] }) | undefined;
  readonly parts: readonly PartVerdict[];
  /** Names of DynamicOverridePolicies of which no rule suppresses anything now. */
  readonly idlePolicies: readonly string[];
  readonly plugins: readonly PluginFact[];
  readonly actions: readonly ActionFact[];
  readonly holdings: readonly HoldingFact[];
}
