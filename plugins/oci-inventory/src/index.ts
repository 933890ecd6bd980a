export { createOciInventory, type ObserverOptions, type Reads } from './observer.ts';
export { liesWithin } from './prefix.ts';
export { presenceByVnic, presenceOf, type Presence, type PowerPolicy } from './power-state.ts';
export { settingsOf, type InventorySettings } from './settings.ts';
export { takeInventory, type SubnetView } from './take-inventory.ts';
