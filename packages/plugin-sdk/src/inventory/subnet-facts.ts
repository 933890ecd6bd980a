/** From what a cloud shows of a subnet to facts. Pure, and the same for every cloud whose machines have their addresses on NICs. */
import { ExecutorError } from '../executor-error.ts';
import { hostAddress } from '../nic-target.ts';
import type { ObserveResult } from '../observer-protocol.ts';
import type { PoolSettings } from './pool-settings.ts';
import { liesWithin } from './prefix.ts';
import { presenceFact, presenceOf, type PowerWords } from './presence.ts';

/** Of the result; it has facts alone, which count for the time of their pool. */
const TTL = '30m';

export interface SubnetNic {
  readonly id: string;
  /** Bare, the primary too. */
  readonly addresses: readonly string[];
  /** Whether the cloud lets it send what is not its own. */
  readonly mayForward: boolean;
  /** Undefined for one that no machine has. */
  readonly machineId: string | undefined;
}

export interface SubnetView {
  /** How operators know it. */
  readonly subnet: string;
  /** This router's NIC, as `nics` name it. */
  readonly ownNic: string;
  /** All NICs of the subnet. */
  readonly nics: readonly SubnetNic[];
  /** The cloud's own word for the state of each machine, by the id that `nics` have. */
  readonly states: ReadonlyMap<string, string>;
}

/**
 * 1. A NIC that sends only as itself belongs to a machine, and its addresses live there: they were observed, or expired if it is gone.
 * 2. One that may forward belongs to a router: what it has is captured, and said by nobody.
 * 3. One that no machine has (a load balancer's, a spare) is no evidence of a machine: what it has is said by nobody.
 * 4. What is not repeated is gone, so half a listing would take addresses away: one without this router itself is not believed.
 *
 * @throws ExecutorError `transport` for a listing that is not believed
 */
export function subnetResult(
  { pool, prefix, powerPolicy, factTtl }: PoolSettings,
  words: PowerWords,
  { subnet, ownNic, nics, states }: SubnetView,
  note: (text: string) => void,
): ObserveResult {
  if (!nics.some(({ id }) => id === ownNic))
    throw new ExecutorError('transport', `the listing of ${subnet} does not include ${ownNic}: half of it is missing`);
  const machines = nics.flatMap(({ addresses, mayForward, machineId }) =>
    mayForward || machineId === undefined
      ? []
      : [{ addresses, presence: presenceOf(states.get(machineId), words, powerPolicy) }],
  );
  const events = machines.flatMap(({ addresses, presence }) =>
    addresses
      .filter((address) => liesWithin(prefix, address))
      .map((address) => ({
        ...presenceFact(hostAddress(address), presence),
        pool,
        ...(factTtl === undefined ? {} : { ttl: factTtl }),
      })),
  );
  const unknown = machines.filter(({ presence }) => presence === 'unknown').length;
  if (unknown > 0) note(`of ${unknown} NICs nobody tells a state of the machine that is known; they are told as here`);
  note(`${nics.length} NICs in ${subnet}, ${events.length} addresses told`);
  return { ttl: TTL, events };
}
