export { federationContract } from './contract/federation-contract.ts';
export { eventStoreContract, type EventStoreRig } from './contract/event-store-contract.ts';
export { factStoreContract } from './contract/fact-store-contract.ts';
export { highWaterStoreContract } from './contract/high-water-store-contract.ts';
export {
  RIG_GROUP,
  RIG_SITES,
  rigConfig,
  rigIdentities,
  type FederationRig,
  type RigDisk,
  type RigNode,
} from './contract/federation-rig.ts';
