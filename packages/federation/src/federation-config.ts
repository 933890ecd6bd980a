/** What a node's federation is told when it is built. */
import type { DurationMs, HostAddress, Ipv4Prefix, NodeName, PoolName, SiteName } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import type { EventRetention, EventStore } from './event.ts';
import type { signerOf, verifierOf } from './node-identity.ts';
import type { FactStore, HighWaterStore, OrderStore } from './ports.ts';
import type { GroupName } from './subjects.ts';

/** Which addresses a pool may speak of, and for which site each node may speak. */
export interface PoolMembership {
  readonly prefix: Ipv4Prefix;
  readonly sites: ReadonlyMap<NodeName, SiteName>;
  /** Of the whole definition of the pool, hexadecimal; all members should have the same. Not compared where it is not told. */
  readonly digest?: string;
  /** Whether it takes this very node out of service, which its heartbeats tell. */
  readonly drainsSelf?: boolean;
}

export interface FederationConfig {
  readonly group: GroupName;
  readonly self: NodeName;
  /** The node's NKey seed (`SU…`): signs its facts, and is its identity at the hub. Secret. */
  readonly seed: string;
  /** NKey public key (`U…`) of every other node of the group. */
  readonly peers: ReadonlyMap<NodeName, string>;
  /** Second keys of nodes whose key is being replaced: signatures of both count. */
  readonly nextKeys?: ReadonlyMap<NodeName, string>;
  /** NKey public key that the operator signs the list of members with; without it no such list is read. */
  readonly rosterKey?: string;
  readonly heartbeatInterval: DurationMs;
  /** A peer unheard for half of this is suspect, for all of it dead. */
  readonly deadAfter: DurationMs;
  /** A fact dated further in the future is refused. */
  readonly replayWindow: DurationMs;
  readonly pools: ReadonlyMap<PoolName, PoolMembership>;
  /** How many events are kept, and for how long; 100,000 and a day unless told. */
  readonly retention?: EventRetention;
  /** How long `append` waits to see its record in the log; 5 s unless told. */
  readonly appendDeadline?: DurationMs;
}

/** Where the hubs are. */
export interface HubConfig {
  /** `tls://host:port` or `nats://host:port`, tried in random order. */
  readonly servers: readonly string[];
  /** The authority that signed the hubs' certificates; the system's unless told. */
  readonly caFile?: string;
}

/** What may change while a node runs: who else is in the group, and where its hubs are. */
export type GroupMembership = Pick<FederationConfig, 'peers' | 'nextKeys'> & {
  /** As before unless told. */
  readonly servers?: HubConfig['servers'];
};

export interface FederationPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** Bytes for ids; the system's unless told. A simulator gives seeded ones. */
  readonly random?: RandomBytes;
  /** Ed25519 unless told. A simulator of many nodes that start often gives ones that remember what they found. */
  readonly signerOf?: typeof signerOf;
  readonly verifierOf?: typeof verifierOf;
  /** How a message is read: by its parser, unless told. A simulator of many nodes reads the very same bytes once for all of them. */
  readonly readWire?: ReadWire;
  readonly factStore: FactStore;
  readonly highWaterStore: HighWaterStore;
  /** Without it orders that a hub forgot are written again only by a writer that was not restarted since. */
  readonly orderStore?: OrderStore;
  /** Without it this node neither emits nor reads events. */
  readonly eventStore?: EventStore;
  /** Says, in words, why this address may not be claimed as living here: a router of this site captures it, or has it. */
  readonly isCapturedHere: (address: HostAddress) => string | undefined;
}

/** Returns what `parse` says of the bytes; both are never changed, so the answer may be kept. */
export type ReadWire = <T>(data: Uint8Array, parse: (data: Uint8Array) => T) => T;

export const readByParsing: ReadWire = (data, parse) => parse(data);

export type RandomBytes = (count: number) => Uint8Array;
