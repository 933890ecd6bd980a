/** NICs as documents under ETags, for what the SDK does with such. */
import { ExecutorError, readUntil, type WholeNicCloud, type WriteFault } from '@routerd/plugin-sdk';
import type { Arm } from './arm.ts';
import { executorError, faultOf, holderNamedIn } from './classify.ts';
import { readHolders } from './holders.ts';
import { editedBody, entryFor, isEmptyEdit, NO_EDIT, type NicDocument, type NicEdit } from './nic-document.ts';
import { nicStateOf } from './nic-state.ts';
import { planAssign, planSeizure, planUnassign } from './plan-assign.ts';
import { reading } from './reading.ts';

/** How long to wait for an operation whose answer was lost; Azure's slowest recorded moves took ten minutes, the caller's limit ends it sooner. */
const LOST_OPERATION = { deadlineMs: 600_000, everyMs: 500 } as const;
/** How long a removed address may still count as allocated, after its removal succeeded. Recorded in the field: up to two minutes. */
const RELEASE_LAG_MS = 120_000;

export type AzureNics = WholeNicCloud<NicDocument, NicEdit>;

export function azureNics(arm: Arm): AzureNics {
  const read = async (id: string): Promise<NicDocument> => readNic(arm, id);
  return {
    read,
    async write(nic, edit, what): Promise<WriteFault | undefined> {
      try {
        await arm.putNic(nic.id, editedBody(nic, edit), nic.etag);
        return undefined;
      } catch (cause) {
        const fault = faultOf(cause);
        const names = holderNamedIn(fault.message);
        return { error: executorError(what, fault), isLostRace: fault.httpStatus === 412, names };
      }
    },
    // After a lost answer the operation may still run; only its end shows what came of it.
    readSettled: async (id) =>
      readUntil(
        async () => read(id),
        ({ isUpdating }) => !isUpdating,
        LOST_OPERATION,
      ),
    readHolders: async (own, requested, namedNics) => readHolders(arm, own, requested, namedNics),
    isEmpty: isEmptyEdit,
    stateOf: nicStateOf,
    planAssign,
    planUnassign,
    planSeizure,
    planReturn,
    placeLimitMs: RELEASE_LAG_MS,
  };
}

/** Under their old names, which carry the epochs that they had there. */
function planReturn(nic: NicDocument, before: NicDocument, bare: readonly string[]): NicEdit {
  const missing = before.ipConfigurations.filter(
    ({ address }) => bare.includes(address) && entryFor(nic, address) === undefined,
  );
  return { ...NO_EDIT, add: missing.map(({ name, address }) => ({ name, address })) };
}

/** @throws ExecutorError; a read whose answer is lost has changed nothing */
export async function readNic(arm: Arm, id: string): Promise<NicDocument> {
  const nic = await reading(`reading ${id}`, async () => arm.readNic(id));
  if (nic === undefined) throw new ExecutorError('not-found', `Azure knows no network interface ${id}`);
  return nic;
}
