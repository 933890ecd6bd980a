/** Which captured addresses were found on this host and taken off it. */
import { parseHostAddress, type HostAddress } from '@routerd/resources';
import type { HostOp } from '../host-op.ts';

export interface AddressTakenOff {
  /** Where it was found last. */
  readonly interface: string;
  /** The last change of the host took it off. */
  readonly byLastChange: boolean;
}

/** Nothing is made anew while no captured address is found on the host: that is how nearly all changes are. */
export function takenOffBy(
  landed: readonly HostOp[],
  before: ReadonlyMap<HostAddress, AddressTakenOff>,
): ReadonlyMap<HostAddress, AddressTakenOff> {
  const now = landed.filter((op) => op.verb === 'address-remove').filter(({ because }) => because === 'captured');
  if (before.size === 0 && now.length === 0) return before;
  const after = new Map<HostAddress, AddressTakenOff>();
  for (const [address, { interface: name }] of before) after.set(address, { interface: name, byLastChange: false });
  for (const op of now) {
    const address = parseHostAddress(`${op.address.split('/')[0] ?? ''}/32`);
    if (address.ok) after.set(address.value, { interface: op.interface, byLastChange: true });
  }
  return after;
}
