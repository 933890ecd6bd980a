import { hostAddress, type NicState } from '@routerd/plugin-sdk';
import type { NicDocument } from './nic-document.ts';

/** The NIC in the protocol's words. */
export function nicStateOf({ ipConfigurations, ipForwarding }: NicDocument): NicState {
  const secondaries = ipConfigurations.filter(({ isPrimary, address }) => !isPrimary && /^[\d.]+$/.test(address));
  return { addresses: secondaries.map(({ address }) => hostAddress(address)), forwarding: ipForwarding };
}
