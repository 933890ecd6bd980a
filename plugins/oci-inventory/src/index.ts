export { aboutEvent } from './about-event.ts';
export { createOciInventory, type ObserverOptions, type Reads } from './observer.ts';
export { OCI_WORDS, presenceByVnic } from './power-state.ts';
export { settingsOf, type InventorySettings, type StreamSettings } from './settings.ts';
export { createStreamFeed, type ReaderGroup, type Stream, type StreamBatch } from './stream-feed.ts';
export { takeInventory, type SubnetView } from './take-inventory.ts';
