import { MemoryEventStore, MemoryFactStore, MemoryHighWaterStore } from '@routerd/federation';
import { eventStoreContract, factStoreContract, highWaterStoreContract } from '@routerd/federation/contract';

factStoreContract('in memory', () => {
  const store = new MemoryFactStore();
  return { open: () => store, close: () => undefined };
});

highWaterStoreContract('in memory', () => {
  const store = new MemoryHighWaterStore();
  return { open: () => store, close: () => undefined };
});

eventStoreContract('in memory', () => {
  const store = new MemoryEventStore();
  return { open: () => store, close: () => undefined };
});
