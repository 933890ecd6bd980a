/** One NIC, brought to a wanted state: read, edit, write under the ETag, read again until it shows. */
import { ExecutorError, readUntil, type CallContext } from '@routerd/plugin-sdk';
import type { Arm } from './arm.ts';
import { classOf, executorError, faultOf, type ArmFault } from './classify.ts';
import { editedBody, isEmptyEdit, type NicDocument, type NicEdit } from './nic-document.ts';

/** Rounds of read and write when somebody else edits the same NIC. */
const ROUNDS_MAX = 5;
/** How long a finished operation may take to show in a read. */
const READ_BACK = { deadlineMs: 10_000, everyMs: 100 } as const;
/** How long to wait for an operation whose answer was lost; Azure's slowest recorded moves took ten minutes, the caller's limit ends it sooner. */
const LOST_OPERATION = { deadlineMs: 600_000, everyMs: 500 } as const;

export interface NicOutcome {
  /** As last read. */
  readonly nic: NicDocument;
  /** Undefined when the edit was found to be empty: the NIC is as wanted. */
  readonly failure: { readonly error: ExecutorError; readonly fault: ArmFault } | undefined;
  /** What the last write answered, when only reading showed that it had taken effect. */
  readonly confirmedAfter?: ExecutorError;
}

/**
 * @param edit what is still to change; pure, called after every read, and empty when there is nothing left
 * @throws ExecutorError where the NIC cannot be read
 */
export async function editNic(
  arm: Arm,
  context: CallContext,
  target: { readonly id: string; readonly what: string; readonly edit: (nic: NicDocument) => NicEdit },
): Promise<NicOutcome> {
  const { id, what, edit } = target;
  let nic = await readNic(arm, id);
  for (let round = 1; ; round += 1) {
    const change = edit(nic);
    if (isEmptyEdit(change)) return { nic, failure: undefined };
    const body = editedBody(nic, change);
    const { etag } = nic;
    const fault = await context.mutate(what, async () => put(arm, id, body, etag));
    if (fault === undefined) {
      nic = await readUntil(
        async () => readNic(arm, id),
        (read) => isEmptyEdit(edit(read)),
        READ_BACK,
      );
      if (isEmptyEdit(edit(nic))) return { nic, failure: undefined };
    } else {
      const errorClass = classOf(fault);
      // After a lost answer the operation may still run; only its end shows what came of it.
      const isLost = errorClass === 'unknown-outcome';
      nic = await readUntil(
        async () => readNic(arm, id),
        ({ isUpdating }) => !isLost || !isUpdating,
        LOST_OPERATION,
      );
      if (isEmptyEdit(edit(nic))) return { nic, failure: undefined, confirmedAfter: executorError(what, fault) };
      // A lost race is tried again; with any other failure the caller decides, after fencing again.
      if (fault.httpStatus !== 412) return { nic, failure: { error: executorError(what, fault), fault } };
    }
    if (round === ROUNDS_MAX) {
      const message = `${what} was overtaken by other writers ${ROUNDS_MAX} times`;
      return { nic, failure: failureOf(new ExecutorError('conflict', message)) };
    }
  }
}

/** @throws ExecutorError; a read whose answer is lost has changed nothing */
export async function readNic(arm: Arm, id: string): Promise<NicDocument> {
  const nic = await reading(`reading ${id}`, async () => arm.readNic(id));
  if (nic === undefined) throw new ExecutorError('not-found', `Azure knows no network interface ${id}`);
  return nic;
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
async function put(arm: Arm, id: string, body: NicDocument['json'], etag: string): Promise<ArmFault | undefined> {
  try {
    await arm.putNic(id, body, etag);
    return undefined;
  } catch (cause) {
    return faultOf(cause);
  }
}

function failureOf(error: ExecutorError): NonNullable<NicOutcome['failure']> {
  const { message } = error;
  return {
    error,
    fault: { code: 'Overtaken', message, httpStatus: undefined, requestId: undefined, retryAfterMs: undefined },
  };
}
