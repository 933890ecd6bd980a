/** Secondary addresses off an interface. It names the interface, so it cannot take from anybody else. */
import {
  AddressResults,
  bareAddress,
  ExecutorError,
  failed,
  readUntil,
  skipped,
  succeeded,
  type CallContext,
  type ExecuteCall,
  type ExecuteReport,
} from '@routerd/plugin-sdk';
import { READ_BACK, READ_BACK_LOST } from './assign.ts';
import { changing, readOwn } from './calls.ts';
import type { Ec2, NetworkInterface } from './network-interface.ts';
import { nicStateOf } from './nic-state.ts';

export async function unassign(ec2: Ec2, call: ExecuteCall, context: CallContext): Promise<ExecuteReport> {
  const id = call.nic.nicRef;
  const own = await readOwn(ec2, id);
  const results = new AddressResults(call.addresses);
  for (const { address } of call.addresses) {
    const bare = bareAddress(address);
    if (bare === own.primary) results.settle(failed(address, 'invalid', `${bare} is the primary address of ${id}`));
    else if (!own.secondaries.includes(bare)) results.settle(succeeded(address, `alreadyAbsent: ${id} has no ${bare}`));
    else if (context.mode === 'dry-run') results.settle(skipped(address, `dry run: would be taken off ${id}`));
  }
  const surplus = results.open().map(({ address }) => bareAddress(address));
  if (surplus.length === 0) return report(own, own, results);

  const what = `unassign ${surplus.join(', ')} from ${id}`;
  const change = await changing(context, what, async () => ec2.unassign(id, surplus));
  const mayStillShow = change.kind !== 'failed' || change.error.errorClass === 'unknown-outcome';
  const after = await readUntil(
    async () => readOwn(ec2, id),
    ({ secondaries }) => !mayStillShow || !surplus.some((address) => secondaries.includes(address)),
    change.kind === 'failed' ? READ_BACK_LOST : READ_BACK,
  );
  for (const { address } of results.open()) {
    if (!after.secondaries.includes(bareAddress(address))) results.settle(succeeded(address, `taken off ${id}`));
  }
  results.failRest(
    change.kind === 'failed' ? change.error : new ExecutorError('unknown-outcome', `${id} still shows it after 10 s`),
  );
  return report(own, after, results);
}

function report(own: NetworkInterface, after: NetworkInterface, results: AddressResults): ExecuteReport {
  return { results: results.conclude(), observed: { networkInterfaceId: own.id }, nic: nicStateOf(after) };
}
