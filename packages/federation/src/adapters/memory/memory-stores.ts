/** The stores without a disk. What they hold outlives the federation that used them, as a disk would. */
import type { CaptureEpoch, CaptureKey, OperatorOrder, OrderSubject } from '@routerd/mobility';
import type { Instant } from '@routerd/resources';
import type { EventId, EventRow, EventStore, GroupEvent } from '../../event.ts';
import type { AcceptedFact, Fact, FactStore, HighWaterStore, OrderStore } from '../../ports.ts';

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

  // A property, as the port has it: it is handed on without its object.
  readonly appendLocalAll = (
    count: number,
    make: (sequences: readonly number[]) => readonly Row[],
    above: number,
  ): readonly Fact[] => {
    const first = Math.max(this.#sequence, above) + 1;
    const rows = make(Array.from({ length: count }, (_, index) => first + index));
    this.#sequence = first + count - 1;
    for (const row of rows) this.#outbox.set(row.fact.id, row);
    return rows.map(({ fact }) => fact);
  };

  unsent(limit: number, after = 0): readonly Row[] {
    const rows = this.#outbox.values();
    return rows
      .filter(({ fact }) => fact.sequence > after)
      .take(limit)
      .toArray();
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

/** What was given out by `all` does not change. */
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

  epochOf(key: CaptureKey): CaptureEpoch | undefined {
    return this.#marks.get(key);
  }
}

export class MemoryOrderStore implements OrderStore {
  readonly #orders = new Map<OrderSubject, OperatorOrder>();

  save(order: OperatorOrder): void {
    this.#orders.set(order.subject, order);
  }

  forget(subject: OrderSubject): void {
    this.#orders.delete(subject);
  }

  load(): readonly OperatorOrder[] {
    return [...this.#orders.values()];
  }
}

export class MemoryEventStore implements EventStore {
  readonly #outbox = new Map<string, EventRow>();
  readonly #history = new Map<EventId, GroupEvent>();

  appendLocal(row: EventRow): void {
    this.#outbox.set(row.event.id, row);
    this.#history.set(row.event.id, row.event);
  }

  unsent(limit: number): readonly EventRow[] {
    return this.#outbox.values().take(limit).toArray();
  }

  markSent(ids: readonly string[]): void {
    for (const id of ids) this.#outbox.delete(id);
  }

  save(events: readonly GroupEvent[]): void {
    for (const event of events) if (!this.#history.has(event.id)) this.#history.set(event.id, event);
  }

  load(): readonly GroupEvent[] {
    return [...this.#history.values()];
  }

  forget({ acceptedBefore, keep }: { readonly acceptedBefore: Instant; readonly keep: number }): void {
    let surplus = this.#history.size - keep;
    for (const [id, { acceptedAt }] of this.#history) {
      if (surplus > 0 || acceptedAt < acceptedBefore) this.#history.delete(id);
      surplus -= 1;
    }
  }
}
