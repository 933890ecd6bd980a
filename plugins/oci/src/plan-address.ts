/** What one address needs, from the object that occupies it. Pure. */
import {
  bareAddress,
  failed,
  succeeded,
  type AddressResult,
  type RequestedAddress,
  whyNotTaken,
} from '@routerd/plugin-sdk';
import { captureTags, epochIn } from './capture-tags.ts';
import type { PrivateIp, Tags } from './virtual-network.ts';

export type AddressStep =
  | { readonly kind: 'settled'; readonly result: AddressResult }
  | { readonly kind: 'create'; readonly freeformTags: Tags }
  /** From another VNIC, or from none. */
  | { readonly kind: 'move'; readonly from: string; readonly freeformTags: Tags }
  /** It is on ours under an earlier epoch: only the tags are written. */
  | { readonly kind: 'retag'; readonly freeformTags: Tags }
  | { readonly kind: 'remove' };

/** @param nicOf the VNIC of a node, as the request names it: it is taken from that one alone */
export function planAssign(
  vnicId: string,
  request: RequestedAddress,
  found: PrivateIp | undefined,
  nicOf: (node: string) => string | undefined,
): AddressStep {
  const { address, captureEpoch, captureKey, seizeFrom } = request;
  const bare = bareAddress(address);
  const tags = captureTags(found?.freeformTags ?? {}, request, vnicId);
  if (found === undefined) return { kind: 'create', freeformTags: tags };
  const refused = (why: string): AddressStep => settled(failed(address, 'held-elsewhere', `${bare} ${why}`));
  const stored = epochIn(found.freeformTags);
  if (found.vnicId === vnicId) {
    if (found.isPrimary) return settled(failed(address, 'invalid', `${bare} is the primary address of ${vnicId}`));
    if (stored !== undefined && stored > captureEpoch) return settled(stale(address, captureEpoch, stored));
    if (stored === captureEpoch) return settled(succeeded(address, `alreadyPresent: ${vnicId} has ${bare}`));
    return { kind: 'retag', freeformTags: tags };
  }
  if (found.isPrimary) return refused(`is the primary address of ${found.vnicId}, which is never taken`);
  const isOursDetached = found.vnicId === undefined && found.freeformTags['routerdKey'] === captureKey;
  if (found.vnicId === undefined) {
    if (seizeFrom === undefined && !isOursDetached) return refused(`is reserved as ${found.id}`);
  } else {
    const why = whyNotTaken(found.vnicId, seizeFrom, nicOf);
    if (why !== undefined) return refused(why);
  }
  if (stored !== undefined && stored > captureEpoch) {
    return refused(`is held since epoch ${stored}; this request is of epoch ${captureEpoch}`);
  }
  return { kind: 'move', from: found.vnicId ?? 'nobody', freeformTags: tags };
}

export function planUnassign(vnicId: string, request: RequestedAddress, found: PrivateIp | undefined): AddressStep {
  const { address, captureEpoch } = request;
  const bare = bareAddress(address);
  if (found?.vnicId !== vnicId) return settled(succeeded(address, `alreadyAbsent: ${vnicId} has no ${bare}`));
  if (found.isPrimary) return settled(failed(address, 'invalid', `${bare} is the primary address of ${vnicId}`));
  const stored = epochIn(found.freeformTags);
  return stored !== undefined && stored > captureEpoch
    ? settled(stale(address, captureEpoch, stored))
    : { kind: 'remove' };
}

function settled(result: AddressResult): AddressStep {
  return { kind: 'settled', result };
}

/** Not `held-elsewhere`: whoever asks again after fencing finds out that it is late. */
function stale(address: string, offered: number, stored: number): AddressResult {
  return failed(address, 'conflict', `stale epoch ${offered}: the VNIC has ${address} since epoch ${stored}`);
}
