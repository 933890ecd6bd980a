/**
 * A machine's disk: the stores of one node, and what of them survives. A killed process leaves everything that it wrote; a power cut
 * leaves what was synced, and of the rest what happened to be written: a beginning of it, in order, as a write-ahead log does.
 */
import { createMemoryJournal, type Journal } from '@routerd/actions';
import { MemoryLedger, type OwnershipLedger } from '@routerd/dataplane';
import {
  MemoryFactStore,
  MemoryHighWaterStore,
  MemoryOrderStore,
  type Fact,
  type FactStore,
  type HighWaterStore,
  type OrderStore,
} from '@routerd/federation';
import type { AddressLease } from '@routerd/mobility';
import type { NodeAdapters } from '@routerd/routerd';
import type { HostAddress } from '@routerd/resources';
import type { Life } from './life.ts';
import type { SeededRandom } from './random.ts';

interface Content {
  readonly journal: Journal;
  readonly facts: MemoryFactStore;
  readonly highWater: MemoryHighWaterStore;
  readonly orders: MemoryOrderStore;
  readonly ledger: MemoryLedger;
  readonly leases: Map<HostAddress, AddressLease>;
}

export interface Stores {
  readonly journal: Journal;
  readonly factStore: FactStore;
  readonly highWater: HighWaterStore;
  readonly orders: OrderStore;
  readonly ledger: OwnershipLedger;
  readonly leases: NodeAdapters['leases'];
}

/** What each part of a simulated node may be told of. */
export interface DiskWatch {
  readonly factAppended?: (fact: Fact) => void;
}

export class SimDisk {
  /** Everything ever written, in order; what is on the disk is this, played over empty stores. */
  #writes: ((content: Content) => void)[] = [];
  #synced = 0;
  content = emptyContent();

  /** @returns how many writes were lost */
  cutPower(random: SeededRandom): number {
    const kept = random.between(this.#synced, this.#writes.length);
    const lost = this.#writes.length - kept;
    if (lost === 0) return 0;
    this.#writes = this.#writes.slice(0, kept);
    this.#synced = kept;
    this.content = emptyContent();
    for (const write of this.#writes) write(this.content);
    return lost;
  }

  /** The stores as one run of the process uses them. */
  stores(life: Life, watch: DiskWatch = {}): Stores {
    return {
      journal: this.#journal(life),
      factStore: this.#factStore(life, watch),
      highWater: {
        all: () => this.content.highWater.all(),
        epochOf: (key) => this.content.highWater.epochOf(key),
        raise: (marks) => life.act(undefined, () => this.#write(true, ({ highWater }) => highWater.raise(marks))),
      },
      orders: {
        load: () => this.content.orders.load(),
        save: (order) => life.act(undefined, () => this.#write(true, ({ orders }) => orders.save(order))),
        forget: (subject) => life.act(undefined, () => this.#write(true, ({ orders }) => orders.forget(subject))),
      },
      ledger: {
        entries: () => this.content.ledger.entries(),
        record: (objects) => life.act(undefined, () => this.#write(true, ({ ledger }) => ledger.record(objects))),
        forget: (keys) => life.act(undefined, () => this.#write(true, ({ ledger }) => ledger.forget(keys))),
      },
      leases: {
        loadLeases: () => [...this.content.leases.values()],
        saveLeases: (changed, gone) =>
          life.act(undefined, () =>
            this.#write(false, ({ leases }) => {
              for (const { address } of gone) leases.delete(address);
              for (const lease of changed) leases.set(lease.address, lease);
            }),
          ),
      },
    };
  }

  #write<T>(isSynced: boolean, write: (content: Content) => T): T {
    this.#writes.push(write);
    if (isSynced) this.#synced = this.#writes.length;
    return write(this.content);
  }

  #journal(life: Life): Journal {
    return {
      importProposal: (proposal, now) =>
        life.isOver()
          ? createMemoryJournal().importProposal(proposal, now)
          : this.#write(false, ({ journal }) => journal.importProposal(proposal, now)),
      get: (id) => this.content.journal.get(id),
      byKey: (key) => this.content.journal.byKey(key),
      list: (filter) => this.content.journal.list(filter),
      transition: (ids, from, change, now) =>
        life.act([], () =>
          this.#write(change.status !== undefined, ({ journal }) => journal.transition(ids, from, change, now)),
        ),
      openAttempt: (ids, attempt, now) =>
        life.act(undefined, () => this.#write(true, ({ journal }) => journal.openAttempt(ids, attempt, now))),
      closeAttempt: (attempt, outcome, now) =>
        life.act(undefined, () => this.#write(true, ({ journal }) => journal.closeAttempt(attempt, outcome, now))),
      prune: (limits) => life.act([], () => this.#write(false, ({ journal }) => journal.prune(limits))),
      attempts: (id) => this.content.journal.attempts(id),
    };
  }

  #factStore(life: Life, { factAppended }: DiskWatch): FactStore {
    return {
      appendLocal: (make, above) => {
        // What a dead process still wants to say is made and thrown away.
        if (!life.step()) return make(above + 1).fact;
        let made: ReturnType<typeof make> | undefined;
        const once: typeof make = (sequence) => (made ??= make(sequence));
        const fact = this.#write(true, ({ facts }) => facts.appendLocal(once, above));
        factAppended?.(fact);
        life.step();
        return fact;
      },
      unsent: (limit, after) => this.content.facts.unsent(limit, after),
      markSent: (ids) => life.act(undefined, () => this.#write(false, ({ facts }) => facts.markSent(ids))),
      outboxDepth: () => this.content.facts.outboxDepth(),
      saveAccepted: (accepted) =>
        life.act(undefined, () => this.#write(false, ({ facts }) => facts.saveAccepted(accepted))),
      loadAccepted: () => this.content.facts.loadAccepted(),
    };
  }
}

function emptyContent(): Content {
  return {
    journal: createMemoryJournal(),
    facts: new MemoryFactStore(),
    highWater: new MemoryHighWaterStore(),
    orders: new MemoryOrderStore(),
    ledger: new MemoryLedger(),
    leases: new Map(),
  };
}
