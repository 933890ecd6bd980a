/** Whether Azure lets a NIC forward: `enableIPForwarding` of its document. */
import {
  editWholeNic,
  forEvery,
  skipped,
  succeeded,
  type CallContext,
  type ExecuteCall,
  type ExecuteReport,
} from '@routerd/plugin-sdk';
import type { AzureNics } from './edit-nic.ts';
import { NO_EDIT, type NicDocument, type NicEdit } from './nic-document.ts';
import { nicStateOf } from './nic-state.ts';

export async function setForwarding(
  nics: AzureNics,
  call: ExecuteCall,
  context: CallContext,
  forwarding: boolean,
): Promise<ExecuteReport> {
  const id = call.nic.nicRef;
  const own = await nics.read(id);
  const said = `IP forwarding of ${own.id}`;
  const word = forwarding ? 'on' : 'off';
  const report = (nic: NicDocument, status: typeof succeeded, message: string): ExecuteReport => ({
    results: forEvery(call.addresses, (address) => status(address, message)),
    observed: { networkInterfaceId: own.id, priorIpForwarding: String(own.ipForwarding) },
    nic: nicStateOf(nic),
  });
  if (own.ipForwarding === forwarding) return report(own, succeeded, `alreadyPresent: ${said} is ${word}`);
  if (context.mode === 'dry-run') return report(own, skipped, `dry run: ${said} would be switched ${word}`);
  const edit = (nic: NicDocument): NicEdit =>
    nic.ipForwarding === forwarding ? NO_EDIT : { ...NO_EDIT, ipForwarding: forwarding };
  const { nic, failure } = await editWholeNic(nics, context, { id, what: `switch ${word} ${said}`, edit });
  if (failure !== undefined) throw failure.error;
  return report(nic, succeeded, `${said} is ${word}`);
}
