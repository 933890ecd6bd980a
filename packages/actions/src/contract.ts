export { executorContract, type ExecutorRig } from './contract/executor-contract.ts';
export { journalContract, type JournalRig } from './contract/journal-contract.ts';
export { MemoryRegistry } from './contract/memory-registry.ts';
