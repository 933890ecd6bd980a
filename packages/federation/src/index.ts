export { FACT_TYPES } from './ports.ts';
export type {
  AcceptedFact,
  AppendOutcome,
  CaptureRegistry,
  Delivery,
  Fact,
  FactBus,
  FactDraft,
  FactRow,
  FactFault,
  FactStore,
  FactType,
  Federation,
  FederationStatus,
  HighWaterStore,
  MemberView,
  OrderOutcome,
  OrderRegistry,
  OrderStore,
  PeerReport,
} from './ports.ts';
export type {
  FederationConfig,
  FederationPorts,
  GroupMembership,
  HubConfig,
  PoolMembership,
  RandomBytes,
} from './federation-config.ts';
export type { GroupClock } from './group-clock.ts';
export { REFUSAL_REASONS } from './refusals.ts';
export {
  matchesEvent,
  type EventBus,
  type EventDraft,
  type EventFault,
  type EventFilter,
  type EventId,
  type EventRetention,
  type EventRow,
  type EventStore,
  type GroupEvent,
} from './event.ts';
export {
  captureStream,
  eventsStream,
  factsStream,
  parseGroupName,
  type GroupName,
  type GroupNameFault,
} from './subjects.ts';
export {
  generateNodeIdentity,
  signerOf,
  verifierOf,
  type IdentityFault,
  type NodeIdentity,
  type Signer,
} from './node-identity.ts';
export { encodeToken, parseToken, type Enrolment, type TokenFault } from './enrolment/enrolment-token.ts';
export { clusterOf, SERIAL_ANNOTATION, type ClusterPart, type PeerKeys } from './enrolment/group-documents.ts';
export { readRoster, signRoster, type Roster, type RosterFault } from './enrolment/roster.ts';
export type { ReceivedRoster } from './roster-reader.ts';
export type { HubRemovalFault, HubSurvey } from './enrolment/hub-removal.ts';
export { surveyHubs, type HubSurveyOptions } from './adapters/nats/hub-survey.ts';
export { publishRoster, type PublishRosterOptions } from './adapters/nats/publish-roster.ts';
export {
  addNode,
  finishRotation,
  groupRoster,
  initGroup,
  removeNode,
  rotateNode,
  type GroupRoster,
  type HubReach,
  type Removal,
  type RemoveOptions,
} from './adapters/file/group-material.ts';
export { peersFile, type HubAddress, type MaterialFault } from './adapters/file/group-record.ts';
export { joinGroup, updatePeers, type Joined, type JoinFault } from './adapters/file/join-group.ts';
export { readSeedFile, type SeedFileFault } from './adapters/file/seed-file.ts';
export { createFederation, type FederationOptions } from './adapters/nats/create-federation.ts';
export { renderHubConfig, type HubCluster, type HubConfigOptions } from './adapters/nats/hub-config.ts';
export { provisionGroup, type ProvisionedGroup, type ProvisionGroupOptions } from './adapters/nats/provision-group.ts';
export {
  ManagedHub,
  type HubSettings,
  type HubState,
  type HubTimes,
  type ManagedHubOptions,
} from './adapters/nats-server/managed-hub.ts';
export { provisionUntilDone, type KeepProvisionedOptions } from './adapters/nats-server/keep-provisioned.ts';
export {
  aloneSettings,
  growthPhase,
  HubGrowth,
  moveStoreAside,
  type GrowthPhase,
  type HubGrowthOptions,
} from './adapters/nats-server/hub-growth.ts';
export { watchCopies, type CopyWatchOptions } from './adapters/nats-server/copy-watch.ts';
export { watchDepartures, type DepartureWatchOptions } from './adapters/nats-server/departure-watch.ts';
export { closedToNodes, isJoining, letNodesIn, type HubJoiningOptions } from './adapters/nats-server/hub-joining.ts';
export type { HubFault } from './adapters/nats/connect-hub.ts';
export {
  createMemoryNetwork,
  type MemoryNetwork,
  type MemoryNetworkOptions,
  type MemoryNodePorts,
} from './adapters/memory/memory-network.ts';
export {
  MemoryEventStore,
  MemoryFactStore,
  MemoryHighWaterStore,
  MemoryOrderStore,
} from './adapters/memory/memory-stores.ts';
export { WIRE_BYTES_MAX } from './wire/bounded-json.ts';
export type { SignedFact } from './wire/fact-text.ts';
export { encodeFact, parseFact } from './wire/fact-wire.ts';
