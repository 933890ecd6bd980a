/** Reads startup-config: one file, or every `*.yaml`/`*.yml` of a folder in name order. Never writes. */
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import { err, ok, type Result } from '@routerd/resources';

export interface ConfigSource {
  readonly file: string;
  readonly text: string;
}

export interface ConfigReadFault {
  readonly code: 'config.unreadable' | 'config.empty-folder';
  /** The first file that is wrong, or the folder. */
  readonly file: string;
  /** Every file that is wrong, one sentence each. */
  readonly message: string;
  readonly remedy: string;
}

/** As many bytes as the longest text that is looked into (4 Mi characters) can have in UTF-8. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;

/** A file that is named may be a pipe (`/dev/stdin`); in a folder nobody may have meant it, and it would be waited for. */
export function readConfigSources(location: string): Result<readonly ConfigSource[], ConfigReadFault> {
  let files: readonly string[];
  try {
    if (!statSync(location).isDirectory()) return sourcesOf([location], false);
    // Names with a dot in front are what editors leave beside a file that is open.
    files = readdirSync(location)
      .filter((name) => /^[^.].*\.ya?ml$/.test(name))
      .toSorted()
      .map((name) => path.join(location, name));
  } catch (cause) {
    return err(unreadable([[location, reasonOf(cause)]]));
  }
  if (files.length > 0) return sourcesOf(files, true);
  return err({
    code: 'config.empty-folder',
    file: location,
    message: `The folder ${location} has no *.yaml or *.yml file; its folders are not looked into.`,
    remedy: 'Put the configuration there, or name another file or folder with --config.',
  });
}

interface Reason {
  readonly what: string;
  readonly remedy: string;
}

const NOT_REGULAR: Reason = { what: 'it is no regular file', remedy: 'Move it elsewhere.' };

function sourcesOf(files: readonly string[], onlyRegular: boolean): Result<readonly ConfigSource[], ConfigReadFault> {
  const sources: ConfigSource[] = [];
  const wrong: (readonly [file: string, reason: Reason])[] = [];
  for (const file of files) {
    try {
      const text = readText(file, onlyRegular);
      if (text.ok) sources.push({ file, text: text.value });
      else wrong.push([file, text.error]);
    } catch (cause) {
      wrong.push([file, reasonOf(cause)]);
    }
  }
  return wrong.length === 0 ? ok(sources) : err(unreadable(wrong));
}

function readText(file: string, onlyRegular: boolean): Result<string, Reason> {
  // Without waiting for a writer, which is what opening a named pipe does.
  const descriptor = openSync(file, onlyRegular ? constants.O_RDONLY | constants.O_NONBLOCK : constants.O_RDONLY);
  try {
    const status = fstatSync(descriptor);
    if (status.isDirectory()) return err({ what: 'it is a folder', remedy: 'Give it a name without .yaml.' });
    if (onlyRegular && !status.isFile()) return err(NOT_REGULAR);
    return readBounded(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Some files have no size beforehand, and some no end. */
function readBounded(descriptor: number): Result<string, Reason> {
  const chunks: Buffer[] = [];
  for (let length = 0; length <= FILE_BYTES_MAX;) {
    const chunk = Buffer.allocUnsafe(64 * 1024);
    const count = readSync(descriptor, chunk);
    if (count === 0) return ok(Buffer.concat(chunks).toString('utf8'));
    chunks.push(chunk.subarray(0, count));
    length += count;
  }
  return err({
    what: `it has more than ${FILE_BYTES_MAX} bytes`,
    remedy: 'Split it into several files of one folder.',
  });
}

function unreadable(wrong: readonly (readonly [file: string, reason: Reason])[]): ConfigReadFault {
  return {
    code: 'config.unreadable',
    file: wrong[0]?.[0] ?? '',
    message: wrong.map(([file, { what }]) => `Cannot read "${file}": ${what}.`).join('\n  '),
    remedy: [...new Set(wrong.map(([, { remedy }]) => remedy))].join('\n  '),
  };
}

function reasonOf(cause: unknown): Reason {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  switch (code) {
    case 'ENOENT':
      return {
        what: 'no such file or folder',
        remedy: 'Name the configuration with --config; mend links that lead nowhere.',
      };
    case 'ENOTDIR':
      return { what: 'a part of the path is no folder', remedy: 'Name the configuration with --config.' };
    case 'EACCES':
      return { what: 'permission denied', remedy: 'Run as root, or let this user read it.' };
    case 'ELOOP':
      return { what: 'its symbolic links lead to each other', remedy: 'Mend the links.' };
    case 'ENXIO':
      return NOT_REGULAR;
    default:
      return { what: code, remedy: 'Look whether the disk is in order: the system could not read it.' };
  }
}
