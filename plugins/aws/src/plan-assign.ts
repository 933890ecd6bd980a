/** Which addresses have to be assigned, which may be taken from whom. Pure. */
import {
  bareAddress,
  failed,
  succeeded,
  type AddressResult,
  type RequestedAddress,
  whyNotTaken,
} from '@routerd/plugin-sdk';
import type { NetworkInterface } from './network-interface.ts';

export interface AssignPlan {
  /** Known without any call. */
  readonly results: readonly AddressResult[];
  /** To be assigned without permission to take. */
  readonly plain: readonly RequestedAddress[];
  /** May be taken from another interface; needs a look at who holds them. */
  readonly seizing: readonly RequestedAddress[];
}

export function planAssign(own: NetworkInterface, requested: readonly RequestedAddress[]): AssignPlan {
  const results: AddressResult[] = [];
  const plain: RequestedAddress[] = [];
  const seizing: RequestedAddress[] = [];
  for (const request of requested) {
    const { address } = request;
    const bare = bareAddress(address);
    if (bare === own.primary) {
      results.push(
        failed(address, 'invalid', `${bare} is the primary address of ${own.id}; a primary is never captured`),
      );
    } else if (own.secondaries.includes(bare)) {
      results.push(succeeded(address, `alreadyPresent: ${own.id} has ${bare}`));
    } else if (request.seizeFrom === undefined) plain.push(request);
    else seizing.push(request);
  }
  return { results, plain, seizing };
}

export interface SeizurePlan {
  readonly refusals: readonly AddressResult[];
  /** Held by a secondary of another interface: need reassignment. */
  readonly taken: readonly RequestedAddress[];
  /** Held by nobody: assigned without the permission to take, which must not meet whoever came meanwhile. */
  readonly free: readonly RequestedAddress[];
}

/**
 * Takes only from a secondary; never a primary, which belongs to a machine.
 * @param nicOf the interface of a node, as the request names it: the address is taken from that one alone
 */
export function planSeizure(
  requested: readonly RequestedAddress[],
  holders: readonly NetworkInterface[],
  nicOf: (node: string) => string | undefined,
): SeizurePlan {
  const refusals: AddressResult[] = [];
  const taken: RequestedAddress[] = [];
  const free: RequestedAddress[] = [];
  for (const request of requested) {
    const { address, seizeFrom } = request;
    const bare = bareAddress(address);
    const holder = holders.find(({ primary, secondaries }) => primary === bare || secondaries.includes(bare));
    const why = holder === undefined ? undefined : whyNotTaken(holder.id, seizeFrom, nicOf);
    if (holder === undefined) free.push(request);
    else if (holder.primary === bare) {
      refusals.push(
        failed(address, 'held-elsewhere', `${bare} is the primary address of ${holder.id}, which is never taken`),
      );
    } else if (why !== undefined) refusals.push(failed(address, 'held-elsewhere', `${bare} ${why}`));
    else taken.push(request);
  }
  return { refusals, taken, free };
}

/** After a plain assign was refused because some address is held: whose it is, and what is left to try. */
export function planAfterRefusal(
  own: NetworkInterface,
  requested: readonly RequestedAddress[],
  holders: readonly NetworkInterface[],
): { readonly refusals: readonly AddressResult[]; readonly rest: readonly RequestedAddress[] } {
  const refusals: AddressResult[] = [];
  const rest: RequestedAddress[] = [];
  for (const request of requested) {
    const bare = bareAddress(request.address);
    const holder = holders.find(({ primary, secondaries }) => primary === bare || secondaries.includes(bare));
    if (holder === undefined || holder.id === own.id) rest.push(request);
    else refusals.push(failed(request.address, 'held-elsewhere', `${bare} is held by ${holder.id}`));
  }
  return { refusals, rest };
}
