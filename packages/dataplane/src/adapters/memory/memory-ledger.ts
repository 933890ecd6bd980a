import type { OwnedObject, OwnershipLedger } from '../../ports.ts';

/** A ledger that lives as long as the process: for tests, and for a host that is cleaned up by the process that set it up. */
export class MemoryLedger implements OwnershipLedger {
  readonly #owned = new Map<string, OwnedObject>();

  entries(): readonly OwnedObject[] {
    return [...this.#owned.values()];
  }

  record(objects: readonly OwnedObject[]): void {
    for (const object of objects) if (!this.#owned.has(object.key)) this.#owned.set(object.key, object);
  }

  forget(keys: readonly string[]): void {
    for (const key of keys) this.#owned.delete(key);
  }
}
