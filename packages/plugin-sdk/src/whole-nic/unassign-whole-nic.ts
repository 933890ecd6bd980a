/** Addresses off our NIC, all of a batch in one write. */
import { AddressResults, skipped, succeeded } from '../address-results.ts';
import type { CallContext, ExecuteCall, ExecuteReport } from '../executor-plugin.ts';
import { bareAddress } from '../nic-target.ts';
import { editWholeNic } from './edit-whole-nic.ts';
import type { WholeNicCloud } from './whole-nic-cloud.ts';

export async function unassignWholeNic<Nic extends { readonly id: string }, Edit>(
  cloud: WholeNicCloud<Nic, Edit>,
  call: ExecuteCall,
  context: CallContext,
): Promise<ExecuteReport> {
  const id = call.nic.nicRef;
  const own = await cloud.read(id);
  const results = new AddressResults(call.addresses);
  for (const result of cloud.planUnassign(own, call.addresses).results) results.settle(result);
  const report = (nic: Nic): ExecuteReport => ({
    results: results.conclude(),
    observed: { networkInterfaceId: own.id },
    nic: cloud.stateOf(nic),
  });
  const open = results.open();
  if (open.length === 0) return report(own);
  if (context.mode === 'dry-run') {
    for (const { address } of open) results.settle(skipped(address, `dry run: would be taken off ${own.id}`));
    return report(own);
  }
  const what = `take ${open.map(({ address }) => bareAddress(address)).join(', ')} off ${own.id}`;
  const edit = (nic: Nic): Edit => cloud.planUnassign(nic, open).edit;
  const { nic, failure } = await editWholeNic(cloud, context, { id, what, edit });
  for (const result of cloud.planUnassign(nic, open).results) {
    results.settle(result.status === 'succeeded' ? succeeded(result.address, `taken off ${own.id}`) : result);
  }
  if (failure !== undefined) results.failRest(failure.error);
  return report(nic);
}
