/**
 * Alias addresses onto a NIC: all of a batch in one PATCH.
 *
 * GCP cannot move an address in one step, and nothing there can carry an epoch. A seizure takes it off its holder and then puts it on ours,
 * two operations with nobody holding it in between; an attempt that was cut off there is taken up by the next one. In one request an
 * address is taken once: if it is with somebody else again, a second router wants it too, and only the fence can tell who is right.
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
import { addressNamedIn } from './classify.ts';
import type { Compute } from './compute.ts';
import { editNic, readNic, type NicOutcome } from './edit-nic.ts';
import { readHolders } from './holders.ts';
import type { NicDocument, NicEdit } from './instance-document.ts';
import { parseNicName, type NicName } from './nic-name.ts';
import { nicStateOf } from './nic-state.ts';
import { planAssign, planSeizure } from './plan-address.ts';

/** How long we keep trying to place what we took off another NIC, when the instance is not ready or the address not free yet. */
const PLACE_LIMIT_MS = 60_000;
const PAUSE_MS = { first: 250, last: 5000 } as const;
/** Looks at who holds what when nothing was released by us: the listing may lag. */
const LOOKS_MAX = 3;

interface Assignment {
  readonly compute: Compute;
  readonly name: NicName;
  readonly call: ExecuteCall;
  readonly context: CallContext;
  readonly results: AddressResults;
  /** NICs that gave an address up to us. */
  readonly displaced: Set<string>;
  /** Addresses that we have taken off another NIC in this request, bare. */
  readonly taken: Set<string>;
}

export async function assign(
  compute: Compute,
  name: NicName,
  call: ExecuteCall,
  context: CallContext,
): Promise<ExecuteReport> {
  const results = new AddressResults(call.addresses);
  const work: Assignment = { compute, name, call, context, results, displaced: new Set(), taken: new Set() };
  const own = await readNic(compute, name);
  for (const result of planAssign(own, call.addresses).results) results.settle(result);
  if (context.mode === 'dry-run') return preview(work, own);

  const after = results.open().length === 0 ? own : await assignOpen(work, own);
  const displaced = [...work.displaced].join(',');
  const observed = { networkInterfaceId: own.id, ...(displaced === '' ? {} : { displacedNicRef: displaced }) };
  return { results: results.conclude(), observed, nic: nicStateOf(after) };
}

/** @returns the NIC as last read; every open address is settled */
async function assignOpen(work: Assignment, before: NicDocument): Promise<NicDocument> {
  const { results } = work;
  const end = performance.now() + PLACE_LIMIT_MS;
  const isSeizing = results.open().some(({ seizeFrom }) => seizeFrom !== undefined);
  let own = before;
  let pause: number = PAUSE_MS.first;
  for (let looks = isSeizing ? 1 : 0; ; looks += 1) {
    if (looks > 0) await makeRoom(work, own);
    if (results.open().length === 0) return own;
    const { nic, failure } = await addOpen(work);
    own = nic;
    if (failure === undefined) return own;
    const { errorClass } = failure.error;
    const isHeld = errorClass === 'held-elsewhere';
    // What we took off another NIC is on nobody's: giving up now would leave it there.
    const isOursToPlace =
      work.taken.size > 0 && (isHeld || errorClass === 'conflict') && performance.now() + pause < end;
    if (!isOursToPlace && !(isHeld && looks < LOOKS_MAX)) {
      // The operation names the address that it failed for; the others are tried without it.
      const named = results
        .open()
        .find(({ address }) => bareAddress(address) === addressNamedIn(failure.fault.message));
      if (!isHeld || named === undefined) {
        results.failRest(failure.error);
        return own;
      }
      results.settle(failed(named.address, 'held-elsewhere', failure.error.message));
      continue;
    }
    await delay(pause);
    pause = Math.min(pause * 2, PAUSE_MS.last);
  }
}

/** One PATCH for everything that is open; settles what is on the NIC afterwards, whatever the PATCH answered. */
async function addOpen({ compute, name, context, results }: Assignment): Promise<NicOutcome> {
  const open = results.open();
  const what = `assign ${addressesOf(open)} to ${name.instance}`;
  const edit = (nic: NicDocument): NicEdit => planAssign(nic, open).edit;
  const outcome = await editNic(compute, context, { name, what, edit });
  const { confirmedAfter } = outcome;
  const note = confirmedAfter === undefined ? '' : `; confirmed by reading, after: ${confirmedAfter.message}`;
  for (const result of planAssign(outcome.nic, open).results) {
    results.settle(
      result.status === 'succeeded' ? succeeded(result.address, `assigned to ${outcome.nic.id}${note}`) : result,
    );
  }
  return outcome;
}

/**
 * Takes what we may take off the NICs that hold it, and settles what we may not. One NIC that refuses costs only its own addresses: what
 * another one gave up has to find its place.
 */
async function makeRoom(work: Assignment, own: NicDocument): Promise<void> {
  const open = work.results.open();
  const holders = await readHolders(work.compute, { own, name: work.name, requested: open });
  await Promise.all(holders.map(async (holder) => takeFrom(work, holder, open)));
}

async function takeFrom(work: Assignment, holder: NicDocument, open: readonly RequestedAddress[]): Promise<void> {
  const { compute, context, results } = work;
  for (const refusal of refusals(work, holder, open)) results.settle(refusal);
  const seized = takeable(work, holder, open);
  const name = parseNicName(holder.id);
  if (seized.length === 0 || name === undefined) return;
  const what = `take ${addressesOf(seized)} off ${holder.id}`;
  const edit = (nic: NicDocument): NicEdit => planSeizure(nic, seized, nicNamer(work)).edit;
  try {
    const { failure } = await editNic(compute, context, { name, what, edit });
    if (failure !== undefined) throw failure.error;
    work.displaced.add(holder.id);
    for (const { address } of seized) work.taken.add(bareAddress(address));
  } catch (cause) {
    if (!(cause instanceof ExecutorError)) throw cause;
    for (const { address } of seized) results.settle(failed(address, cause.errorClass, cause.message));
  }
}

/** What the holder has and we may not take, or have taken once already. */
function refusals(
  work: Assignment,
  holder: NicDocument,
  open: readonly RequestedAddress[],
): ReturnType<typeof planSeizure>['results'] {
  const { results, edit } = planSeizure(holder, open, nicNamer(work));
  const again = open.filter(({ address }) => {
    const bare = bareAddress(address);
    return work.taken.has(bare) && edit.remove.includes(bare);
  });
  const why = `is with ${holder.id} again after it was taken off for this request: another router seizes it too`;
  return [
    ...results,
    ...again.map(({ address }) => failed(address, 'held-elsewhere', `${bareAddress(address)} ${why}`)),
  ];
}

function takeable(
  work: Assignment,
  holder: NicDocument,
  open: readonly RequestedAddress[],
): readonly RequestedAddress[] {
  const { remove } = planSeizure(holder, open, nicNamer(work)).edit;
  return open.filter(({ address }) => remove.includes(bareAddress(address)) && !work.taken.has(bareAddress(address)));
}

function nicNamer({ call }: Assignment): (node: string) => string | undefined {
  return (node) => call.nic.target[`nicOf.${node}`];
}

async function preview(work: Assignment, own: NicDocument): Promise<ExecuteReport> {
  const { results } = work;
  const open = results.open();
  const holders = open.length === 0 ? [] : await readHolders(work.compute, { own, name: work.name, requested: open });
  for (const holder of holders) {
    for (const refusal of refusals(work, holder, open)) results.settle(refusal);
    for (const { address } of takeable(work, holder, results.open())) {
      results.settle(skipped(address, `dry run: would be taken off ${holder.id} and assigned to ${own.id}`));
    }
  }
  for (const { address } of results.open()) {
    results.settle(skipped(address, `dry run: would be assigned to ${own.id}`));
  }
  return { results: results.conclude(), observed: { networkInterfaceId: own.id }, nic: nicStateOf(own) };
}

function addressesOf(requested: readonly RequestedAddress[]): string {
  return requested.map(({ address }) => bareAddress(address)).join(', ');
}
