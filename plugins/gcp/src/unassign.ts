/** Alias addresses off our NIC, all of a batch in one PATCH. */
import {
  AddressResults,
  bareAddress,
  skipped,
  succeeded,
  type CallContext,
  type ExecuteCall,
  type ExecuteReport,
} from '@routerd/plugin-sdk';
import type { Compute } from './compute.ts';
import { editNic, readNic } from './edit-nic.ts';
import type { NicDocument, NicEdit } from './instance-document.ts';
import type { NicName } from './nic-name.ts';
import { nicStateOf } from './nic-state.ts';
import { planUnassign } from './plan-address.ts';

export async function unassign(
  compute: Compute,
  name: NicName,
  call: ExecuteCall,
  context: CallContext,
): Promise<ExecuteReport> {
  const own = await readNic(compute, name);
  const results = new AddressResults(call.addresses);
  for (const result of planUnassign(own, call.addresses).results) results.settle(result);
  const report = (nic: NicDocument): ExecuteReport => ({
    results: results.conclude(),
    observed: { networkInterfaceId: own.id },
    nic: nicStateOf(nic),
  });
  const open = results.open();
  if (open.length === 0) return report(own);
  if (context.mode === 'dry-run') {
    for (const { address } of open) results.settle(skipped(address, `dry run: would be taken off ${own.id}`));
    return report(own);
  }
  const what = `take ${open.map(({ address }) => bareAddress(address)).join(', ')} off ${own.id}`;
  const edit = (nic: NicDocument): NicEdit => planUnassign(nic, open).edit;
  const { nic, failure } = await editNic(compute, context, { name, what, edit });
  for (const result of planUnassign(nic, open).results) {
    results.settle(result.status === 'succeeded' ? succeeded(result.address, `taken off ${own.id}`) : result);
  }
  if (failure !== undefined) results.failRest(failure.error);
  return report(nic);
}
