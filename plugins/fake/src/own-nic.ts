/** The NIC that a request is about, and its state in the protocol's words. */
import { ExecutorError, hostAddress, requiredTarget, type NicState, type NicTarget } from '@routerd/plugin-sdk';
import type { FileCloud, Nic } from './file-cloud.ts';

export function ownNic(cloud: FileCloud, target: NicTarget): Nic {
  const nic = cloud.read().nics[requiredTarget(target, 'nicRef')];
  if (nic === undefined) throw new ExecutorError('not-found', `there is no NIC ${target.nicRef}`);
  return nic;
}

export function nicStateOf({ addresses, forwarding }: Nic): NicState {
  return { addresses: addresses.map(hostAddress), forwarding };
}
