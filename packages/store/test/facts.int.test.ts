import { eventStoreContract, factStoreContract, highWaterStoreContract } from '@routerd/federation/contract';
import { RecordingLog } from '@routerd/runtime';
import { openStore, type Store } from '../src/open-store.ts';
import { temporaryFile } from './store-rig.ts';

/** Opens the same file again and again; `part` is what the contract is about. */
function rigOf<Part>(part: (store: Store) => Part): { open(): Part; close(): void } {
  const file = temporaryFile();
  let current: Store | undefined;
  return {
    open() {
      current?.close();
      const store = openStore(file, { log: new RecordingLog() });
      if (!store.ok) throw new Error(store.error.message);
      current = store.value;
      return part(current);
    },
    close: () => current?.close(),
  };
}

factStoreContract('sqlite', () => rigOf((store) => store.facts));
eventStoreContract('sqlite', () => rigOf((store) => store.events));
highWaterStoreContract('sqlite', () => rigOf((store) => store.highWater));
