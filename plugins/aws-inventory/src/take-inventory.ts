/** From what EC2 shows of a subnet to facts. Pure. */
import type { NetworkInterface } from '@routerd/plugin-aws';
import {
  hostAddress,
  liesWithin,
  presenceFact,
  presenceOf,
  type ObserveResult,
  type PowerWords,
  type Presence,
} from '@routerd/plugin-sdk';
import type { InventorySettings } from './settings.ts';

/** EC2 API reference, InstanceState. What is `stopping` still answers. */
const EC2_WORDS: PowerWords = {
  here: ['pending', 'running', 'stopping'],
  stopped: ['stopped'],
  gone: ['shutting-down', 'terminated'],
};

export interface SubnetView {
  /** All interfaces of the subnet. */
  readonly interfaces: readonly NetworkInterface[];
  /** By the machine's id. */
  readonly states: ReadonlyMap<string, string>;
}

export interface Inventory {
  readonly facts: NonNullable<ObserveResult['events']>;
  /** Machines of which nobody says whether they run; they are told as here. */
  readonly unknown: number;
}

/**
 * 1. An interface that sends only as itself belongs to a machine, and its addresses live there: they were observed, or expired if it is gone.
 * 2. One with the source/destination check off belongs to a router: what it has is captured, and said by nobody.
 * 3. One that no machine has (a load balancer's, a spare) is no evidence of a machine: what it has is said by nobody.
 */
export function takeInventory(settings: InventorySettings, { interfaces, states }: SubnetView): Inventory {
  const machines = interfaces.flatMap(({ sourceDestCheck, instanceId, primary, secondaries }) => {
    if (!sourceDestCheck || instanceId === undefined) return [];
    const presence: Presence = presenceOf(states.get(instanceId), EC2_WORDS, settings.powerPolicy);
    return [{ presence, addresses: [primary, ...secondaries] }];
  });
  const facts = machines.flatMap(({ presence, addresses }) =>
    addresses
      .filter((address) => liesWithin(settings.prefix, address))
      .map((address) => ({ ...presenceFact(hostAddress(address), presence), pool: settings.pool })),
  );
  return { facts, unknown: machines.filter(({ presence }) => presence === 'unknown').length };
}
