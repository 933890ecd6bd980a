/** The two verbs about addresses. OCI takes one address a call, so a batch is several calls, a few at a time. */
import {
  AddressResults,
  ExecutorError,
  type AddressResult,
  type CallContext,
  type ExecuteCall,
  type ExecuteReport,
  type RequestedAddress,
} from '@routerd/plugin-sdk';
import { changeAddress } from './address-change.ts';
import { readVnic } from './calls.ts';
import { readNicState } from './nic-state.ts';
import { planAssign, planUnassign, type AddressStep } from './plan-address.ts';
import type { PrivateIp, VirtualNetwork } from './virtual-network.ts';

/**
 * Addresses at one time. Each takes one write and two reads, a move three; at the 0.2 s that a call takes, four at a time ask for about seven
 * writes and thirteen reads a second. OCI publishes no quota and sends no `Retry-After`; if it is as narrow as EC2's for changes (50 at once, 5 a
 * second), four are more than what flows in already, and more would only find the bucket empty sooner.
 */
const PARALLEL_MAX = 4;

export async function assign(network: VirtualNetwork, call: ExecuteCall, context: CallContext): Promise<ExecuteReport> {
  const nicOf = (node: string): string | undefined => call.nic.target[`nicOf.${node}`];
  return changeAll(network, call, context, (request, found) => planAssign(call.nic.nicRef, request, found, nicOf));
}

export async function unassign(
  network: VirtualNetwork,
  call: ExecuteCall,
  context: CallContext,
): Promise<ExecuteReport> {
  return changeAll(network, call, context, (request, found) => planUnassign(call.nic.nicRef, request, found));
}

async function changeAll(
  network: VirtualNetwork,
  call: ExecuteCall,
  context: CallContext,
  planOf: (request: RequestedAddress, found: PrivateIp | undefined) => AddressStep,
): Promise<ExecuteReport> {
  const vnic = await readVnic(network, call.nic.nicRef);
  const results = new AddressResults(call.addresses);
  const waiting = [...call.addresses];
  let failure: ExecutorError | undefined;
  const work = async (): Promise<void> => {
    for (let request = waiting.shift(); request !== undefined && failure === undefined; request = waiting.shift()) {
      const one = request;
      const plan = (found: PrivateIp | undefined): AddressStep => planOf(one, found);
      const settle = (result: AddressResult): void => results.settle(result);
      try {
        settle(await changeAddress({ network, context, vnic, request, plan }));
      } catch (cause) {
        if (!(cause instanceof ExecutorError)) throw cause;
        failure = cause; // what is true for one call to the service is true for the next
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL_MAX, waiting.length) }, work));
  if (failure !== undefined) results.failRest(failure);
  return {
    results: results.conclude(),
    observed: { vnicId: vnic.id, subnetId: vnic.subnetId },
    // What was done stands, also when the service has had enough of our reads.
    nic: await readNicState(network, vnic.id).catch(undefinedIfRefused),
  };
}

function undefinedIfRefused(cause: unknown): undefined {
  if (!(cause instanceof ExecutorError)) throw cause;
}
