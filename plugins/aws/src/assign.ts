/** Secondary addresses onto an interface: look, assign all in one call, read back. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  AddressResults,
  bareAddress,
  ExecutorError,
  readUntil,
  skipped,
  succeeded,
  type CallContext,
  type ExecuteCall,
  type ExecuteReport,
  type RequestedAddress,
} from '@routerd/plugin-sdk';
import { changing, reading, readOwn } from './calls.ts';
import type { Ec2, NetworkInterface } from './network-interface.ts';
import { nicStateOf } from './nic-state.ts';
import { planAfterRefusal, planAssign, planSeizure, type SeizurePlan } from './plan-assign.ts';

/** How long a finished assign may take to show in a describe. EC2 answers reads from copies ("eventual consistency"). */
export const READ_BACK = { deadlineMs: 10_000, everyMs: 100 } as const;
/** The same after a lost answer. Shorter: more often than not nothing was done, and the caller looks again before it tries again. */
export const READ_BACK_LOST = { deadlineMs: 3000, everyMs: 100 } as const;
/** Each round looks again who holds what; another router may be at it at the same time. */
const ROUNDS_MAX = 3;
const ROUND_PAUSE_MS = 200;

interface Round {
  readonly free: readonly RequestedAddress[];
  readonly taken: readonly RequestedAddress[];
}

export async function assign(ec2: Ec2, call: ExecuteCall, context: CallContext): Promise<ExecuteReport> {
  const id = call.nic.nicRef;
  const own = await readOwn(ec2, id);
  const results = new AddressResults(call.addresses);
  for (const result of planAssign(own, call.addresses).results) results.settle(result);
  if (context.mode === 'dry-run') return previewed(await planRound(ec2, call, own, results, 1), own, results);

  const isNew = new Set(results.open().map(({ address }) => address));
  const failure = isNew.size === 0 ? undefined : await assignOpen(ec2, call, context, own, results);
  const after = isNew.size === 0 ? own : await readBack(ec2, id, results, failure);
  for (const { address, captureEpoch } of results.open()) {
    if (!after.secondaries.includes(bareAddress(address))) continue;
    const note = failure === undefined ? '' : `; confirmed by reading, after: ${failure.message}`;
    results.settle(succeeded(address, `assigned to ${id} at epoch ${captureEpoch}${note}`));
  }
  results.failRest(
    failure ?? new ExecutorError('unknown-outcome', `${id} was told to take it, and does not show it after 10 s`),
  );
  const assigned = results.conclude();
  return { results: assigned, observed: observedOf(own, isNew), nic: nicStateOf(after) };
}

/** @returns why not everything was assigned; the interface itself decides what was */
async function assignOpen(
  ec2: Ec2,
  call: ExecuteCall,
  context: CallContext,
  own: NetworkInterface,
  results: AddressResults,
): Promise<ExecutorError | undefined> {
  let failure: ExecutorError | undefined;
  for (let round = 1; round <= ROUNDS_MAX; round += 1) {
    const { free, taken } = await planRound(ec2, call, own, results, round);
    failure = await assignRound(ec2, own.id, { free, taken }, context);
    if (failure?.errorClass !== 'held-elsewhere') return failure;
    await delay(ROUND_PAUSE_MS * round);
  }
  return failure;
}

/** Looks up the holders where that matters, and settles what has to be refused. */
async function planRound(
  ec2: Ec2,
  call: ExecuteCall,
  own: NetworkInterface,
  results: AddressResults,
  round: number,
): Promise<SeizurePlan> {
  const { plain, seizing } = planAssign(own, results.open());
  const isLookNeeded = seizing.length > 0 || round > 1 || call.mode === 'dry-run';
  const looked = [...plain, ...seizing].map(({ address }) => bareAddress(address));
  const holders =
    isLookNeeded && looked.length > 0
      ? await reading('looking up the holders', async () => ec2.findHolders(own.subnetId, looked))
      : [];
  const refused = planAfterRefusal(own, plain, holders);
  const seizure = planSeizure(seizing, holders, (node) => call.nic.target[`nicOf.${node}`]);
  const refusals = [...refused.refusals, ...seizure.refusals];
  for (const refusal of refusals) results.settle(refusal);
  return { refusals, taken: seizure.taken, free: [...refused.rest, ...seizure.free] };
}

/** At most two calls: one that may take, one that must not. `AllowReassignment` counts for the whole of a call. */
async function assignRound(
  ec2: Ec2,
  id: string,
  { free, taken }: Round,
  context: CallContext,
): Promise<ExecutorError | undefined> {
  for (const [requested, allowReassignment] of [
    [taken, true],
    [free, false],
  ] as const) {
    if (requested.length === 0) continue;
    const addresses = requested.map(({ address }) => bareAddress(address));
    const what = `${allowReassignment ? 'reassign' : 'assign'} ${addresses.join(', ')} to ${id}`;
    const change = await changing(context, what, async () => ec2.assign(id, addresses, allowReassignment));
    if (change.kind !== 'done') return change.error;
  }
  return undefined;
}

/** Waits for a change that was made or may have been made; after a refusal one look is enough. */
async function readBack(
  ec2: Ec2,
  id: string,
  results: AddressResults,
  failure: ExecutorError | undefined,
): Promise<NetworkInterface> {
  const wanted = results.open().map(({ address }) => bareAddress(address));
  const mayStillShow = failure === undefined || failure.errorClass === 'unknown-outcome';
  return readUntil(
    async () => readOwn(ec2, id),
    ({ secondaries }) => !mayStillShow || wanted.every((address) => secondaries.includes(address)),
    failure === undefined ? READ_BACK : READ_BACK_LOST,
  );
}

function previewed(plan: SeizurePlan, own: NetworkInterface, results: AddressResults): ExecuteReport {
  for (const { address } of plan.free) results.settle(skipped(address, `dry run: would be assigned to ${own.id}`));
  for (const { address, seizeFrom } of plan.taken) {
    results.settle(skipped(address, `dry run: would be taken from ${seizeFrom} and assigned to ${own.id}`));
  }
  return { results: results.conclude(), observed: observedOf(own, new Set()), nic: nicStateOf(own) };
}

function observedOf(own: NetworkInterface, isNew: ReadonlySet<string>): Readonly<Record<string, string>> {
  return {
    networkInterfaceId: own.id,
    subnetId: own.subnetId,
    ...(isNew.size === 0 ? {} : { assignedAddresses: [...isNew].join(',') }),
  };
}
