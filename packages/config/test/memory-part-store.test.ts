import { createMemoryPartStore } from '../src/adapters/memory/memory-part-store.ts';
import { partStoreContract } from '../src/contract/part-store-contract.ts';

partStoreContract('memory', () => {
  const store = createMemoryPartStore();
  return {
    store,
    reopen: undefined,
    damage: (source) => {
      store.damage(source, 'The content is not what was stored.');
      return store;
    },
  };
});
