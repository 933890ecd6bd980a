import { hostAddress, type NicState } from '@routerd/plugin-sdk';
import { reading, readVnic } from './calls.ts';
import type { VirtualNetwork } from './virtual-network.ts';

/** The VNIC in the protocol's words. */
export async function readNicState(network: VirtualNetwork, vnicId: string): Promise<NicState> {
  const [vnic, addresses] = await Promise.all([
    readVnic(network, vnicId),
    reading(`listing the addresses of ${vnicId}`, async () => network.listOfVnic(vnicId)),
  ]);
  const secondaries = addresses.filter(({ isPrimary }) => !isPrimary);
  return { addresses: secondaries.map(({ address }) => hostAddress(address)), forwarding: vnic.skipSourceDestCheck };
}
