/** Where packets go and which NICs are exempt from the source/destination check: what the fabric does, as data, and the way from one to another. */
import { addressesOf, type AddressSpace } from './address-space.ts';

export interface FabricView {
  /** Address → the device of the NIC that has it. */
  readonly holders: ReadonlyMap<string, string>;
  /** Devices whose NIC may carry packets that are not its own. */
  readonly unchecked: ReadonlySet<string>;
}

export interface FabricChange {
  readonly address: string;
  /** Device that gets it; absent when nobody does. */
  readonly to?: string;
  readonly from?: string;
}

/**
 * The steps, to be done in this order, so that a moving address is never without a place to go: the new holder's device may send and
 * receive for it, then the route moves, then the old holder's device may not any more.
 */
export interface FabricPlan {
  /** One nft transaction. */
  readonly permit: readonly string[];
  /** Lines of one `ip -batch`. */
  readonly routes: readonly string[];
  /** One nft transaction. */
  readonly forbid: readonly string[];
  readonly changes: readonly FabricChange[];
}

/** Addresses that an operation only reserves are not in it. */
export function fabricViewOf(space: AddressSpace): FabricView {
  const nics = [...space.nics.values()];
  const settled = nics.flatMap((nic) => {
    const reserved = new Set(nic.secondaries.filter((each) => !each.settled).map(({ address }) => address));
    return addressesOf(nic)
      .filter((address) => !reserved.has(address))
      .map((address) => [address, nic.device] as const);
  });
  return {
    holders: new Map(settled),
    unchecked: new Set(nics.filter((nic) => nic.forwarding).map((nic) => nic.device)),
  };
}

/** @param primaries device → primary address of its NIC, which every secondary is routed through */
export function planFabric(
  applied: FabricView,
  wanted: FabricView,
  primaries: ReadonlyMap<string, string>,
): FabricPlan {
  const changes = changedHolders(applied, wanted);
  const opened = [...wanted.unchecked].filter((device) => !applied.unchecked.has(device));
  const closed = [...applied.unchecked].filter((device) => !wanted.unchecked.has(device));
  const pair = (device: string, address: string): string => `{ "${device}" . ${address} }`;
  return {
    permit: [
      ...opened.map((device) => `add element ip fabric nocheck { "${device}" }`),
      ...changes.flatMap(({ address, to }) =>
        to === undefined ? [] : [`add element ip fabric eni_addr ${pair(to, address)}`],
      ),
    ],
    routes: changes.map(({ address, to }) =>
      to === undefined ? `route del ${address}/32` : routeTo(address, to, primaries.get(to)),
    ),
    forbid: [
      ...changes.flatMap(({ address, from }) =>
        from === undefined ? [] : [`delete element ip fabric eni_addr ${pair(from, address)}`],
      ),
      ...closed.map((device) => `delete element ip fabric nocheck { "${device}" }`),
    ],
    changes,
  };
}

function changedHolders(applied: FabricView, wanted: FabricView): readonly FabricChange[] {
  const addresses = new Set([...wanted.holders.keys(), ...applied.holders.keys()]);
  return [...addresses].flatMap((address): readonly FabricChange[] => {
    const to = wanted.holders.get(address);
    const from = applied.holders.get(address);
    if (to === from) return [];
    return [{ address, ...(to === undefined ? {} : { to }), ...(from === undefined ? {} : { from }) }];
  });
}

/** A secondary goes to the MAC of its NIC, by way of the primary: the guest need not own it. */
export function routeTo(address: string, device: string, primary: string | undefined): string {
  const by = primary === undefined || primary === address ? '' : ` via ${primary}`;
  return `route replace ${address}/32${by} dev ${device}${by === '' ? '' : ' onlink'}`;
}
