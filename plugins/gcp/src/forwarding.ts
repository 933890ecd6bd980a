/**
 * Whether GCP lets an instance forward: `canIpForward`, which belongs to the instance and not to the NIC.
 *
 * It is meant to be set when the instance is made. Where the API takes a change on a running machine it is made; where that would need a
 * restart the request ends with what to do, since nobody restarts a router for it.
 */
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
import { classOf, executorError, type ComputeFault } from './classify.ts';
import type { Compute } from './compute.ts';
import { faultIn, readAfter, readInstance, readNic } from './edit-nic.ts';
import type { InstanceDocument } from './instance-document.ts';
import type { NicName } from './nic-name.ts';
import { nicStateOf } from './nic-state.ts';

const ROUNDS_MAX = 3;
const READ_BACK = { deadlineMs: 10_000, everyMs: 100 } as const;

export async function setForwarding(
  compute: Compute,
  name: NicName,
  call: ExecuteCall,
  context: CallContext,
): Promise<ExecuteReport> {
  const forwarding = call.action === 'ensure-forwarding-enabled';
  const before = await readInstance(compute, name);
  const said = `canIpForward of ${before.name}`;
  const report = async (status: typeof succeeded, message: string): Promise<ExecuteReport> => ({
    results: forEvery(call.addresses, (address) => status(address, message)),
    observed: { networkInterfaceId: call.nic.nicRef, priorCanIpForward: String(before.canIpForward) },
    nic: nicStateOf(await readNic(compute, name)),
  });
  if (before.canIpForward === forwarding) return report(succeeded, `alreadyPresent: ${said} is ${forwarding}`);
  if (context.mode === 'dry-run') return report(skipped, `dry run: ${said} would become ${forwarding}`);
  await update(compute, context, { name, before, forwarding, what: `set ${said} to ${forwarding}` });
  return report(succeeded, `${said} is ${forwarding}`);
}

interface ForwardingChange {
  readonly name: NicName;
  readonly before: InstanceDocument;
  readonly forwarding: boolean;
  readonly what: string;
}

/** @throws ExecutorError unless a read shows the wanted value */
async function update(
  compute: Compute,
  context: CallContext,
  { name, before, forwarding, what }: ForwardingChange,
): Promise<void> {
  const read = async (): Promise<InstanceDocument> => readInstance(compute, name);
  const isDone = ({ canIpForward }: InstanceDocument): boolean => canIpForward === forwarding;
  let instance = before;
  for (let round = 1; !isDone(instance); round += 1) {
    const body = { ...instance.json, canIpForward: forwarding };
    const fault = await context.mutate(what, async () =>
      faultIn(async () => compute.updateInstance(name.instance, body)),
    );
    instance = fault === undefined ? await readUntil(read, isDone, READ_BACK) : await readAfter(fault, read, isDone);
    if (isDone(instance)) return;
    if (fault !== undefined && fault.httpStatus !== 412) throw refusal(what, fault, forwarding);
    if (round === ROUNDS_MAX) {
      throw new ExecutorError('conflict', `${what} was overtaken by other writers ${ROUNDS_MAX} times`);
    }
  }
}

function refusal(what: string, fault: ComputeFault, forwarding: boolean): ExecutorError {
  const errorClass = classOf(fault);
  const error = executorError(what, fault);
  if (errorClass === 'invalid') {
    const remedy = forwarding
      ? 'create the instance with --can-ip-forward, then run `routerctl action retry`'
      : 'it can stay on';
    return new ExecutorError('invalid', `${error.message}; this cannot be changed while it runs: ${remedy}`);
  }
  if (errorClass === 'permission') {
    const remedy = 'grant compute.instances.update, or create the instance with --can-ip-forward';
    return new ExecutorError('permission', `${error.message}; ${remedy}`);
  }
  return error;
}
