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

/** Asked on every pass of a planner, so copied only after a raise; what was given out does not change. */
export class MemoryHighWaterStore implements HighWaterStore {
  readonly #marks = new Map<CaptureKey, CaptureEpoch>();
  #shown: ReadonlyMap<CaptureKey, CaptureEpoch> | undefined;

  raise(marks: readonly { readonly key: CaptureKey; readonly epoch: CaptureEpoch }[]): void {
    for (const { key, epoch } of marks) {
      if (epoch <= (this.#marks.get(key) ?? 0)) continue;
      this.#marks.set(key, epoch);
      this.#shown = undefined;
    }
  }

  all(): ReadonlyMap<CaptureKey, CaptureEpoch> {
    return (this.#shown ??= new Map(this.#marks));
  }
}
