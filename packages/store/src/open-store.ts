/** Everything that a node remembers over restarts, in one SQLite file, behind the ports that the other packages declare. */
import type { Journal } from '@routerd/actions';
import type { PartStore } from '@routerd/config';
import type { OwnershipLedger } from '@routerd/dataplane';
import type { EventStore, FactStore, HighWaterStore, OrderStore } from '@routerd/federation';
import type { RunStore } from '@routerd/observers';
import { err, ok, type Result } from '@routerd/resources';
import type { Log } from '@routerd/runtime';
import { eventStoreOn } from './event-tables.ts';
import { factStoreOn, highWaterStoreOn } from './fact-tables.ts';
import { journalOn } from './journal-tables.ts';
import { partStoreOn } from './part-tables.ts';
import { runStoreOn } from './run-tables.ts';
import { orderStoreOn } from './order-tables.ts';
import { openStateFile } from './state-file.ts';
import {
  leaseStoreOn,
  metaStoreOn,
  objectStoreOn,
  ownershipLedgerOn,
  type LeaseStore,
  type MetaStore,
  type ObjectStore,
} from './state-tables.ts';
import { faultOf, type StoreFault } from './store-fault.ts';

/** Synchronous; every method throws `StoreError` when the file cannot be used, and has then changed nothing. */
export interface Store {
  readonly facts: FactStore;
  readonly highWater: HighWaterStore;
  readonly events: EventStore;
  readonly orders: OrderStore;
  readonly journal: Journal;
  readonly ledger: OwnershipLedger;
  readonly leases: LeaseStore;
  readonly objects: ObjectStore;
  readonly parts: PartStore;
  readonly runs: RunStore;
  readonly meta: MetaStore;
  /** What the last write failed with; undefined while writes succeed. */
  lastFault(): StoreFault | undefined;
  close(): void;
}

/**
 * Opens or creates the state file, its folder (0700) and its lock; brings an older schema up to date.
 * Only one process at a time may have it open.
 */
export function openStore(file: string, { log }: { readonly log: Log }): Result<Store, StoreFault> {
  const opened = openStateFile(file, log);
  if (!opened.ok) return opened;
  const state = opened.value;
  try {
    return ok({
      facts: factStoreOn(state),
      highWater: highWaterStoreOn(state),
      events: eventStoreOn(state),
      orders: orderStoreOn(state),
      journal: journalOn(state),
      ledger: ownershipLedgerOn(state),
      leases: leaseStoreOn(state),
      objects: objectStoreOn(state),
      parts: partStoreOn(state),
      runs: runStoreOn(state),
      meta: metaStoreOn(state),
      lastFault: () => state.lastFault(),
      close: () => state.close(),
    });
  } catch (cause) {
    state.close();
    const fault = faultOf(cause, file);
    if (fault === undefined) throw cause;
    return err(fault);
  }
}
