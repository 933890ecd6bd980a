export { connectOci } from './adapters/oci-client.ts';
export { reading, readVnic } from './calls.ts';
export { captureTags, epochIn } from './capture-tags.ts';
export { classOf, faultOf, isWorthALook, type OciFault } from './classify.ts';
export type { Compute, Machine, VnicAttachment } from './compute.ts';
export { createOciExecutor } from './executor.ts';
export { planAssign, planUnassign, type AddressStep } from './plan-address.ts';
export type { PrivateIp, Tags, VirtualNetwork, Vnic } from './virtual-network.ts';
