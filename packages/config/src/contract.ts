export { partStoreContract, type PartStoreRig } from './contract/part-store-contract.ts';
