/** The key files of a WireGuard device: readable by their owner alone, and never read by this process. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { HostFault } from '../../ports.ts';
import { faultOfCommand, type RunHostCommand } from './host-command.ts';

/** Makes the key with `wg genkey` where there is none. A key that group or others may read is refused, not repaired: it may be known already. */
export async function ensurePrivateKeyFile(run: RunHostCommand, file: string): Promise<HostFault | undefined> {
  try {
    const mode = await modeOf(file);
    return mode === undefined ? await makeKey(run, file) : faultOfMode(file, mode);
  } catch (cause) {
    return unreadable(file, cause);
  }
}

/** Both ends must have the same one, so it is never made here. */
export async function checkPresharedKeyFiles(files: readonly string[]): Promise<HostFault | undefined> {
  for (const file of files) {
    try {
      const mode = await modeOf(file);
      const fault =
        mode === undefined
          ? ({ code: 'host.not-found', detail: `${file} does not exist`, retry: 'later' } as const)
          : faultOfMode(file, mode);
      if (fault !== undefined) return fault;
    } catch (cause) {
      return unreadable(file, cause);
    }
  }
  return undefined;
}

function faultOfMode(file: string, mode: number): HostFault | undefined {
  if ((mode & 0o077) === 0) return undefined;
  return {
    code: 'host.refused',
    detail: `${file} may be read by others (mode ${(mode & 0o777).toString(8)}); make a new key there with mode 600`,
    retry: 'later',
  };
}

function unreadable(file: string, cause: unknown): HostFault {
  return {
    code: 'host.failed',
    detail: `${file}: ${cause instanceof Error ? cause.message : 'error'}`,
    retry: 'later',
  };
}

async function makeKey(run: RunHostCommand, file: string): Promise<HostFault | undefined> {
  const key = await run(['wg', 'genkey']);
  if (!key.ok) return faultOfCommand(key.error);
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, key.value.stdout, { mode: 0o600, flag: 'wx' });
  return undefined;
}

async function modeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).mode;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw cause;
  }
}
