/** The stores without a disk. What they hold outlives the federation that used them, as a disk would. */
import type { CaptureEpoch, CaptureKey } from '@routerd/mobility';
import type { AcceptedFact, Fact, FactStore, HighWaterStore } from '../../ports.ts';

interface Row {
  readonly fact: Fact;
  readonly wire: string;
}

export class MemoryFactStore implements FactStore {
  readonly #outbox = new Map<string, Row>();
  readonly #accepted = new Map<string, AcceptedFact>();
  #sequence = 0;

  appendLocal(make: (sequence: number) => Row, above: number): Fact {
    this.#sequence = Math.max(this.#sequence, above) + 1;
    const row = make(this.#sequence);
    this.#outbox.set(row.fact.id, row);
    return row.fact;
  }

  unsent(limit: number): readonly Row[] {
    return this.#outbox.values().take(limit).toArray();
  }

  markSent(ids: readonly string[]): void {
    for (const id of ids) this.#outbox.delete(id);
  }

  outboxDepth(): number {
    return this.#outbox.size;
  }

  saveAccepted(facts: readonly AcceptedFact[]): void {
    for (const accepted of facts) this.#accepted.set(`${accepted.fact.source} ${accepted.fact.address}`, accepted);
  }

  loadAccepted(): readonly AcceptedFact[] {
    return [...this.#accepted.values()];
  }
}

export class MemoryHighWaterStore implements HighWaterStore {
  readonly #marks = new Map<CaptureKey, CaptureEpoch>();

  raise(marks: readonly { readonly key: CaptureKey; readonly epoch: CaptureEpoch }[]): void {
    for (const { key, epoch } of marks) {
      if (epoch > (this.#marks.get(key) ?? 0)) this.#marks.set(key, epoch);
    }
  }

  all(): ReadonlyMap<CaptureKey, CaptureEpoch> {
    return this.#marks;
  }
}
