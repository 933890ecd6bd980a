export { aboutEntry } from './about-entry.ts';
export { createGcpInventory, type ObserverOptions, type Reads } from './observer.ts';
export { settingsOf, type InventorySettings } from './settings.ts';
