/**
 * Secondary addresses onto a NIC: all of a batch in one PUT.
 *
 * Azure cannot move an address in one step. A seizure takes it off its holder and then puts it on ours, two operations with nobody holding
 * it in between. Each step is found again by reading, so an attempt that was cut off is taken up where it stopped.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  AddressResults,
  bareAddress,
  ExecutorError,
  failed,
  skipped,
  succeeded,
  type CallContext,
  type ExecuteCall,
  type ExecuteReport,
  type RequestedAddress,
} from '@routerd/plugin-sdk';
import type { Arm } from './arm.ts';
import { holderNamedIn } from './classify.ts';
import { editNic, readNic, type NicOutcome } from './edit-nic.ts';
import { readHolders } from './holders.ts';
import { entryFor, type NicDocument, type NicEdit } from './nic-document.ts';
import { nicStateOf } from './nic-state.ts';
import { planAssign, planSeizure } from './plan-assign.ts';

/** How long a removed address may still count as allocated, after its removal succeeded. Recorded in the field: up to two minutes. */
const RELEASE_LAG_MS = 120_000;
const RELEASE_PAUSE_MS = { first: 250, last: 5000 } as const;
/** Looks at who holds what when nothing was released by us: the listing may lag. */
const LOOKS_MAX = 3;

interface Assignment {
  readonly arm: Arm;
  readonly call: ExecuteCall;
  readonly context: CallContext;
  readonly results: AddressResults;
  /** NICs that error messages named as holders. */
  readonly namedNics: Set<string>;
  /** NICs that gave an address up to us. */
  readonly displaced: Set<string>;
}

export async function assign(arm: Arm, call: ExecuteCall, context: CallContext): Promise<ExecuteReport> {
  const results = new AddressResults(call.addresses);
  const work: Assignment = { arm, call, context, results, namedNics: new Set(), displaced: new Set() };
  const own = await readNic(arm, call.nic.nicRef);
  for (const result of planAssign(own, call.addresses).results) results.settle(result);
  if (context.mode === 'dry-run') return preview(work, own);

  const after = results.open().length === 0 ? own : await assignOpen(work, own);
  const observed = {
    networkInterfaceId: own.id,
    ...(work.displaced.size === 0 ? {} : { displacedNicRef: [...work.displaced].join(',') }),
  };
  return { results: results.conclude(), observed, nic: nicStateOf(after) };
}

/** @returns the NIC as last read; every open address is settled */
async function assignOpen(work: Assignment, before: NicDocument): Promise<NicDocument> {
  const { results } = work;
  const end = performance.now() + RELEASE_LAG_MS;
  const isSeizing = results.open().some(({ seizeFrom }) => seizeFrom !== undefined);
  let own = before;
  let pause: number = RELEASE_PAUSE_MS.first;
  for (let looks = isSeizing ? 1 : 0; ; looks += 1) {
    if (looks > 0) await makeRoom(work, own);
    if (results.open().length === 0) return own;
    const outcome = await addOpen(work);
    own = outcome.nic;
    const { failure } = outcome;
    if (failure === undefined) return own;
    const { errorClass } = failure.error;
    if (errorClass === 'held-elsewhere') remember(work, failure.fault.message);
    // What we took off another NIC is on nobody's: giving up now would leave it there.
    const isOursToPlace = work.displaced.size > 0 && (errorClass === 'held-elsewhere' || errorClass === 'conflict');
    const isWorthALook = errorClass === 'held-elsewhere' && looks < LOOKS_MAX;
    if (isOursToPlace ? performance.now() + pause > end : !isWorthALook) {
      results.failRest(failure.error);
      return own;
    }
    await delay(pause);
    pause = Math.min(pause * 2, RELEASE_PAUSE_MS.last);
  }
}

/** One PUT for everything that is open; settles what is on the NIC afterwards, whatever the PUT answered. */
async function addOpen({ arm, call, context, results }: Assignment): Promise<NicOutcome> {
  const open = results.open();
  const what = `assign ${addressesOf(open)} to ${call.nic.nicRef}`;
  const edit = (nic: NicDocument): NicEdit => planAssign(nic, open).edit;
  const outcome = await editNic(arm, context, { id: call.nic.nicRef, what, edit });
  const { confirmedAfter } = outcome;
  const note = confirmedAfter === undefined ? '' : `; confirmed by reading, after: ${confirmedAfter.message}`;
  for (const result of planAssign(outcome.nic, open).results) {
    results.settle(
      result.status === 'succeeded' ? succeeded(result.address, `assigned to ${outcome.nic.id}${note}`) : result,
    );
  }
  if (outcome.failure?.error.errorClass === 'held-elsewhere') {
    // Only the renaming of an entry of ours was refused: the NIC has the address all the same.
    for (const { address } of open.filter(({ address }) => entryFor(outcome.nic, bareAddress(address)) !== undefined)) {
      results.settle(succeeded(address, `alreadyPresent: ${outcome.nic.id} has it under the name of an earlier epoch`));
    }
  }
  return outcome;
}

/**
 * Takes what we may take off the NICs that hold it, and settles what we may not. One NIC that refuses costs only its own addresses: what
 * another one gave up has to find its place.
 */
async function makeRoom(work: Assignment, own: NicDocument): Promise<void> {
  const { arm, results } = work;
  const open = results.open();
  const holders = await readHolders(arm, own, open, work.namedNics);
  await Promise.all(holders.map(async (holder) => takeFrom(work, holder, open)));
}

async function takeFrom(work: Assignment, holder: NicDocument, open: readonly RequestedAddress[]): Promise<void> {
  const { arm, context, results } = work;
  const settleRefusals = (nic: NicDocument): void => {
    for (const refusal of planSeizure(nic, open, nicNamer(work)).results) results.settle(refusal);
  };
  settleRefusals(holder);
  const seized = takeable(work, holder, open);
  if (seized.length === 0) return;
  const what = `take ${addressesOf(seized)} off ${holder.id}`;
  const edit = (nic: NicDocument): NicEdit => planSeizure(nic, open, nicNamer(work)).edit;
  try {
    const { nic, failure } = await editNic(arm, context, { id: holder.id, what, edit });
    settleRefusals(nic); // a newer epoch may have come while we wrote
    if (failure !== undefined) throw failure.error;
    work.displaced.add(holder.id);
  } catch (cause) {
    if (!(cause instanceof ExecutorError)) throw cause;
    for (const { address } of seized) results.settle(failed(address, cause.errorClass, cause.message));
  }
}

/** What the holder has and we may take. */
function takeable(
  work: Assignment,
  holder: NicDocument,
  open: readonly RequestedAddress[],
): readonly RequestedAddress[] {
  return open.filter((one) => planSeizure(holder, [one], nicNamer(work)).edit.remove.length > 0);
}

function nicNamer({ call }: Assignment): (node: string) => string | undefined {
  return (node) => call.nic.target[`nicOf.${node}`];
}

async function preview(work: Assignment, own: NicDocument): Promise<ExecuteReport> {
  const { arm, results } = work;
  const open = results.open();
  const holders = open.length === 0 ? [] : await readHolders(arm, own, open, new Set());
  for (const holder of holders) {
    for (const refusal of planSeizure(holder, open, nicNamer(work)).results) results.settle(refusal);
    for (const { address } of takeable(work, holder, results.open())) {
      results.settle(skipped(address, `dry run: would be taken off ${holder.id} and assigned to ${own.id}`));
    }
  }
  for (const { address } of results.open()) {
    results.settle(skipped(address, `dry run: would be assigned to ${own.id}`));
  }
  return { results: results.conclude(), observed: { networkInterfaceId: own.id }, nic: nicStateOf(own) };
}

function remember(work: Assignment, message: string): void {
  const { nicId } = holderNamedIn(message);
  if (nicId !== undefined) work.namedNics.add(nicId);
}

function addressesOf(requested: readonly RequestedAddress[]): string {
  return requested.map(({ address }) => bareAddress(address)).join(', ');
}
