import type { NicState } from '@routerd/plugin-sdk';
import type { NicDocument } from './instance-document.ts';

/** The NIC in the protocol's words; ranges wider than one address are left out. */
export function nicStateOf({ aliases, canIpForward }: NicDocument): NicState {
  const addresses = aliases.flatMap(({ cidr }) => (cidr.endsWith('/32') ? [cidr] : []));
  return { addresses, forwarding: canIpForward };
}
