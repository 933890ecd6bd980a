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
import { holdingOf, type NicDocument, type NicEdit } from './instance-document.ts';

/** Compute Engine's limit on one NIC (VPC quotas and limits, alias IP ranges per network interface). */
export const ALIAS_RANGES_MAX = 150;

type GcpNicPlan = NicPlan<NicEdit>;

/** What does not fit is told here, address by address in the order of the request, before anything is taken from anybody for it. */
export function planAssign(nic: NicDocument, requested: readonly RequestedAddress[]): GcpNicPlan {
  const results: AddressResult[] = [];
  const add: string[] = [];
  for (const { address } of requested) {
    const bare = bareAddress(address);
    const holding = holdingOf(nic, bare);
    if (holding === 'alias') results.push(succeeded(address, `alreadyPresent: ${nic.id} has ${bare}`));
    else if (holding === 'primary')
      results.push(failed(address, 'invalid', `${bare} is the primary address of ${nic.id}`));
    else if (holding === 'wider-range') results.push(failed(address, 'invalid', inWiderRange(nic, bare)));
    else if (nic.aliases.length + add.length >= ALIAS_RANGES_MAX) {
      results.push(failed(address, 'limit', `${nic.id} has ${ALIAS_RANGES_MAX} alias ranges, which is the limit`));
    } else add.push(bare);
  }
  return { results, edit: { add, remove: [] } };
}

/** Removals from our own NIC. */
export function planUnassign(nic: NicDocument, requested: readonly RequestedAddress[]): GcpNicPlan {
  const results: AddressResult[] = [];
  const remove: string[] = [];
  for (const { address } of requested) {
    const bare = bareAddress(address);
    const holding = holdingOf(nic, bare);
    if (holding === 'alias') remove.push(bare);
    else if (holding === 'none') results.push(succeeded(address, `alreadyAbsent: ${nic.id} has no ${bare}`));
    else if (holding === 'primary')
      results.push(failed(address, 'invalid', `${bare} is the primary address of ${nic.id}`));
    else results.push(failed(address, 'invalid', inWiderRange(nic, bare)));
  }
  return { results, edit: { add: [], remove } };
}

/**
 * Removals from the NIC that holds what we may take: never a primary, never a part of a wider range, never without `seizeFrom`.
 * Nothing at GCP can carry an epoch, so the caller's fence is all that tells an old request from a new one.
 * @param nicOf the NIC of a node, as the request names it: it is taken from that one alone
 */
export function planSeizure(
  holder: NicDocument,
  requested: readonly RequestedAddress[],
  nicOf: (node: string) => string | undefined,
): GcpNicPlan {
  const results: AddressResult[] = [];
  const remove: string[] = [];
  for (const { address, seizeFrom } of requested) {
    const bare = bareAddress(address);
    const holding = holdingOf(holder, bare);
    if (holding === 'none') continue;
    const why = whyNotTaken(holder.id, seizeFrom, nicOf);
    const refused = (why: string): void => void results.push(failed(address, 'held-elsewhere', `${bare} ${why}`));
    if (holding === 'primary') refused(`is the primary address of ${holder.id}, which is never taken`);
    else if (holding === 'wider-range') refused(`is inside a wider alias range of ${holder.id}, which is never taken`);
    else if (why !== undefined) refused(why);
    else remove.push(bare);
  }
  return { results, edit: { add: [], remove } };
}

function inWiderRange(nic: NicDocument, bare: string): string {
  return `${bare} is inside a wider alias range of ${nic.id}, which is not routerd's to change`;
}
