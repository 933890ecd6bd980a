/** The values that go into and come out of the planner. Everything is readonly; nothing here knows time, chance or I/O. */
import type {
  ACTION_VERBS,
  HostAddress,
  Instant,
  Ipv4Prefix,
  NodeName,
  PoolName,
  PROVIDERS,
  ResourceOf,
  SiteName,
} from '@routerd/resources';
import type {
  CaptureDomain,
  CaptureEpoch,
  CaptureKey,
  CapturePhase,
  CaptureRecord,
  CaptureTransition,
} from './capture-record.ts';
import type { StaticDuty } from './hand-over.ts';
import type { AddressOrder, Order } from './operator-order.ts';

export type Provider = (typeof PROVIDERS)[number];
export type ActionVerb = (typeof ACTION_VERBS)[number];

/** The last accepted fact of one source about one address. Built by `sightingOf` in the shell from a verified fact. */
export interface Sighting {
  readonly address: HostAddress;
  readonly source: NodeName;
  readonly site: SiteName;
  /** `expired`: the source says positively that the address is gone. */
  readonly kind: 'observed' | 'expired';
  readonly sequence: number;
  /** When the source saw it, by the source's clock. */
  readonly observedAt: Instant;
  /** Start of the uninterrupted run of `observed` facts that this one continues, as this receiver accepted it (receiver's clock). */
  readonly firstAcceptedAt: Instant;
  /** When this receiver accepted the latest fact (receiver's clock); TTL runs from here. */
  readonly acceptedAt: Instant;
  readonly expiresAt: Instant;
  readonly eventId: string;
}

/** What this node knows of another member's life. `unheard`: never heard since our start; neither alive nor dead. */
export type Liveness = 'alive' | 'suspect' | 'dead' | 'unheard';

export interface MemberState {
  readonly node: NodeName;
  readonly liveness: Liveness;
  /** An operator's order, from the pool or from the registry. */
  readonly draining: boolean;
}

/** Three-valued: what a NIC was last seen to carry. `unknown` never releases anything. */
export type NicObservation =
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'known';
      readonly addresses: ReadonlySet<HostAddress>;
      readonly forwarding: boolean;
      readonly observedAt: Instant;
    };

/**
 * `holding`: nobody asserts it at present, and it stays for a while. `conflict`: another site asserts it too. `stale`: its node cannot be
 * heard. `frozen`: it stays where it is until released, whoever asserts what.
 */
export const LEASE_STATUSES = ['active', 'holding', 'conflict', 'stale', 'frozen', 'expired'] as const;
export type LeaseStatus = (typeof LEASE_STATUSES)[number];

/** Belief that a site owns an address. */
export interface AddressLease {
  readonly pool: PoolName;
  readonly address: HostAddress;
  readonly status: LeaseStatus;
  readonly site: SiteName;
  /** The node whose facts carry the lease. */
  readonly ownerNode: NodeName;
  readonly role: 'onprem' | 'cloud';
  /** Lease epoch: grows by one when the owning site changes. Not a capture epoch. */
  readonly leaseEpoch: number;
  /** Since when the site owns the address; of an expired lease, since when it does not. */
  readonly since: Instant;
  readonly expiresAt: Instant | undefined;
  /** Set while the owner's node lives, is heard and no longer asserts: since when this node has seen that. The hold runs from here. */
  readonly lapsingSince?: Instant;
  /** When the address last moved from site to site, oldest first; only as many as freezing needs. */
  readonly moves?: readonly Instant[];
  /** Why the lease does not follow its facts. */
  readonly frozen?: Freeze;
  /** The member that the pool hands the address to; it asserts it once its own site captures it no more. */
  readonly handingTo?: NodeName;
  readonly challenger:
    | { readonly site: SiteName; readonly node: NodeName; readonly firstAcceptedAt: Instant }
    | undefined;
}

export interface Freeze {
  readonly by: 'moves' | 'operator';
  readonly since: Instant;
  /** The version of the order that stood when it froze, 0 when none: a later release ends it. */
  readonly orderVersion: number;
}

/** Why something was derived. Closed: `explain` renders each member, so adding one breaks the build there. */
export type Reason =
  | {
      readonly rule: 'lease.observed';
      readonly source: NodeName;
      readonly site: SiteName;
      readonly observedAt: Instant;
    }
  | { readonly rule: 'lease.static'; readonly node: NodeName }
  | { readonly rule: 'lease.incumbent-kept'; readonly site: SiteName; readonly over: SiteName }
  | { readonly rule: 'lease.holding'; readonly from: SiteName; readonly to: SiteName; readonly until: Instant }
  | { readonly rule: 'lease.conflict'; readonly incumbent: SiteName; readonly challenger: SiteName }
  | { readonly rule: 'lease.stale-owner'; readonly node: NodeName }
  /** Its lease is over: nobody waits for it any more. */
  | { readonly rule: 'lease.silent-owner'; readonly node: NodeName }
  | { readonly rule: 'lease.expired-fact'; readonly source: NodeName }
  | { readonly rule: 'lease.ttl-passed'; readonly node: NodeName; readonly expiresAt: Instant }
  | { readonly rule: 'lease.lapsing'; readonly node: NodeName; readonly until: Instant }
  | { readonly rule: 'lease.frozen'; readonly site: SiteName; readonly moves: number; readonly since: Instant }
  | { readonly rule: 'lease.frozen-by-order'; readonly site: SiteName; readonly who: string; readonly why: string }
  | { readonly rule: 'lease.released-by-order'; readonly who: string; readonly why: string }
  | { readonly rule: 'lease.handed-by-order'; readonly to: SiteName; readonly who: string; readonly why: string }
  | { readonly rule: 'lease.hand-over-waits'; readonly to: SiteName; readonly who: string }
  | { readonly rule: 'lease.handing-over'; readonly from: SiteName; readonly to: NodeName }
  | { readonly rule: 'lease.never-seen' }
  | { readonly rule: 'lease.excluded'; readonly by: Ipv4Prefix }
  | { readonly rule: 'fact.refused-holder'; readonly source: NodeName; readonly captureKey: CaptureKey }
  | { readonly rule: 'claim.own-site'; readonly site: SiteName }
  | { readonly rule: 'claim.handed-here'; readonly from: SiteName; readonly to: NodeName }
  | { readonly rule: 'claim.derived'; readonly owner: SiteName; readonly via: NodeName; readonly peer: string }
  | { readonly rule: 'claim.no-delivery'; readonly owner: SiteName; readonly detail: string }
  | {
      readonly rule: 'placement.preferred';
      readonly node: NodeName;
      readonly priority: number;
      readonly losers: readonly PlacementLoser[];
    }
  | { readonly rule: 'placement.incumbent'; readonly node: NodeName; readonly losers: readonly PlacementLoser[] }
  | { readonly rule: 'placement.none-eligible'; readonly losers: readonly PlacementLoser[] }
  | { readonly rule: 'placement.no-room'; readonly losers: readonly PlacementLoser[] }
  | { readonly rule: 'capture.gate-closed'; readonly role: VrrpRole }
  | { readonly rule: 'capture.waiting-ready'; readonly waitingFor: readonly string[] }
  | { readonly rule: 'capture.claiming'; readonly epoch: CaptureEpoch; readonly from: NodeName | undefined }
  | { readonly rule: 'capture.acquiring'; readonly epoch: CaptureEpoch }
  | { readonly rule: 'capture.held'; readonly epoch: CaptureEpoch }
  | { readonly rule: 'capture.standby'; readonly holder: NodeName | undefined; readonly epoch: CaptureEpoch }
  | { readonly rule: 'capture.drift'; readonly detail: string }
  | { readonly rule: 'capture.held-by-stranger'; readonly asked: readonly NodeName[] }
  | { readonly rule: 'capture.ready-to-deliver'; readonly epoch: CaptureEpoch }
  | { readonly rule: 'capture.overlap'; readonly unread: readonly NodeName[] }
  | { readonly rule: 'capture.left-behind'; readonly detail: string }
  | { readonly rule: 'capture.releasing'; readonly detail: string };

/** Why a router is given nothing, or what it lost to. `full`: its NIC carries as many addresses as it may. */
export const PLACEMENT_LOSSES = [
  'dead',
  'suspect',
  'unheard',
  'draining',
  'not-vrrp-master',
  'full',
  'lower-priority',
  'not-incumbent',
  'rendezvous',
] as const;
export type PlacementLoss = (typeof PLACEMENT_LOSSES)[number];

export interface PlacementLoser {
  readonly node: NodeName;
  readonly because: PlacementLoss;
}

/** A provider mutation for one address. The engine batches what goes to one NIC. */
export interface ActionProposal {
  /** `mobility:<pool>:<provider>:<nicRef>:<verb>:<address>:epoch:<N>`, the address without `/32`; forwarding verbs omit it. */
  readonly idempotencyKey: string;
  readonly pool: PoolName;
  readonly provider: Provider;
  readonly providerRef: string;
  readonly nicRef: string;
  readonly verb: ActionVerb;
  /** For forwarding verbs the address that made it necessary (its key carries the fence). */
  readonly address: HostAddress;
  readonly captureKey: CaptureKey;
  readonly captureDomain: CaptureDomain;
  readonly captureEpoch: CaptureEpoch;
  readonly captureHolder: NodeName;
  /** Set on an assign that takes the address from `from`: allow-reassignment, and the only holder it may be taken from. */
  readonly seize: { readonly from: NodeName } | undefined;
  /** Provider-specific keys: the profile's region, ids, and `capture.target`. */
  readonly target: Readonly<Record<string, string>>;
  readonly riskLevel: 'low' | 'medium' | 'high';
  readonly because: readonly Reason[];
}

/** One node's view of a pool, lowered from effective-config once per change of config. */
export interface PoolContext {
  readonly pool: ResourceOf<'MobilityPool'>;
  readonly name: PoolName;
  readonly prefix: Ipv4Prefix;
  readonly self: NodeName;
  /** Undefined when self is not a member: leases are derived, claims are not. */
  readonly selfMember: PoolMember | undefined;
  readonly members: ReadonlyMap<NodeName, PoolMember>;
  /** OverlayPeer to use towards each remote node, by `nodeID`. */
  readonly peerByNode: ReadonlyMap<
    NodeName,
    { readonly peerRef: string; readonly tunnelInterface: string | undefined }
  >;
  readonly profiles: ReadonlyMap<string, ResourceOf<'CloudProviderProfile'>>;
}

export interface PoolMember {
  readonly node: NodeName;
  readonly site: SiteName;
  readonly role: 'onprem' | 'cloud';
  readonly domain: CaptureDomain;
  readonly priority: number;
  /** How many captured addresses its NIC may carry; undefined where there is no bound. */
  readonly capacity: number | undefined;
  readonly spec: ResourceOf<'MobilityPool'>['spec']['members'][number];
}

/** What is shared by all addresses of a pool at one moment. */
export interface PoolSituation {
  readonly now: Instant;
  readonly members: ReadonlyMap<NodeName, MemberState>;
  /** The bounded wait for members that were never heard is over: from now on `unheard` means absent. Never goes back to false. */
  readonly membersWaited: boolean;
  /** What must still be read before anything may be captured or released; empty when ready. */
  readonly waitingFor: readonly string[];
  /** Registry reachable: without it no transition is wished for and no action proposed. */
  readonly registryConnected: boolean;
  readonly nic: NicObservation;
  /** Addresses that the kernel of this node really captures now (proxy neighbours); undefined until read. */
  readonly hostCaptures: ReadonlySet<HostAddress> | undefined;
  /** Addresses of the pool that the registry says this node captures, and how far each is. */
  readonly heldBySelf: ReadonlyMap<HostAddress, CapturePhase>;
  /** How many addresses of other pools the registry gives to the same NIC of this node; 0 unless told. */
  readonly heldForOtherPools?: number;
  /**
   * How many addresses live at this node's own site, in all pools that share its NIC: what it may be asked to deliver, for which its
   * NIC forwards even when it captures nothing. Unknown unless told; then forwarding is left as it is.
   */
  readonly ownedHere?: number;
  /** How many addresses the registry gives to the NIC of each router, over all pools; 0 for those that are not in it. */
  readonly load?: ReadonlyMap<NodeName, number>;
  /**
   * How many addresses packets come to each router for: what it has verified, and what its successor has not verified yet. Taken to be
   * the load unless told.
   */
  readonly carried?: ReadonlyMap<NodeName, number>;
  /**
   * Members that may not have read what this node has read, because they are silent or still reading: what they send may go by an earlier
   * state of the registry. Nobody unless told.
   */
  readonly unread?: ReadonlySet<NodeName>;
  /** Of the virtual address that this node's captures are gated by. Unread is unknown, and both capture nothing. */
  readonly vrrp?: VrrpRole;
}

/** As keepalived and the kernel tell it. `unknown` is also what a dead keepalived leaves behind. */
export type VrrpRole = 'master' | 'backup' | 'unknown';

/** What is known of one address. */
export interface AddressInput {
  readonly address: HostAddress;
  readonly sightings: readonly Sighting[];
  readonly previousLease: AddressLease | undefined;
  /** Registry records of this address, by capture domain. */
  readonly records: ReadonlyMap<CaptureDomain, CaptureRecord>;
  /** Highest epoch this node has ever seen per capture domain, from its own disk. */
  readonly highWater: ReadonlyMap<CaptureDomain, CaptureEpoch>;
  /** By capture domain, the last record this node saw before the registry lost it, with a higher epoch than what stands now. */
  readonly lost?: ReadonlyMap<CaptureDomain, CaptureRecord>;
  /** Assigns of this node that the provider refused because another NIC holds the address, in any order. */
  readonly refusals?: readonly SeizeRefusal[];
  /** What an operator, or a node that froze it, last ordered about the address. */
  readonly order?: AddressOrder | undefined;
  /** This node's claim as it was last planned: given again as it is while it says the same, so that whoever follows knows it for unchanged. */
  readonly claimBefore?: AddressPlan['claim'];
}

/** What a provider answered to an assign of one epoch: another NIC holds the address, and not the one of `from`. */
export interface SeizeRefusal {
  readonly epoch: CaptureEpoch;
  /** The node that the assign would have taken the address from; undefined when it named none. */
  readonly from: NodeName | undefined;
}

/** Which router of a capture domain should capture, and why not the others. */
export interface Placement {
  readonly node: NodeName | undefined;
  readonly because: Reason;
  readonly losers: readonly PlacementLoser[];
}

/** Everything that follows for one address on this node. Equal inputs give equal outputs. */
export interface AddressPlan {
  readonly address: HostAddress;
  readonly lease: AddressLease | undefined;
  /** The duty of this node: delivery always, capture while the registry names it. Undefined at the owner's own site. */
  readonly claim: ResourceOf<'RemoteAddressClaim'> | undefined;
  /** Whether `capture-holder` gates of this claim are open. */
  readonly captureOpen: boolean;
  /** An order that this node asks everybody to follow, because it froze the address; repeated until that order stands. */
  readonly orderWish: Order | undefined;
  /** What this node has to say about the address because the pool declares so; undefined where it declares nothing to it. */
  readonly staticDuty: StaticDuty | undefined;
  /** Who should capture at this node's site; undefined where nobody should. */
  readonly placement: Placement | undefined;
  readonly transition: CaptureTransition | undefined;
  readonly actions: readonly ActionProposal[];
  readonly because: readonly Reason[];
  /** When time alone could change this plan; undefined when only news can. */
  readonly lookAgainAt: Instant | undefined;
}
