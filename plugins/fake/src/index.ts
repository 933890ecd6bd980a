export { executorError } from './classify.ts';
export { createFakeExecutor } from './executor.ts';
export { EMPTY_CLOUD, FAULTS, FileCloud, type Cloud, type Fault } from './file-cloud.ts';
export { LabCloud } from './lab-cloud.ts';
export { CloudError, holderOf, type Nic, type Nics, type Provider } from './provider.ts';
