export { aboutEvent } from './about-event.ts';
export { createAzureInventory, type ObserverOptions, type Reads } from './observer.ts';
export { settingsOf, type InventorySettings } from './settings.ts';
