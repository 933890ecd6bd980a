/** The ledger as the reconciler uses it: read once, written before and after each apply. */
import type { HostOp } from '../host-op.ts';
import { forgottenBy, ownershipOf, recordsOf } from '../ownership.ts';
import type { OwnedObject, OwnershipLedger } from '../ports.ts';

export class OwnershipMirror {
  readonly #ledger: OwnershipLedger;
  readonly #owned: Map<string, OwnedObject>;

  constructor(ledger: OwnershipLedger) {
    this.#ledger = ledger;
    this.#owned = new Map(ownershipOf(ledger.entries()));
  }

  entries(): readonly OwnedObject[] {
    return [...this.#owned.values()];
  }

  /** One write however many ops; the first value seen of a setting is the one that is kept. */
  recordBefore(ops: readonly HostOp[]): void {
    const fresh = ops.flatMap(recordsOf).filter(({ key }) => !this.#owned.has(key));
    if (fresh.length === 0) return;
    this.#ledger.record(fresh);
    for (const entry of fresh) this.#owned.set(entry.key, entry);
  }

  forgetAfter(landed: readonly HostOp[]): void {
    const keys = landed.flatMap((op) => forgottenBy(op, this.#owned)).filter((key) => this.#owned.has(key));
    if (keys.length === 0) return;
    this.#ledger.forget(keys);
    for (const key of keys) this.#owned.delete(key);
  }
}
