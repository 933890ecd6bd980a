/** Whether a machine is at this site, by what a cloud says of it, and the facts that this comes to. Pure. */
import type { ObserveResult } from '../observer-protocol.ts';

/**
 * What becomes of the address of a machine that is switched off. `hold`: it stays this site's, as clouds keep the private address for it.
 * `release`: it is told expired, and whoever shows it next has it; the cloud still gives it to nobody else.
 */
export const POWER_POLICIES = ['hold', 'release'] as const;
export type PowerPolicy = (typeof POWER_POLICIES)[number];

/** @param text the value of `spec.env.ROUTERD_POWER_STATE`; `hold` where there is none. @throws Error that says what is wrong, for the operator */
export function powerPolicyOf(text: string | undefined): PowerPolicy {
  if (text === undefined) return 'hold';
  const policy = POWER_POLICIES.find((known) => known === text);
  if (policy === undefined) throw new Error(`spec.env.ROUTERD_POWER_STATE: "${text}" is neither hold nor release`);
  return policy;
}

export type Presence = 'here' | 'gone' | 'unknown';

/** A cloud's own words for the states of a machine. What is on its way up or down belongs to `here`, unless it never comes back. */
export interface PowerWords {
  readonly here: readonly string[];
  readonly stopped: readonly string[];
  readonly gone: readonly string[];
}

/** @param state undefined where the machine is not listed; like a word that nobody knows that is no evidence of anything */
export function presenceOf(state: string | undefined, words: PowerWords, policy: PowerPolicy): Presence {
  if (state === undefined) return 'unknown';
  if (words.stopped.includes(state)) return policy === 'hold' ? 'here' : 'gone';
  if (words.gone.includes(state)) return 'gone';
  return words.here.includes(state) ? 'here' : 'unknown';
}

/** Where nobody can say whether the machine is here, its address stays where it was seen. @param address `10.77.60.21/32` */
export function presenceFact(address: string, presence: Presence): NonNullable<ObserveResult['events']>[number] {
  const type = presence === 'gone' ? 'routerd.client.ipv4.expired' : 'routerd.client.ipv4.observed';
  return { type, subject: address };
}
