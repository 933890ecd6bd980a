export { connectArm } from './adapters/arm-client.ts';
export type { Arm, Permission, Subnet, SubnetEntry } from './arm.ts';
export { ArmError, classOf, faultOf, holderNamedIn, type ArmFault } from './classify.ts';
export { entryName, epochOfEntry } from './entry-name.ts';
export { createAzureExecutor } from './executor.ts';
export { editedBody, nicDocumentOf, type NicDocument, type NicEdit } from './nic-document.ts';
export { operationStateOf, pollPauseMs, retryAfterMsOf, type OperationState } from './operation.ts';
export { planAssign, planSeizure, planUnassign } from './plan-assign.ts';
