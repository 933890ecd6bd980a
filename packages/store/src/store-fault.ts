/** What can be wrong with the state file, with a code and what to do about it. */
import Database from 'better-sqlite3';

export const STORE_FAULT_CODES = [
  'store.locked',
  'store.corrupt',
  'store.newer-version',
  'store.unreadable',
  'store.read-only',
  'store.full',
  'store.failed',
] as const;
export type StoreFaultCode = (typeof STORE_FAULT_CODES)[number];

export interface StoreFault {
  readonly code: StoreFaultCode;
  readonly message: string;
  readonly remedy: string;
}

/**
 * What the methods of an open store throw: their ports answer with values, not results, since nothing sensible goes on without storage.
 * The transaction it came from is rolled back.
 */
export class StoreError extends Error {
  readonly fault: StoreFault;

  constructor(fault: StoreFault, cause: unknown) {
    super(`${fault.message} ${fault.remedy}`, { cause });
    this.name = 'StoreError';
    this.fault = fault;
  }
}

/** @returns undefined for what SQLite did not say: a programming error, to be thrown on */
export function faultOf(cause: unknown, file: string): StoreFault | undefined {
  if (cause instanceof StoreError) return cause.fault;
  const code = codeOf(cause);
  if (code === undefined) return undefined;
  const detail = `${code}: ${cause instanceof Error ? cause.message : String(cause)}`;
  const fault = (faultCode: StoreFaultCode, what: string, remedy: string): StoreFault => ({
    code: faultCode,
    message: `The state file ${file} ${what} (${detail}).`,
    remedy,
  });
  if (/^SQLITE_(BUSY|LOCKED)/.test(code))
    return fault(
      'store.locked',
      'is in use by another process',
      'Stop the other process, or give this one a state folder of its own.',
    );
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code))
    return fault(
      'store.corrupt',
      'is damaged',
      'Move it away and start again: facts and epochs are read back from the federation.',
    );
  if (/^SQLITE_FULL|^ENOSPC|^SQLITE_IOERR_(WRITE|FSYNC|SHMSIZE|SHMMAP|TRUNCATE)/.test(code))
    return fault('store.full', 'cannot grow', 'Free space on its file system; nothing that was acknowledged is lost.');
  if (/^SQLITE_READONLY|^EROFS/.test(code))
    return fault('store.read-only', 'cannot be written', 'Make it and its folder writable for this user.');
  if (/^SQLITE_CANTOPEN|^E(ACCES|PERM|NOENT|ISDIR|NOTDIR|EXIST)/.test(code))
    return fault(
      'store.unreadable',
      'cannot be opened',
      'Correct the path, and make its folder readable and writable for this user.',
    );
  if (code.startsWith('SQLITE_') || /^E[A-Z]+$/.test(code))
    return fault('store.failed', 'could not be used', 'See the message of the operating system.');
  return undefined;
}

function codeOf(cause: unknown): string | undefined {
  if (cause instanceof Database.SqliteError) return cause.code;
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
}
