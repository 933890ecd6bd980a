export { createOciInventory, type ObserverOptions, type Reads } from './observer.ts';
export { OCI_WORDS, presenceByVnic } from './power-state.ts';
export { settingsOf, type InventorySettings } from './settings.ts';
export { takeInventory, type SubnetView } from './take-inventory.ts';
