export { executorError } from './classify.ts';
export { createFakeExecutor } from './executor.ts';
export {
  CloudError,
  EMPTY_CLOUD,
  FAULTS,
  FileCloud,
  holderOf,
  type Cloud,
  type Fault,
  type Nic,
} from './file-cloud.ts';
