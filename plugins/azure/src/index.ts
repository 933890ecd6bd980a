export { connectArm } from './adapters/arm-client.ts';
export { connectAzure, refusalOf, type AzureClient } from './adapters/azure-client.ts';
export type { Arm, Machines, Permission, Subnet, SubnetEntry } from './arm.ts';
export { ArmError, classOf, faultOf, holderNamedIn, type ArmFault } from './classify.ts';
export { entryName, epochOfEntry } from './entry-name.ts';
export { createAzureExecutor } from './executor.ts';
export {
  addressedEntries,
  editedBody,
  isSameId,
  nicDocumentOf,
  subnetOf,
  type NicDocument,
  type NicEdit,
} from './nic-document.ts';
export { operationStateOf, pollPauseMs, retryAfterMsOf, type OperationState } from './operation.ts';
export { reading } from './reading.ts';
export { planAssign, planSeizure, planUnassign } from './plan-assign.ts';
