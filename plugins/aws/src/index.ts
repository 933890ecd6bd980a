export { connectEc2 } from './adapters/ec2-client.ts';
export { readOwn, reading } from './calls.ts';
export { faultOf, meaningOf, type Ec2Fault, type Ec2Meaning } from './classify.ts';
export { createAwsExecutor } from './executor.ts';
export type { Ec2, Machines, NetworkInterface, Subnet } from './network-interface.ts';
export { planAfterRefusal, planAssign, planSeizure, type AssignPlan, type SeizurePlan } from './plan-assign.ts';
