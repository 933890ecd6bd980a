/** The NIC that a request is about, and its state in the protocol's words. */
import { ExecutorError, hostAddress, requiredTarget, type NicState, type NicTarget } from '@routerd/plugin-sdk';
import type { Nic, Provider } from './provider.ts';

export async function ownNic(cloud: Provider, target: NicTarget): Promise<Nic> {
  const nicRef = requiredTarget(target, 'nicRef');
  const nic = (await cloud.nics())[nicRef];
  if (nic === undefined) throw new ExecutorError('not-found', `there is no NIC ${nicRef}`);
  return nic;
}

export function nicStateOf({ addresses, forwarding }: Nic): NicState {
  return { addresses: addresses.map(hostAddress), forwarding };
}
