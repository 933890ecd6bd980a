/** One NIC, brought to a wanted list of aliases: read, edit, write under the fingerprint, read again until it shows. */
import { ExecutorError, readUntil, type CallContext } from '@routerd/plugin-sdk';
import { classOf, executorError, faultOf, type ComputeFault } from './classify.ts';
import type { Compute } from './compute.ts';
import {
  editedRanges,
  isEmptyEdit,
  type InstanceDocument,
  type NicDocument,
  type NicEdit,
} from './instance-document.ts';
import { nicNameText, type NicName } from './nic-name.ts';

/** Rounds of read and write when somebody else edits the same NIC. */
const ROUNDS_MAX = 5;
/** How long a finished operation may take to show in a read. */
const READ_BACK = { deadlineMs: 10_000, everyMs: 100 } as const;
/** How long to look for the effect of a write whose answer was lost. Google publishes no figure. */
const LOST_ANSWER = { deadlineMs: 30_000, everyMs: 250 } as const;
/** A backend that said that it failed mostly did nothing: its word is looked into, not waited for. */
const SAID_FAILED = { deadlineMs: 5000, everyMs: 250 } as const;

export interface NicOutcome {
  /** As last read. */
  readonly nic: NicDocument;
  /** Undefined when the edit was found to be empty: the NIC is as wanted. */
  readonly failure: { readonly error: ExecutorError; readonly fault: ComputeFault } | undefined;
  /** What the last write answered, when only reading showed that it had taken effect. */
  readonly confirmedAfter?: ExecutorError;
}

/**
 * @param edit what is still to change; pure, called after every read, and empty when there is nothing left
 * @throws ExecutorError where the instance cannot be read
 */
export async function editNic(
  compute: Compute,
  context: CallContext,
  target: { readonly name: NicName; readonly what: string; readonly edit: (nic: NicDocument) => NicEdit },
): Promise<NicOutcome> {
  const { name, what, edit } = target;
  const read = async (): Promise<NicDocument> => readNic(compute, name);
  const isDone = (nic: NicDocument): boolean => isEmptyEdit(edit(nic));
  let nic = await read();
  for (let round = 1; ; round += 1) {
    const change = edit(nic);
    if (isEmptyEdit(change)) return { nic, failure: undefined };
    const ranges = editedRanges(nic, change);
    const { fingerprint } = nic;
    const fault = await context.mutate(what, async () =>
      faultIn(async () => compute.patchAliases(name, ranges, fingerprint)),
    );
    if (fault === undefined) {
      nic = await readUntil(read, isDone, READ_BACK);
      if (isDone(nic)) return { nic, failure: undefined };
    } else {
      nic = await readAfter(fault, read, isDone);
      if (isDone(nic)) return { nic, failure: undefined, confirmedAfter: executorError(what, fault) };
      // A lost race is tried again; with any other failure the caller decides, after fencing again.
      if (fault.httpStatus !== 412) return { nic, failure: { error: executorError(what, fault), fault } };
    }
    if (round === ROUNDS_MAX) {
      const message = `${what} was overtaken by other writers ${ROUNDS_MAX} times`;
      const overtaken = { code: 'Overtaken', message, httpStatus: undefined, operation: undefined } as const;
      const error = new ExecutorError('conflict', message);
      return { nic, failure: { error, fault: { ...overtaken, retryAfterMs: undefined } } };
    }
  }
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

export async function reading<T>(attempted: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    const fault = faultOf(cause);
    const errorClass = classOf(fault);
    throw executorError(attempted, fault, errorClass === 'unknown-outcome' ? 'transport' : errorClass);
  }
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
