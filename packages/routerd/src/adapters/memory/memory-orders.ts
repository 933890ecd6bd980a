/** A log of orders in one process, for tests and simulation: every node reads the same, at once, unless it is cut off. */
import {
  foldOrder,
  orderSubjectOf,
  type ClaimId,
  type OperatorOrder,
  type OrderSubject,
  type OrderVersion,
} from '@routerd/mobility';
import type { NodeName } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';
import type { OrderOutcome, OrderRegistry } from '../../order-registry.ts';

export interface MemoryOrders {
  /** The log as `node` sees it. */
  of(node: NodeName): OrderRegistry;
  /** A node that is cut off reads nothing new and writes nothing. */
  partition(node: NodeName): void;
  heal(node: NodeName): void;
}

export function createMemoryOrders(clock: Pick<Clock, 'now'>): MemoryOrders {
  return new OrderLog(clock);
}

interface Reader {
  position: number;
  readonly standing: Map<OrderSubject, OperatorOrder>;
  readonly listeners: Set<(subjects: readonly OrderSubject[]) => void>;
}

class OrderLog implements MemoryOrders {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #log: OperatorOrder[] = [];
  readonly #readers = new Map<NodeName, Reader>();
  readonly #partitioned = new Set<NodeName>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  of(node: NodeName): OrderRegistry {
    const reader = this.#readers.get(node) ?? { position: 0, standing: new Map(), listeners: new Set() };
    this.#readers.set(node, reader);
    this.#read(node, reader);
    return {
      orders: () => reader.standing,
      append: async (order, { who, why }) => {
        if (this.#partitioned.has(node))
          return Promise.resolve({ kind: 'unreachable', detail: 'cut off from the log' });
        const subject = orderSubjectOf(order);
        const version = ((reader.standing.get(subject)?.version ?? 0) + 1) as OrderVersion;
        const claim = `${node}-${this.#log.length}` as ClaimId;
        const next = { subject, version, order, who, why, when: this.#clock.now(), writer: node, claim };
        return Promise.resolve(this.#append(reader, next));
      },
      onChange: (listener) => {
        reader.listeners.add(listener);
        return () => reader.listeners.delete(listener);
      },
    };
  }

  partition(node: NodeName): void {
    this.#partitioned.add(node);
  }

  heal(node: NodeName): void {
    this.#partitioned.delete(node);
    const reader = this.#readers.get(node);
    if (reader !== undefined) this.#read(node, reader);
  }

  #append(reader: Reader, next: OperatorOrder): OrderOutcome {
    this.#log.push(next);
    for (const [node, each] of this.#readers) this.#read(node, each);
    const current = reader.standing.get(next.subject);
    return current?.claim === next.claim
      ? { kind: 'won', order: next }
      : { kind: 'lost', current, because: 'another order came first' };
  }

  #read(node: NodeName, reader: Reader): void {
    if (this.#partitioned.has(node)) return;
    const changed = new Set<OrderSubject>();
    for (; reader.position < this.#log.length; reader.position += 1) {
      const next = this.#log[reader.position];
      if (next === undefined || foldOrder(reader.standing.get(next.subject), next).kind === 'refused') continue;
      reader.standing.set(next.subject, next);
      changed.add(next.subject);
    }
    if (changed.size > 0) for (const listener of reader.listeners) listener([...changed]);
  }
}
