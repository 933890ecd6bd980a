/** Kernel settings through /proc/sys. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { HostFault } from '../../ports.ts';
import { faultOfCommand, type RunHostCommand } from './host-command.ts';

export interface SysctlFiles {
  /** @returns by path joined with `/`; what does not exist is left out */
  read(paths: readonly (readonly string[])[]): Promise<ReadonlyMap<string, string>>;
  /** Setting what does not exist any more is `host.not-found`. */
  write(path: readonly string[], value: string): Promise<HostFault | undefined>;
}

const ROOT = '/proc/sys';

/** Reads and writes in this process's own network namespace: 20 µs a file, no process. */
export function localSysctlFiles(): SysctlFiles {
  return {
    async read(paths) {
      const values = new Map<string, string>();
      for (const path of paths) {
        try {
          values.set(path.join('/'), readFileSync(fileOfSysctl(path), 'utf8').trim());
        } catch {
          // The interface has gone since it was listed.
        }
      }
      return values;
    },
    async write(path, value) {
      try {
        writeFileSync(fileOfSysctl(path), `${value}\n`);
        return undefined;
      } catch (cause) {
        return faultOfError(path, cause);
      }
    },
  };
}

/** The same through programs, for a host whose network namespace this process is not in (/proc/sys/net shows the reader's own). */
export function remoteSysctlFiles(run: RunHostCommand): SysctlFiles {
  return {
    async read(paths) {
      const result = await run(['grep', '-sH', '', ...paths.map(fileOfSysctl)]);
      // Status 2 says that a file was missing; the others were printed all the same.
      const text = result.ok ? result.value.stdout : result.error.stdout;
      return new Map(
        text.split('\n').flatMap((line) => {
          const colon = line.lastIndexOf(':');
          return colon < 0 ? [] : [[line.slice(ROOT.length + 1, colon), line.slice(colon + 1).trim()] as const];
        }),
      );
    },
    async write(path, value) {
      const result = await run(['tee', fileOfSysctl(path)], { input: `${value}\n` });
      return result.ok ? undefined : faultOfCommand(result.error);
    },
  };
}

export function fileOfSysctl(path: readonly string[]): string {
  return [ROOT, ...path].join('/');
}

function faultOfError(path: readonly string[], cause: unknown): HostFault {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const detail = `${fileOfSysctl(path)}: ${cause instanceof Error ? cause.message : 'could not be written'}`;
  if (code === 'ENOENT') return { code: 'host.not-found', detail, retry: 'later' };
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return { code: 'host.refused', detail, retry: 'never' };
  return { code: 'host.failed', detail, retry: 'later' };
}
