/**
 * Addresses onto a NIC: all of a batch in one write.
 *
 * A seizure takes them off their holder and then puts them on ours, two writes with nobody holding them in between.
 *
 * 1. Each step is found again by reading, so an attempt that was cut off is taken up where it stopped.
 * 2. In one request an address is taken once: if it is with somebody else again, a second router wants it too, and the fence decides.
 * 3. What cannot be placed for good (no room, no permission) goes back to whom it was taken from.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AddressResults, failed, skipped, succeeded } from '../address-results.ts';
import { ExecutorError } from '../executor-error.ts';
import type { AddressResult, CallContext, ExecuteCall, ExecuteReport, RequestedAddress } from '../executor-plugin.ts';
import { bareAddress } from '../nic-target.ts';
import type { ErrorClass } from '../protocol.ts';
import { editWholeNic, type WholeNicOutcome } from './edit-whole-nic.ts';
import type { WholeNicCloud, WriteFault } from './whole-nic-cloud.ts';

const PAUSE_MS = { first: 250, last: 5000 } as const;
/** Looks at who holds what when nothing was released by us: the listing may lag. */
const LOOKS_MAX = 3;
/** Another attempt would end the same: the caller stops. */
const FOR_GOOD: ReadonlySet<ErrorClass> = new Set(['limit', 'permission', 'invalid', 'not-found']);

interface Assignment<Nic extends { readonly id: string }, Edit> {
  readonly cloud: WholeNicCloud<Nic, Edit>;
  readonly call: ExecuteCall;
  readonly context: CallContext;
  readonly results: AddressResults;
  /** NICs that refusals named as holders. */
  readonly namedNics: Set<string>;
  /** NICs that gave an address up to us, as they were before, with what they gave (bare). */
  readonly displaced: Map<string, { readonly before: Nic; readonly taken: Set<string> }>;
}

export async function assignWholeNic<Nic extends { readonly id: string }, Edit>(
  cloud: WholeNicCloud<Nic, Edit>,
  call: ExecuteCall,
  context: CallContext,
): Promise<ExecuteReport> {
  const results = new AddressResults(call.addresses);
  const work: Assignment<Nic, Edit> = { cloud, call, context, results, namedNics: new Set(), displaced: new Map() };
  const own = await cloud.read(call.nic.nicRef);
  for (const result of cloud.planAssign(own, call.addresses).results) results.settle(result);
  if (context.mode === 'dry-run') return preview(work, own);

  const after = results.open().length === 0 ? own : await assignOpen(work, own);
  const displaced = [...work.displaced.keys()].join(',');
  const observed = { networkInterfaceId: own.id, ...(displaced === '' ? {} : { displacedNicRef: displaced }) };
  return { results: results.conclude(), observed, nic: cloud.stateOf(after) };
}

/** @returns the NIC as last read; every open address is settled */
async function assignOpen<Nic extends { readonly id: string }, Edit>(
  work: Assignment<Nic, Edit>,
  before: Nic,
): Promise<Nic> {
  const { results } = work;
  const end = performance.now() + work.cloud.placeLimitMs;
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
    if (isHeld && failure.names?.nicId !== undefined) work.namedNics.add(failure.names.nicId);
    // What we took off another NIC is on nobody's: giving up now would leave it there.
    const isOursToPlace =
      work.displaced.size > 0 && (isHeld || errorClass === 'conflict') && performance.now() + pause < end;
    if (!isOursToPlace && !(isHeld && looks < LOOKS_MAX)) {
      // The refusal may name the address that it is about; the others are tried without it.
      const named = results.open().find(({ address }) => bareAddress(address) === failure.names?.address);
      if (!isHeld || named === undefined) {
        await giveUp(work, failure);
        return own;
      }
      results.settle(failed(named.address, 'held-elsewhere', failure.error.message));
      continue;
    }
    await delay(pause);
    pause = Math.min(pause * 2, PAUSE_MS.last);
  }
}

/** One write for everything that is open; settles what is on the NIC afterwards, whatever the write answered. */
async function addOpen<Nic extends { readonly id: string }, Edit>({
  cloud,
  call,
  context,
  results,
}: Assignment<Nic, Edit>): Promise<WholeNicOutcome<Nic>> {
  const open = results.open();
  const id = call.nic.nicRef;
  const edit = (nic: Nic): Edit => cloud.planAssign(nic, open).edit;
  const outcome = await editWholeNic(cloud, context, { id, what: `assign ${addressesOf(open)} to ${id}`, edit });
  const { nic, failure, confirmedAfter } = outcome;
  const note = confirmedAfter === undefined ? '' : `; confirmed by reading, after: ${confirmedAfter.message}`;
  for (const result of cloud.planAssign(nic, open).results) {
    results.settle(result.status === 'succeeded' ? succeeded(result.address, `assigned to ${nic.id}${note}`) : result);
  }
  if (failure?.error.errorClass === 'held-elsewhere') {
    // Only a new name for an entry of ours was refused: the NIC has the address all the same.
    const held = cloud.stateOf(nic).addresses;
    for (const { address } of open.filter((one) => held.includes(one.address))) {
      results.settle(succeeded(address, `alreadyPresent: ${nic.id} has it under the name of an earlier epoch`));
    }
  }
  return outcome;
}

/**
 * Takes what we may take off the NICs that hold it, and settles what we may not. One NIC that refuses costs only its own addresses: what
 * another one gave up has to find its place.
 */
async function makeRoom<Nic extends { readonly id: string }, Edit>(
  work: Assignment<Nic, Edit>,
  own: Nic,
): Promise<void> {
  const open = work.results.open();
  const holders = await work.cloud.readHolders(own, open, work.namedNics);
  await Promise.all(holders.map(async (holder) => takeFrom(work, holder, open)));
}

async function takeFrom<Nic extends { readonly id: string }, Edit>(
  work: Assignment<Nic, Edit>,
  holder: Nic,
  open: readonly RequestedAddress[],
): Promise<void> {
  const { cloud, context, results } = work;
  for (const refusal of refusals(work, holder, open)) results.settle(refusal);
  const seized = takeable(work, holder, open);
  if (seized.length === 0) return;
  const what = `take ${addressesOf(seized)} off ${holder.id}`;
  const edit = (nic: Nic): Edit => cloud.planSeizure(nic, seized, nicNamer(work)).edit;
  try {
    const { nic, failure } = await editWholeNic(cloud, context, { id: holder.id, what, edit });
    // A newer epoch may have come while we wrote.
    for (const refusal of cloud.planSeizure(nic, seized, nicNamer(work)).results) results.settle(refusal);
    if (failure !== undefined) throw failure.error;
    const known = work.displaced.get(holder.id) ?? { before: holder, taken: new Set<string>() };
    work.displaced.set(holder.id, known);
    for (const { address } of seized) known.taken.add(bareAddress(address));
  } catch (cause) {
    if (!(cause instanceof ExecutorError)) throw cause;
    for (const { address } of seized) results.settle(failed(address, cause.errorClass, cause.message));
  }
}

/** Every open address failed. What would fail for good goes back to whom it was taken from. */
async function giveUp<Nic extends { readonly id: string }, Edit>(
  work: Assignment<Nic, Edit>,
  { error }: WriteFault,
): Promise<void> {
  const { results, displaced } = work;
  const open = results.open();
  if (FOR_GOOD.has(error.errorClass)) {
    for (const [id, { before, taken }] of displaced) {
      const lost = open.filter(({ address }) => taken.has(bareAddress(address)));
      if (lost.length === 0 || !(await giveBack(work, before, lost))) continue;
      for (const { address } of lost) {
        results.settle(failed(address, error.errorClass, `${error.message}; it was given back to ${id}`));
        taken.delete(bareAddress(address));
      }
      if (taken.size === 0) displaced.delete(id);
    }
  }
  results.failRest(error);
}

/** @returns whether the holder has them again; where not, they are nobody's, and whoever is told to assign them finds them free */
async function giveBack<Nic extends { readonly id: string }, Edit>(
  { cloud, context }: Assignment<Nic, Edit>,
  before: Nic,
  lost: readonly RequestedAddress[],
): Promise<boolean> {
  const bare = lost.map(({ address }) => bareAddress(address));
  const what = `give ${bare.join(', ')} back to ${before.id}`;
  const edit = (nic: Nic): Edit => cloud.planReturn(nic, before, bare);
  try {
    const { failure } = await editWholeNic(cloud, context, { id: before.id, what, edit });
    if (failure !== undefined) context.note(failure.error.message);
    return failure === undefined;
  } catch (cause) {
    if (!(cause instanceof ExecutorError)) throw cause;
    context.note(cause.message);
    return false;
  }
}

function isTaken<Nic extends { readonly id: string }, Edit>(
  { displaced }: Assignment<Nic, Edit>,
  address: string,
): boolean {
  return [...displaced.values()].some(({ taken }) => taken.has(bareAddress(address)));
}

/** What the holder has and we may not take, or have taken once already. */
function refusals<Nic extends { readonly id: string }, Edit>(
  work: Assignment<Nic, Edit>,
  holder: Nic,
  open: readonly RequestedAddress[],
): readonly AddressResult[] {
  const { cloud } = work;
  const { results } = cloud.planSeizure(holder, open, nicNamer(work));
  const why = `is with ${holder.id} again after it was taken off for this request: another router seizes it too`;
  const again = open.filter((one) => isTaken(work, one.address) && isTakeable(work, holder, one));
  return [
    ...results,
    ...again.map(({ address }) => failed(address, 'held-elsewhere', `${bareAddress(address)} ${why}`)),
  ];
}

function takeable<Nic extends { readonly id: string }, Edit>(
  work: Assignment<Nic, Edit>,
  holder: Nic,
  open: readonly RequestedAddress[],
): readonly RequestedAddress[] {
  return open.filter((one) => !isTaken(work, one.address) && isTakeable(work, holder, one));
}

function isTakeable<Nic extends { readonly id: string }, Edit>(
  work: Assignment<Nic, Edit>,
  holder: Nic,
  one: RequestedAddress,
): boolean {
  return !work.cloud.isEmpty(work.cloud.planSeizure(holder, [one], nicNamer(work)).edit);
}

function nicNamer<Nic extends { readonly id: string }, Edit>({
  call,
}: Assignment<Nic, Edit>): (node: string) => string | undefined {
  return (node) => call.nic.target[`nicOf.${node}`];
}

async function preview<Nic extends { readonly id: string }, Edit>(
  work: Assignment<Nic, Edit>,
  own: Nic,
): Promise<ExecuteReport> {
  const { cloud, results } = work;
  const open = results.open();
  const holders = open.length === 0 ? [] : await cloud.readHolders(own, open, new Set());
  for (const holder of holders) {
    for (const refusal of refusals(work, holder, open)) results.settle(refusal);
    for (const { address } of takeable(work, holder, results.open())) {
      results.settle(skipped(address, `dry run: would be taken off ${holder.id} and assigned to ${own.id}`));
    }
  }
  for (const { address } of results.open()) {
    results.settle(skipped(address, `dry run: would be assigned to ${own.id}`));
  }
  return { results: results.conclude(), observed: { networkInterfaceId: own.id }, nic: cloud.stateOf(own) };
}

function addressesOf(requested: readonly RequestedAddress[]): string {
  return requested.map(({ address }) => bareAddress(address)).join(', ');
}
