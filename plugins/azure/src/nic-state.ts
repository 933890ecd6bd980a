import { hostAddress, type NicState } from '@routerd/plugin-sdk';
import { addressedEntries, type NicDocument } from './nic-document.ts';

/** The NIC in the protocol's words. */
export function nicStateOf(nic: NicDocument): NicState {
  const secondaries = addressedEntries(nic).filter(({ isPrimary }) => !isPrimary);
  return { addresses: secondaries.map(({ address }) => hostAddress(address)), forwarding: nic.ipForwarding };
}
