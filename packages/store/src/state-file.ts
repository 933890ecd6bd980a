/** One SQLite file, opened for one daemon: lock, pragmas, migrations, and the conversion of what SQLite throws. */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { err, ok, type Result } from '@routerd/resources';
import type { Log } from '@routerd/runtime';
import { MIGRATIONS } from './migrations.ts';
import { faultOf, StoreError, type StoreFault } from './store-fault.ts';

/** How long a statement waits for a lock that another process (a backup, an operator's shell) holds. */
const BUSY_TIMEOUT_MS = 5000;

/**
 * Two connections to one file in WAL mode:
 * - `durable` syncs each commit: epochs, journal, outbox, ownership. What it acknowledged survives a power cut.
 * - `relaxed` leaves syncing to the next durable commit or checkpoint: what can be read again or derived again.
 * Both commits land in one WAL, so a durable commit also makes the relaxed ones before it durable.
 */
export interface StateFile {
  readonly durable: Database.Database;
  readonly relaxed: Database.Database;
  /** Runs one transaction. @throws StoreError after rolling it back */
  write<T>(connection: 'durable' | 'relaxed', work: () => T): T;
  read<T>(work: () => T): T;
  /** What the last write failed with; undefined once one succeeded again. */
  lastFault(): StoreFault | undefined;
  close(): void;
}

export function openStateFile(file: string, log: Log): Result<StateFile, StoreFault> {
  const opened: Database.Database[] = [];
  try {
    makeFolder(path.dirname(file));
    opened.push(lockFor(file));
    makePrivate(file);
    const durable = connect(file, 'FULL');
    opened.push(durable);
    const damage = durable.pragma('quick_check(1)', { simple: true });
    if (damage !== 'ok') throw corrupt(file, String(damage));
    migrate(durable, file);
    const relaxed = connect(file, 'NORMAL');
    opened.push(relaxed);
    return ok(stateFileOf(file, { durable, relaxed, close: () => closeAll(opened) }, log));
  } catch (cause) {
    closeAll(opened);
    const fault = faultOf(cause, file);
    if (fault === undefined) throw cause;
    return err(fault);
  }
}

/** Held until the process ends, however it ends: the operating system drops it with the process. */
function lockFor(file: string): Database.Database {
  const lockFile = `${file}.lock`;
  makePrivate(lockFile);
  const lock = new Database(lockFile, { timeout: 0 });
  try {
    lock.pragma('journal_mode = MEMORY');
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (cause) {
    lock.close();
    throw cause;
  }
}

/** One by one: Node's recursive mkdir never returns where a parent answers ENOENT to being made, as under /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(path.dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

/** Never opens a file that exists: closing it would drop the locks that this process holds on it (POSIX, fcntl). */
function makePrivate(file: string): void {
  if (existsSync(file)) chmodSync(file, 0o600);
  else closeSync(openSync(file, 'ax', 0o600));
}

function connect(file: string, synchronous: 'FULL' | 'NORMAL'): Database.Database {
  const database = new Database(file, { timeout: BUSY_TIMEOUT_MS });
  try {
    database.pragma('journal_mode = WAL');
    database.pragma(`synchronous = ${synchronous}`);
    database.pragma('foreign_keys = ON');
    return database;
  } catch (cause) {
    database.close();
    throw cause;
  }
}

function migrate(database: Database.Database, file: string): void {
  const version = Number(database.pragma('user_version', { simple: true }));
  if (version > MIGRATIONS.length) {
    throw new StoreError(
      {
        code: 'store.newer-version',
        message: `The state file ${file} has schema version ${version}; this routerd knows versions up to ${MIGRATIONS.length}.`,
        remedy: 'Run the routerd that wrote it, or move it away and start again.',
      },
      undefined,
    );
  }
  database.transaction(() => {
    for (const step of MIGRATIONS.slice(version)) database.exec(step);
    database.pragma(`user_version = ${MIGRATIONS.length}`);
  })();
}

function stateFileOf(file: string, parts: Pick<StateFile, 'durable' | 'relaxed' | 'close'>, log: Log): StateFile {
  let lastFault: StoreFault | undefined;
  const guarded = <T>(work: () => T): T => {
    try {
      const value = work();
      lastFault = undefined;
      return value;
    } catch (cause) {
      const fault = faultOf(cause, file);
      if (fault === undefined) throw cause;
      if (lastFault?.code !== fault.code) log.error('state file failed', { event: 'store.failed', ...fault });
      lastFault = fault;
      throw new StoreError(fault, cause);
    }
  };
  return {
    ...parts,
    write: (connection, work) => guarded(() => parts[connection].transaction(work).immediate()),
    read: (work) => {
      try {
        return work();
      } catch (cause) {
        const fault = faultOf(cause, file);
        throw fault === undefined ? cause : new StoreError(fault, cause);
      }
    },
    lastFault: () => lastFault,
  };
}

function corrupt(file: string, detail: string): StoreError {
  return new StoreError(
    {
      code: 'store.corrupt',
      message: `The state file ${file} is damaged (${detail}).`,
      remedy: 'Move it away and start again: facts and epochs are read back from the federation.',
    },
    undefined,
  );
}

function closeAll(databases: readonly Database.Database[]): void {
  for (const database of databases.toReversed()) database.close();
}
