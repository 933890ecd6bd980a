import { MemoryFactStore, MemoryHighWaterStore } from '@routerd/federation';
import { factStoreContract, highWaterStoreContract } from '@routerd/federation/contract';

factStoreContract('in memory', () => {
  const store = new MemoryFactStore();
  return { open: () => store, close: () => undefined };
});

highWaterStoreContract('in memory', () => {
  const store = new MemoryHighWaterStore();
  return { open: () => store, close: () => undefined };
});
