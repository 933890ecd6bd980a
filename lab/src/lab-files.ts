/** Where one lab keeps what, and how its namespaces are called: all of it follows from the place of its files and the lab's name. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const CHECKOUT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

export interface LabFiles {
  readonly name: string;
  /** Every namespace is `<prefix>-<host>`; two checkouts and two names never share one. */
  readonly prefix: string;
  readonly stateDir: string;
  readonly recordFile: string;
  readonly logDir: string;
  readonly binDir: string;
  readonly evidenceDir: string;
  /** Unix sockets have at most 107 bytes of path (unix(7)); a checkout may be deeper than that. */
  readonly socketDir: string;
  /** Shared by all daemons, so that Node compiles the sources once. */
  readonly compileCacheDir: string;
}

/** @param home where labs keep their files; ROUTERD_LAB_DIR, for a checkout that is not to be written to */
export function labFiles(
  name: string,
  home: string = process.env['ROUTERD_LAB_DIR'] ?? path.join(CHECKOUT, '.lab'),
): LabFiles {
  const identity = `${path.dirname(path.resolve(home))}\0${name}`;
  const prefix = `rl${createHash('sha256').update(identity).digest('hex').slice(0, 6)}`;
  const stateDir = path.join(home, name);
  return {
    name,
    prefix,
    stateDir,
    recordFile: path.join(stateDir, 'lab.json'),
    logDir: path.join(stateDir, 'logs'),
    binDir: path.join(stateDir, 'bin'),
    evidenceDir: path.join(home, 'evidence'),
    socketDir: path.join('/tmp', prefix),
    compileCacheDir: path.join(CHECKOUT, 'node_modules', '.cache', 'compile'),
  };
}

export function namespaceOf(files: LabFiles, hostName: string): string {
  return `${files.prefix}-${hostName}`;
}

export function routerDir(files: LabFiles, routerName: string): string {
  return path.join(files.stateDir, 'hosts', routerName);
}
