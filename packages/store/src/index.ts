export { openStore, type Store } from './open-store.ts';
export type { LeaseStore, MetaStore, ObjectStatus, ObjectStore } from './state-tables.ts';
export { StoreError, STORE_FAULT_CODES, type StoreFault, type StoreFaultCode } from './store-fault.ts';
