export { connectCompute } from './adapters/compute-client.ts';
export { GoogleHttp, successOf, type GoogleReply, type GoogleRequest } from './adapters/google-http.ts';
export { addressNamedIn, classOf, ComputeError, faultOf, type ComputeFault } from './classify.ts';
export type { Compute } from './compute.ts';
export { createGcpExecutor } from './executor.ts';
export {
  editedRanges,
  holdingOf,
  instanceDocumentOf,
  type AliasRange,
  type Holding,
  type InstanceDocument,
  type NicDocument,
  type NicEdit,
} from './instance-document.ts';
export { nicNameText, parseNicName, resourceNameOf, type NicName } from './nic-name.ts';
export { planAssign, planSeizure, planUnassign } from './plan-address.ts';
export { reading } from './reading.ts';
