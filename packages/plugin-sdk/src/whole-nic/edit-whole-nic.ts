/** One NIC, brought to a wanted state: read, edit, write under the condition, read again until it shows. */
import { ExecutorError } from '../executor-error.ts';
import type { CallContext } from '../executor-plugin.ts';
import { readUntil } from '../read-until.ts';
import type { WholeNicCloud, WriteFault } from './whole-nic-cloud.ts';

/** Rounds of read and write when somebody else edits the same NIC. */
const ROUNDS_MAX = 5;
/** How long a finished write may take to show in a read. */
const READ_BACK = { deadlineMs: 10_000, everyMs: 100 } as const;

export interface WholeNicOutcome<Nic> {
  /** As last read. */
  readonly nic: Nic;
  /** Undefined when the edit was found to be empty: the NIC is as wanted. */
  readonly failure: WriteFault | undefined;
  /** What the last write answered, when only reading showed that it had taken effect. */
  readonly confirmedAfter?: ExecutorError;
}

/**
 * @param edit what is still to change; pure, called after every read, and empty when there is nothing left
 * @throws ExecutorError where the NIC cannot be read
 */
export async function editWholeNic<Nic extends { readonly id: string }, Edit>(
  cloud: WholeNicCloud<Nic, Edit>,
  context: CallContext,
  target: { readonly id: string; readonly what: string; readonly edit: (nic: Nic) => Edit },
): Promise<WholeNicOutcome<Nic>> {
  const { id, what, edit } = target;
  const isDone = (nic: Nic): boolean => cloud.isEmpty(edit(nic));
  let nic = await cloud.read(id);
  for (let round = 1; ; round += 1) {
    if (isDone(nic)) return { nic, failure: undefined };
    const before = nic;
    const fault = await context.mutate(what, async () => cloud.write(before, edit(before), what));
    if (fault === undefined) {
      nic = await readUntil(async () => cloud.read(id), isDone, READ_BACK);
    } else {
      const isLost = fault.error.errorClass === 'unknown-outcome';
      nic = isLost ? await cloud.readSettled(id, fault, isDone) : await cloud.read(id);
      if (isDone(nic)) return { nic, failure: undefined, confirmedAfter: fault.error };
      // A lost race is tried again; with any other failure the caller decides, after fencing again.
      if (!fault.isLostRace) return { nic, failure: fault };
    }
    if (round === ROUNDS_MAX && !isDone(nic)) {
      const error = new ExecutorError('conflict', `${what} was overtaken by other writers ${ROUNDS_MAX} times`);
      return { nic, failure: { error, isLostRace: true } };
    }
  }
}
