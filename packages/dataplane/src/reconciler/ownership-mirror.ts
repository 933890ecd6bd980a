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

  /** What was removed and then made again in the same apply stays recorded. */
  forgetAfter(landed: readonly HostOp[]): void {
    const gone = new Set<string>();
    for (const op of landed) {
      const forgotten = forgottenBy(op, this.#owned);
      for (const key of forgotten) gone.add(key);
      if (gone.size > 0) for (const { key } of recordsOf(op)) gone.delete(key);
    }
    const keys = [...gone].filter((key) => this.#owned.has(key));
    if (keys.length === 0) return;
    this.#ledger.forget(keys);
    for (const key of keys) this.#owned.delete(key);
  }
}
