/** The part of a request that says where: read strictly, with the messages operators know. */
import { ExecutorError } from './executor-error.ts';
import type { NicTarget } from './executor-plugin.ts';

/** @throws ExecutorError `invalid`, `target.region is required` */
export function requiredTarget(nic: NicTarget, key: string): string {
  const value = key === 'nicRef' ? nic.nicRef : nic.target[key];
  if (value === undefined || value === '')
    throw new ExecutorError('invalid', `target.${key} is required`, { number: 506 });
  return value;
}

/** `10.77.60.10` from `10.77.60.10/32`: no provider takes the length of a host prefix. */
export function bareAddress(address: string): string {
  return address.endsWith('/32') ? address.slice(0, -3) : address;
}

export function hostAddress(bare: string): string {
  return `${bare}/32`;
}

/** NICs of other routers, from which this one may have to take addresses: the `nicOf.<node>` of the target. */
export function peerNics({ nicRef, target }: NicTarget): readonly string[] {
  const peers = Object.entries(target).flatMap(([key, value]) => (key.startsWith('nicOf.') ? [value] : []));
  return [...new Set(peers)].filter((each) => each !== nicRef);
}
