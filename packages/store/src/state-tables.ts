/** What the host was given, the leases, what resources say of themselves, and how often the node started. */
import type { OwnedObject, OwnershipLedger } from '@routerd/dataplane';
import type { AddressLease } from '@routerd/mobility';
import type { Instant } from '@routerd/resources';
import { decode, encode } from './row-codec.ts';
import type { StateFile } from './state-file.ts';

export interface LeaseStore {
  loadLeases(): readonly AddressLease[];
  saveLeases(changed: readonly AddressLease[], gone: readonly AddressLease[]): void;
}

export interface ObjectStatus {
  /** `apiVersion/kind/name`. */
  readonly identity: string;
  readonly status: unknown;
  readonly updatedAt: Instant;
}

export interface ObjectStore {
  /** Writes only where the meaning changed; the order of keys has none. @returns whether it was written */
  save(identity: string, status: unknown, now: Instant): boolean;
  get(identity: string): ObjectStatus | undefined;
  all(): readonly ObjectStatus[];
  remove(identities: readonly string[]): void;
}

export interface MetaStore {
  /** Counts this start of the node. @returns how often it has started on this state, first is 1 */
  recordStart(): number;
}

export function ownershipLedgerOn(file: StateFile): OwnershipLedger {
  const { durable } = file;
  const all = durable.prepare<[], { key: string; prior_value: string | null }>(
    'SELECT key, prior_value FROM owned_objects ORDER BY key',
  );
  // The first prior value is the host's own; what comes later is what we put there.
  const insert = durable.prepare<[string, string | null]>(
    'INSERT INTO owned_objects (key, prior_value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING',
  );
  const remove = durable.prepare<[string]>('DELETE FROM owned_objects WHERE key = ?');
  return {
    entries: () =>
      file.read(() =>
        all.all().map(({ key, prior_value }): OwnedObject => ({ key, priorValue: prior_value ?? undefined })),
      ),
    record: (objects) => {
      if (objects.length === 0) return;
      file.write('durable', () => objects.forEach(({ key, priorValue }) => insert.run(key, priorValue ?? null)));
    },
    forget: (keys) => {
      if (keys.length > 0) file.write('durable', () => keys.forEach((key) => remove.run(key)));
    },
  };
}

export function leaseStoreOn(file: StateFile): LeaseStore {
  const { relaxed } = file;
  const all = relaxed.prepare<[], { lease: string }>('SELECT lease FROM leases ORDER BY pool, address');
  const save = relaxed.prepare<[string, string, string]>(
    `INSERT INTO leases (pool, address, lease) VALUES (?, ?, ?)
     ON CONFLICT (pool, address) DO UPDATE SET lease = excluded.lease`,
  );
  const remove = relaxed.prepare<[string, string]>('DELETE FROM leases WHERE pool = ? AND address = ?');
  return {
    loadLeases: () => file.read(() => all.all().map(({ lease }) => leaseOf(lease))),
    saveLeases: (changed, gone) => {
      if (changed.length === 0 && gone.length === 0) return;
      file.write('relaxed', () => {
        for (const { pool, address } of gone) remove.run(pool, address);
        for (const lease of changed) save.run(lease.pool, lease.address, encode(lease));
      });
    },
  };
}

/** JSON drops undefined members; the type has them always. */
function leaseOf(text: string): AddressLease {
  const lease = decode<AddressLease>(text);
  return { ...lease, expiresAt: lease.expiresAt ?? undefined, challenger: lease.challenger ?? undefined };
}

export function objectStoreOn(file: StateFile): ObjectStore {
  const { relaxed } = file;
  type Columns = { identity: string; status: string; updated_at: Instant };
  const all = relaxed.prepare<[], Columns>('SELECT * FROM objects ORDER BY identity');
  const get = relaxed.prepare<[string], Columns>('SELECT * FROM objects WHERE identity = ?');
  const save = relaxed.prepare<[string, string, number]>(
    `INSERT INTO objects (identity, status, updated_at) VALUES (?, ?, ?)
     ON CONFLICT (identity) DO UPDATE SET status = excluded.status, updated_at = excluded.updated_at
     WHERE status IS NOT excluded.status`,
  );
  const remove = relaxed.prepare<[string]>('DELETE FROM objects WHERE identity = ?');
  const statusOf = ({ identity, status, updated_at }: Columns): ObjectStatus => ({
    identity,
    status: decode<unknown>(status),
    updatedAt: updated_at,
  });
  return {
    save(identity, status, now) {
      const text = encode(status);
      if (file.read(() => get.get(identity))?.status === text) return false;
      return file.write('relaxed', () => save.run(identity, text, now).changes > 0);
    },
    get: (identity) =>
      file.read(() => {
        const columns = get.get(identity);
        return columns === undefined ? undefined : statusOf(columns);
      }),
    all: () => file.read(() => all.all().map(statusOf)),
    remove: (identities) => {
      if (identities.length > 0) file.write('relaxed', () => identities.forEach((each) => remove.run(each)));
    },
  };
}

export function metaStoreOn(file: StateFile): MetaStore {
  const count = file.durable.prepare<[], { value: number }>(
    `INSERT INTO meta (key, value) VALUES ('node.starts', 1)
     ON CONFLICT (key) DO UPDATE SET value = value + 1 RETURNING value`,
  );
  return { recordStart: () => file.write('durable', () => count.get()?.value ?? 1) };
}
