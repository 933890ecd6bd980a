import { createMemoryRunStore } from '../src/index.ts';
import { runStoreContract } from '../src/contract.ts';

runStoreContract('memory', () => ({ store: createMemoryRunStore(), reopen: undefined }));
