/** NICs as lists of alias ranges under fingerprints, for what the SDK does with such. */
import { ExecutorError, readUntil, type WholeNicCloud, type WriteFault } from '@routerd/plugin-sdk';
import { addressNamedIn, classOf, executorError, faultOf, type ComputeFault } from './classify.ts';
import type { Compute } from './compute.ts';
import { readHolders } from './holders.ts';
import {
  editedRanges,
  holdingOf,
  isEmptyEdit,
  type InstanceDocument,
  type NicDocument,
  type NicEdit,
} from './instance-document.ts';
import { nicNameText, parseNicName, type NicName } from './nic-name.ts';
import { nicStateOf } from './nic-state.ts';
import { planAssign, planSeizure, planUnassign } from './plan-address.ts';
import { reading } from './reading.ts';

/** How long to look for the effect of a write whose answer was lost. Google publishes no figure. */
const LOST_ANSWER = { deadlineMs: 30_000, everyMs: 250 } as const;
/** A backend that said that it failed mostly did nothing: its word is looked into, not waited for. */
const SAID_FAILED = { deadlineMs: 5000, everyMs: 250 } as const;
/** How long we keep trying to place what we took off another NIC, when the instance is not ready or the address not free yet. */
const PLACE_LIMIT_MS = 60_000;

export type GcpNics = WholeNicCloud<NicDocument, NicEdit>;

/** Nothing at GCP can carry an epoch, so the caller's fence is all that tells an old request from a new one. */
export function gcpNics(compute: Compute): GcpNics {
  const read = async (id: string): Promise<NicDocument> => readNic(compute, nicNameOf(id));
  return {
    read,
    async write(nic, edit, what): Promise<WriteFault | undefined> {
      const name = nicNameOf(nic.id);
      const ranges = editedRanges(nic, edit);
      const fault = await faultIn(async () => compute.patchAliases(name, ranges, nic.fingerprint));
      if (fault === undefined) return undefined;
      const names = { address: addressNamedIn(fault.message) };
      const isInOperation = fault.operation !== undefined;
      return {
        error: executorError(what, fault),
        isLostRace: fault.httpStatus === 412,
        names,
        isAnswered: isInOperation || fault.httpStatus !== undefined,
      };
    },
    readSettled: async (id, fault, isDone) =>
      readUntil(async () => read(id), isDone, fault.isAnswered === true ? SAID_FAILED : LOST_ANSWER),
    readHolders: async (own, requested) => readHolders(compute, { own, name: nicNameOf(own.id), requested }),
    isEmpty: isEmptyEdit,
    stateOf: nicStateOf,
    planAssign,
    planUnassign,
    planSeizure,
    planReturn: (nic, _before, bare) => ({
      add: bare.filter((address) => holdingOf(nic, address) === 'none'),
      remove: [],
    }),
    placeLimitMs: PLACE_LIMIT_MS,
  };
}

/** @throws ExecutorError `invalid` for what names no NIC */
export function nicNameOf(text: string): NicName {
  const name = parseNicName(text);
  if (name !== undefined) return name;
  const wanted = 'projects/<project>/zones/<zone>/instances/<instance>/networkInterfaces/nic0';
  throw new ExecutorError('invalid', `target.nicRef has to be ${wanted}, not "${text}"`);
}

/** After a lost answer the operation may still run; only reading shows what came of it. */
export async function readAfter<T>(
  fault: ComputeFault,
  read: () => Promise<T>,
  isDone: (value: T) => boolean,
): Promise<T> {
  if (classOf(fault) !== 'unknown-outcome') return read();
  return readUntil(
    read,
    isDone,
    fault.httpStatus === undefined && fault.operation === undefined ? LOST_ANSWER : SAID_FAILED,
  );
}

/** @throws ExecutorError; a read whose answer is lost has changed nothing */
export async function readNic(compute: Compute, name: NicName): Promise<NicDocument> {
  const instance = await readInstance(compute, name);
  const nic = instance.nics.find((each) => each.name === name.nic);
  if (nic === undefined) throw new ExecutorError('not-found', `${name.instance} has no network interface ${name.nic}`);
  return { ...nic, id: nicNameText(name) };
}

export async function readInstance(compute: Compute, { instance }: NicName): Promise<InstanceDocument> {
  const found = await reading(`reading ${instance}`, async () => compute.readInstance(instance));
  if (found === undefined) throw new ExecutorError('not-found', `GCP knows no instance ${instance}`);
  return found;
}

/** @returns what went wrong */
export async function faultIn(call: () => Promise<void>): Promise<ComputeFault | undefined> {
  try {
    await call();
    return undefined;
  } catch (cause) {
    return faultOf(cause);
  }
}
