export { runStoreContract, type RunStoreRig } from './contract/run-store-contract.ts';
