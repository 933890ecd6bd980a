import { hostAddress, type NicState } from '@routerd/plugin-sdk';
import type { NetworkInterface } from './network-interface.ts';

/** The interface in the protocol's words. */
export function nicStateOf({ secondaries, sourceDestCheck }: NetworkInterface): NicState {
  return { addresses: secondaries.map(hostAddress), forwarding: !sourceDestCheck };
}
