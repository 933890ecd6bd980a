/** How many mutating calls a provider's API needs for one batch, as our executors make them. Reads before and after are not counted. */
import type { ActionVerb, PoolContext, PoolMember, Provider } from '../model.ts';

export interface ProviderBatch {
  readonly verb: ActionVerb;
  /** All of one NIC. */
  readonly addresses: number;
  /** NICs that addresses of the batch are taken from. */
  readonly seizedNics: number;
}

/**
 * aws: AssignPrivateIpAddresses and its opposite take many addresses; one call moves them too (AllowReassignment).
 * azure: the NIC is one document (PUT); a move takes the addresses off the other NIC first. gcp: likewise, updateNetworkInterface.
 * oci: an address is an object of its own, one call each.
 */
export function providerCalls(provider: Provider | undefined, { verb, addresses, seizedNics }: ProviderBatch): number {
  if (verb === 'ensure-forwarding-enabled' || verb === 'ensure-forwarding-disabled') return 1;
  switch (provider) {
    case 'oci':
      return addresses;
    case 'azure':
    case 'gcp':
      return 1 + seizedNics;
    case 'aws':
    case undefined:
      return 1;
  }
}

/**
 * The provider of a member's NIC: by its profile, where this node has it. Nodes need only their own, so of the others it is told by
 * how their provider names NICs.
 */
export function providerOf({ profiles }: PoolContext, { spec: { capture } }: PoolMember): Provider | undefined {
  if (capture.type !== 'provider-secondary-ip') return undefined;
  const known = profiles.get(capture.providerRef)?.spec.provider;
  return known ?? NIC_NAMES.find(([start]) => capture.nicRef.startsWith(start))?.[1];
}

const NIC_NAMES: readonly (readonly [start: string, provider: Provider])[] = [
  ['eni-', 'aws'],
  ['/subscriptions/', 'azure'],
  ['ocid1.vnic.', 'oci'],
  ['projects/', 'gcp'],
];
