/** Results per address, and what becomes of a call in which every address failed for one reason. */
import type { ExecutorError } from './executor-error.ts';
import type { AddressResult, RequestedAddress } from './executor-plugin.ts';
import type { ErrorClass } from './protocol.ts';

export function succeeded(address: string, message: string): AddressResult {
  return { address, status: 'succeeded', message };
}

export function skipped(address: string, message: string): AddressResult {
  return { address, status: 'skipped', message };
}

export function failed(address: string, errorClass: ErrorClass, message: string): AddressResult {
  return { address, status: 'failed', message, errorClass };
}

/** The same for every address of the call, as the forwarding verbs answer. */
export function forEvery(
  addresses: readonly RequestedAddress[],
  result: (address: string) => AddressResult,
): readonly AddressResult[] {
  return addresses.map(({ address }) => result(address));
}

/** Results as they become known, one per address; the first word about an address stands. */
export class AddressResults {
  readonly #requested: readonly RequestedAddress[];
  readonly #known = new Map<string, AddressResult>();
  #lastError: ExecutorError | undefined;

  constructor(requested: readonly RequestedAddress[]) {
    this.#requested = requested;
  }

  settle(result: AddressResult): void {
    if (!this.#known.has(result.address)) this.#known.set(result.address, result);
  }

  /** Every address that nothing is known of yet failed for this reason. */
  failRest(error: ExecutorError): void {
    this.#lastError = error;
    for (const { address } of this.open()) this.settle(failed(address, error.errorClass, error.message));
  }

  /** Addresses without a result, in the order of the request. */
  open(): readonly RequestedAddress[] {
    return this.#requested.filter(({ address }) => !this.#known.has(address));
  }

  /**
   * In the order of the request.
   * @throws the error given to {@link failRest} if it is all there is to say: a failed call also carries the provider's `retryAfterMs`
   */
  conclude(): readonly AddressResult[] {
    const error = this.#lastError;
    const results = this.#requested.map(
      ({ address }) =>
        this.#known.get(address) ?? failed(address, 'unknown-outcome', 'nothing was found out about this address'),
    );
    const isAllThereIs = results.every((result) => result.status === 'failed' && result.message === error?.message);
    if (error !== undefined && isAllThereIs) throw error;
    return results;
  }
}
