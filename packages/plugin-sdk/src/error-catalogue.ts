/** Every failure that the protocol knows, by number. The class decides what the caller does; the number says which condition it was. */
import type { ErrorClass } from './protocol.ts';

export interface CatalogueEntry {
  /** The hundreds are the class, `00` is the class itself. Never given to another condition. */
  readonly number: number;
  readonly class: ErrorClass;
  /** Completes "the request failed because …". */
  readonly condition: string;
}

/** What the caller does about a class, in the words of docs/reference/plugin-protocol.md. */
export const DUTIES: Readonly<Record<ErrorClass, string>> = {
  throttled: 'waits, at least `retryAfterMs`; fences again; retries',
  conflict: 'fences again; retries, or finds itself stale',
  'held-elsewhere': 'asks again with a growing pause; takes it from there only if the plan says',
  permission: 'stops, names what is missing',
  invalid: 'stops',
  limit: 'stops',
  'not-found': 'stops',
  'unknown-outcome': 'reads the NIC, and retries only what is not in effect, after fencing again',
  transport: 'fences again; retries',
};

export const ERRORS = [
  { number: 100, class: 'throttled', condition: 'the provider wants fewer requests' },
  { number: 101, class: 'throttled', condition: 'the quota of the account is used up for a while' },
  { number: 200, class: 'conflict', condition: 'somebody else is changing the same object' },
  { number: 201, class: 'conflict', condition: 'the provider keeps a newer epoch with the address' },
  { number: 300, class: 'held-elsewhere', condition: 'another NIC has the address' },
  {
    number: 301,
    class: 'held-elsewhere',
    condition: 'the address is the primary address of a NIC, which is never taken',
  },
  {
    number: 302,
    class: 'held-elsewhere',
    condition: 'another holder has the address than the one that the plan names',
  },
  { number: 400, class: 'permission', condition: 'the identity may not do it' },
  { number: 401, class: 'permission', condition: 'the machine has no identity at the provider' },
  { number: 500, class: 'invalid', condition: 'the request cannot be carried out as it is' },
  { number: 501, class: 'invalid', condition: 'the line is not JSON' },
  { number: 502, class: 'invalid', condition: 'the line is too long' },
  { number: 503, class: 'invalid', condition: 'the request is malformed' },
  { number: 504, class: 'invalid', condition: 'there is no version that both sides speak' },
  { number: 505, class: 'invalid', condition: 'the executor does not have this kind of request' },
  { number: 506, class: 'invalid', condition: 'a key is missing in `target`' },
  { number: 507, class: 'invalid', condition: 'a change was tried in a request that must not change anything' },
  { number: 508, class: 'invalid', condition: 'the plugin could not be loaded' },
  { number: 600, class: 'limit', condition: 'the NIC or the subnet is full' },
  { number: 601, class: 'limit', condition: 'the NIC has as many addresses as it can have' },
  { number: 602, class: 'limit', condition: 'the subnet has no address left' },
  { number: 700, class: 'not-found', condition: 'the NIC does not exist, or the identity cannot see it' },
  { number: 800, class: 'unknown-outcome', condition: 'the change may have been made' },
  { number: 801, class: 'unknown-outcome', condition: 'the plugin failed unexpectedly after it began a change' },
  { number: 802, class: 'unknown-outcome', condition: 'the change was accepted and does not show' },
  { number: 900, class: 'transport', condition: 'the request did not reach the provider, or only reads were made' },
  { number: 901, class: 'transport', condition: 'the plugin failed unexpectedly before it began a change' },
  { number: 902, class: 'transport', condition: 'the caller has gone away' },
] as const satisfies readonly CatalogueEntry[];

export type ErrorNumber = (typeof ERRORS)[number]['number'];

/** The number of the class itself. */
export function classNumber(errorClass: ErrorClass): number {
  return ERRORS.find((entry) => entry.class === errorClass)?.number ?? 0;
}
