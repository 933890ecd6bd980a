/** Whether OCI lets a VNIC forward: `skipSourceDestCheck`. */
import { setTimeout as delay } from 'node:timers/promises';
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
import { changing, readVnic } from './calls.ts';
import { classOf, executorError } from './classify.ts';
import { readNicState } from './nic-state.ts';
import type { VirtualNetwork } from './virtual-network.ts';

const ROUNDS_MAX = 3;
const ROUND_PAUSE_MS = 200;
const READ_BACK = { deadlineMs: 10_000, everyMs: 100 } as const;

export async function setForwarding(
  network: VirtualNetwork,
  call: ExecuteCall,
  context: CallContext,
  forwarding: boolean,
): Promise<ExecuteReport> {
  const id = call.nic.nicRef;
  const before = await readVnic(network, id);
  const said = `skipSourceDestCheck of ${id}`;
  const report = async (status: typeof succeeded, message: string): Promise<ExecuteReport> => ({
    results: forEvery(call.addresses, (address) => status(address, message)),
    observed: { vnicId: id, priorSkipSourceDestCheck: String(before.skipSourceDestCheck) },
    nic: await readNicState(network, id),
  });
  if (before.skipSourceDestCheck === forwarding) return report(succeeded, `alreadyPresent: ${said} is ${forwarding}`);
  if (context.mode === 'dry-run') return report(skipped, `dry run: ${said} would become ${forwarding}`);
  await switchTo(network, context, id, forwarding);
  return report(succeeded, `${said} is ${forwarding}`);
}

/** @throws ExecutorError unless the VNIC shows the wanted value */
async function switchTo(network: VirtualNetwork, context: CallContext, id: string, wanted: boolean): Promise<void> {
  const what = `set skipSourceDestCheck of ${id} to ${wanted}`;
  for (let round = 1; ; round += 1) {
    const { etag, skipSourceDestCheck } = await readVnic(network, id);
    if (skipSourceDestCheck === wanted) return;
    const fault = await changing(context, what, async () => network.setSkipSourceDestCheck(id, etag, wanted));
    if (fault === undefined || classOf(fault) === 'unknown-outcome') {
      const after = await readUntil(
        async () => readVnic(network, id),
        (vnic) => vnic.skipSourceDestCheck === wanted,
        READ_BACK,
      );
      if (after.skipSourceDestCheck === wanted) return;
      throw fault === undefined
        ? new ExecutorError('unknown-outcome', `${what}: it does not show after 10 s`)
        : executorError(what, fault);
    }
    if (fault.httpStatus !== 412 || round === ROUNDS_MAX) throw executorError(what, fault);
    await delay(ROUND_PAUSE_MS * round);
  }
}
