/** Whether the fabric lets an interface forward: its source/destination check, off or on. */
import {
  ExecutorError,
  forEvery,
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

export async function setForwarding(
  ec2: Ec2,
  call: ExecuteCall,
  context: CallContext,
  forwarding: boolean,
): Promise<ExecuteReport> {
  const id = call.nic.nicRef;
  const own = await readOwn(ec2, id);
  const check = !forwarding;
  const said = `the source/destination check of ${id}`;
  const report = (after: NetworkInterface, status: typeof succeeded, message: string): ExecuteReport => ({
    results: forEvery(call.addresses, (address) => status(address, message)),
    observed: { networkInterfaceId: id, priorSourceDestCheck: String(own.sourceDestCheck) },
    nic: nicStateOf(after),
  });
  if (own.sourceDestCheck === check) return report(own, succeeded, `alreadyPresent: ${said} is ${onOff(check)}`);
  if (context.mode === 'dry-run') return report(own, skipped, `dry run: ${said} would be switched ${onOff(check)}`);

  const what = `switch ${onOff(check)} ${said}`;
  const change = await changing(context, what, async () => ec2.setSourceDestCheck(id, check));
  const mayStillShow = change.kind === 'done' || change.error.errorClass === 'unknown-outcome';
  const after = await readUntil(
    async () => readOwn(ec2, id),
    ({ sourceDestCheck }) => !mayStillShow || sourceDestCheck === check,
    change.kind === 'done' ? READ_BACK : READ_BACK_LOST,
  );
  if (after.sourceDestCheck === check) return report(after, succeeded, `${said} is ${onOff(check)}`);
  throw change.kind === 'done'
    ? new ExecutorError('unknown-outcome', `${said} does not show as ${onOff(check)} after 10 s`)
    : change.error;
}

function onOff(isOn: boolean): string {
  return isOn ? 'on' : 'off';
}
