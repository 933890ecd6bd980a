/** The free-form tags that carry the fence: they change in the same atomic write as the VNIC. Pure. */
import type { RequestedAddress } from '@routerd/plugin-sdk';
import type { Tags } from './virtual-network.ts';

/** Longest value of a free-form tag (OCI, "Resource Tags"). */
const VALUE_CHARACTERS_MAX = 256;

/** What is there already stays. */
export function captureTags(
  existing: Tags,
  { captureKey, captureEpoch }: Pick<RequestedAddress, 'captureKey' | 'captureEpoch'>,
  vnicId: string,
): Tags {
  return {
    ...existing,
    routerdEpoch: String(captureEpoch),
    routerdHolder: vnicId.slice(0, VALUE_CHARACTERS_MAX),
    routerdKey: captureKey.slice(0, VALUE_CHARACTERS_MAX),
  };
}

/** @returns undefined where no capture of ours left its epoch */
export function epochIn(tags: Tags): number | undefined {
  const text = tags['routerdEpoch'] ?? '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
