/** Reads startup-config: one file, or every `*.yaml`/`*.yml` of a folder in name order. Never writes. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { err, ok, type Result } from '@routerd/resources';

export interface ConfigSource {
  readonly file: string;
  readonly text: string;
}

export interface ConfigReadFault {
  readonly code: 'config.unreadable' | 'config.empty-folder';
  readonly file: string;
  readonly message: string;
}

export function readConfigSources(location: string): Result<readonly ConfigSource[], ConfigReadFault> {
  try {
    if (!statSync(location).isDirectory()) return ok([{ file: location, text: readFileSync(location, 'utf8') }]);
    const files = readdirSync(location)
      .filter((name) => /\.ya?ml$/.test(name))
      .toSorted()
      .map((name) => path.join(location, name));
    if (files.length === 0) {
      return err({
        code: 'config.empty-folder',
        file: location,
        message: `The folder ${location} has no *.yaml file.`,
      });
    }
    return ok(files.map((file) => ({ file, text: readFileSync(file, 'utf8') })));
  } catch (cause) {
    return err({
      code: 'config.unreadable',
      file: location,
      message: `Cannot read ${location}: ${describeReadError(cause)}.`,
    });
  }
}

function describeReadError(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  switch (code) {
    case 'ENOENT':
      return 'no such file or folder';
    case 'EACCES':
      return 'permission denied';
    default:
      return code;
  }
}
