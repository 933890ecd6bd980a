/** What one NIC needs to take addresses, or to give them up. Pure. */
import {
  bareAddress,
  failed,
  succeeded,
  type AddressResult,
  type NicPlan,
  type RequestedAddress,
  whyNotTaken,
} from '@routerd/plugin-sdk';
import { entryName, epochOfEntry } from './entry-name.ts';
import { entryFor, NO_EDIT, type NicDocument, type NicEdit } from './nic-document.ts';

type AzureNicPlan = NicPlan<NicEdit>;

/** Azure subscription and service limits, networking: private addresses for each network interface. */
export const ADDRESSES_PER_NIC = 256;

/**
 * Entries for what is missing. An entry of an earlier tenure gets the name of this one: its epoch is what another router compares.
 * One of a later tenure is left alone, and the request is told that it is stale.
 */
export function planAssign(nic: NicDocument, requested: readonly RequestedAddress[]): AzureNicPlan {
  const results: AddressResult[] = [];
  const add: NicEdit['add'][number][] = [];
  const remove: string[] = [];
  for (const { address, captureKey, captureEpoch } of requested) {
    const bare = bareAddress(address);
    const present = entryFor(nic, bare);
    const name = entryName(captureKey, bare, captureEpoch);
    const stored = present === undefined ? undefined : epochOfEntry(present.name);
    if (present === undefined && nic.ipConfigurations.length + add.length - remove.length >= ADDRESSES_PER_NIC) {
      // Told here, before anything is taken from anybody for it.
      results.push(failed(address, 'limit', `${nic.id} has ${ADDRESSES_PER_NIC} addresses, which is the limit`));
    } else if (present === undefined) add.push({ name, address: bare });
    else if (present.isPrimary) results.push(failed(address, 'invalid', `${bare} is the primary address of ${nic.id}`));
    else if (stored !== undefined && stored > captureEpoch) results.push(stale(address, captureEpoch, stored));
    else if (stored !== undefined && stored < captureEpoch) {
      remove.push(present.name);
      add.push({ name, address: bare });
    } else results.push(succeeded(address, `alreadyPresent: ${nic.id} has ${bare}`));
  }
  return { results, edit: { ...NO_EDIT, add, remove } };
}

/** Removals from our own NIC. */
export function planUnassign(nic: NicDocument, requested: readonly RequestedAddress[]): AzureNicPlan {
  const results: AddressResult[] = [];
  const remove: string[] = [];
  for (const { address, captureEpoch } of requested) {
    const bare = bareAddress(address);
    const present = entryFor(nic, bare);
    const stored = present === undefined ? undefined : epochOfEntry(present.name);
    if (present === undefined) results.push(succeeded(address, `alreadyAbsent: ${nic.id} has no ${bare}`));
    else if (present.isPrimary) results.push(failed(address, 'invalid', `${bare} is the primary address of ${nic.id}`));
    else if (stored !== undefined && stored > captureEpoch) results.push(stale(address, captureEpoch, stored));
    else remove.push(present.name);
  }
  return { results, edit: { ...NO_EDIT, remove } };
}

/**
 * Removals from the NIC that holds what we may take.
 * Never a primary, never an entry whose name carries a newer epoch, never without `seizeFrom`.
 * @param nicOf the NIC of a node, as the request names it: it is taken from that one alone
 */
export function planSeizure(
  holder: NicDocument,
  requested: readonly RequestedAddress[],
  nicOf: (node: string) => string | undefined,
): AzureNicPlan {
  const results: AddressResult[] = [];
  const remove: string[] = [];
  for (const { address, captureEpoch, seizeFrom } of requested) {
    const bare = bareAddress(address);
    const present = entryFor(holder, bare);
    if (present === undefined) continue;
    const stored = epochOfEntry(present.name);
    const why = whyNotTaken(holder.id, seizeFrom, nicOf);
    const refused = (why: string): void => void results.push(failed(address, 'held-elsewhere', `${bare} ${why}`));
    if (present.isPrimary) refused(`is the primary address of ${holder.id}, which is never taken`);
    else if (why !== undefined) refused(why);
    else if (stored !== undefined && stored > captureEpoch) {
      refused(`is held by ${holder.id} since epoch ${stored}; this request is of epoch ${captureEpoch}`);
    } else remove.push(present.name);
  }
  return { results, edit: { ...NO_EDIT, remove } };
}

/** Not `held-elsewhere`: whoever asks again after fencing finds out that it is late. */
function stale(address: string, offered: number, stored: number): AddressResult {
  return failed(address, 'conflict', `stale epoch ${offered}: the NIC has ${address} since epoch ${stored}`);
}
