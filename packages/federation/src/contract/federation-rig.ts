/** What the contract of federation needs of a network under test. Only tests use it. */
import type { CaptureRecord, CaptureTransition } from '@routerd/mobility';
import { captureKeyOf, type CaptureDomain, type CaptureEpoch, type Revision } from '@routerd/mobility';
import {
  durationMs,
  type HostAddress,
  type Ipv4Prefix,
  type NodeName,
  type PoolName,
  type SiteName,
} from '@routerd/resources';
import type { RecordingLog } from '@routerd/runtime';
import type { EventStore } from '../event.ts';
import type { FederationConfig, PoolMembership } from '../federation-config.ts';
import { generateNodeIdentity, type NodeIdentity } from '../node-identity.ts';
import type { FactDraft, FactStore, Federation, HighWaterStore, OrderStore } from '../ports.ts';
import type { GroupName } from '../subjects.ts';
import type { OutgoingMessage } from '../transport.ts';

/** One node with what would be on its disk. */
export interface RigNode {
  readonly name: NodeName;
  readonly federation: Federation;
  readonly factStore: FactStore;
  readonly highWaterStore: HighWaterStore;
  readonly eventStore: EventStore;
  readonly orderStore: OrderStore;
  readonly log: RecordingLog;
  /** What `isCapturedHere` answers. */
  readonly captured: Map<HostAddress, string>;
}

export type RigDisk = Pick<RigNode, 'factStore' | 'highWaterStore'> &
  Partial<Pick<RigNode, 'eventStore' | 'orderStore'>>;

export interface FederationRig {
  /** Key pairs of all nodes of {@link RIG_SITES}; the network knows them. */
  readonly identities: ReadonlyMap<NodeName, NodeIdentity>;
  /** Builds a node without starting it. With `disk` it takes over another's stores: a restart. */
  node(name: NodeName, disk?: RigDisk): RigNode;
  /** Breaks a node's connection and refuses new ones until `heal`. */
  cut(name: NodeName): void;
  heal(name: NodeName): void;
  /** The hub stands still, connections stay. */
  stall(): void;
  resume(): void;
  /** Publishes as one whose key the network takes for `name`'s; what the hub would refuse by itself never arrives. */
  publishAs(name: NodeName, log: 'facts' | 'captures' | 'events', message: OutgoingMessage): Promise<void>;
  /** Resolves when the condition holds; time passes meanwhile. Rejects, naming `what`, when it takes too long. */
  until(condition: () => boolean, what: string): Promise<void>;
  /** Stops every node and takes the network down. */
  close(): Promise<void>;
}

const nodeName = (text: string): NodeName => text as NodeName;
export const ONPREM_A = nodeName('onprem-a');
export const ONPREM_B = nodeName('onprem-b');
export const AWS_A = nodeName('aws-a');
export const AWS_B = nodeName('aws-b');
export const OCI_A = nodeName('oci-a');

const siteName = (text: string): SiteName => text as SiteName;
export const RIG_SITES: ReadonlyMap<NodeName, SiteName> = new Map([
  [ONPREM_A, siteName('onprem')],
  [ONPREM_B, siteName('onprem')],
  [AWS_A, siteName('aws')],
  [AWS_B, siteName('aws')],
  [OCI_A, siteName('oci')],
]);
export const RIG_GROUP = 'rig' as GroupName;
export const RIG_POOL = 'cloudedge' as PoolName;
export const RIG_PREFIX = '10.77.60.0/24' as Ipv4Prefix;

export function rigIdentities(): ReadonlyMap<NodeName, NodeIdentity> {
  return new Map([...RIG_SITES.keys()].map((node) => [node, generateNodeIdentity()]));
}

/** Short times, so that real networks are tried quickly; long against what a busy machine adds. */
export function rigConfig(self: NodeName, identities: ReadonlyMap<NodeName, NodeIdentity>): FederationConfig {
  const membership: PoolMembership = { prefix: RIG_PREFIX, sites: RIG_SITES };
  return {
    group: RIG_GROUP,
    self,
    seed: identities.get(self)?.seed ?? '',
    peers: new Map([...identities].filter(([node]) => node !== self).map(([node, { publicKey }]) => [node, publicKey])),
    heartbeatInterval: durationMs(100),
    deadAfter: durationMs(800),
    replayWindow: durationMs(300_000),
    pools: new Map([[RIG_POOL, membership]]),
    appendDeadline: durationMs(1500),
  };
}

export const address = (last: number): HostAddress => `10.77.60.${last}/32` as HostAddress;

export function observed(of: HostAddress, node: NodeName): FactDraft {
  return {
    type: 'routerd.client.ipv4.observed',
    address: of,
    pool: RIG_POOL,
    site: RIG_SITES.get(node) ?? siteName('nowhere'),
    ttl: durationMs(300_000),
    origin: 'contract',
  };
}

export function expired(of: HostAddress, node: NodeName): FactDraft {
  return { ...observed(of, node), type: 'routerd.client.ipv4.expired' };
}

const DOMAIN = 'provider:aws:placement:edge' as CaptureDomain;

/** A wish for the next record: the holder writes `acquiring` unless told. */
export function transition(
  of: HostAddress,
  holder: NodeName,
  current: CaptureRecord | undefined,
  changes: Partial<CaptureTransition> = {},
): CaptureTransition {
  const isSame = current?.holder === holder;
  return {
    key: captureKeyOf(RIG_POOL, of, DOMAIN),
    pool: RIG_POOL,
    address: of,
    domain: DOMAIN,
    basedOn: (current?.revision ?? 0) as Revision,
    epoch: (isSame ? current.epoch : (current?.epoch ?? 0) + 1) as CaptureEpoch,
    holder,
    phase: isSame ? 'confirmed' : 'acquiring',
    previous: isSame ? current.previous : current?.holder,
    reason: 'contract',
    ...changes,
  };
}

export const keyOf = (of: HostAddress): CaptureTransition['key'] => captureKeyOf(RIG_POOL, of, DOMAIN);
