/** The key files of a WireGuard device: readable by their owner alone, and never read by this process. */
import { constants } from 'node:fs';
import { link, mkdir, open, rm, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { err, ok, type Result } from '@routerd/resources';
import type { HostFault } from '../../ports.ts';
import { faultOfCommand, type HostCommand, type RunHostCommand } from './host-command.ts';

export const KEY_COMMAND: HostCommand = ['wg', 'genkey'];
export const KEY_FILE_MODE = 0o600;

/**
 * Makes the key with `wg genkey` where there is none. A key that group or others may read is refused, not repaired: it may be known already.
 * What was examined is what is open: a file that takes its place meanwhile is not used.
 * @returns the file, to be closed by the caller
 */
export async function openPrivateKeyFile(run: RunHostCommand, file: string): Promise<Result<FileHandle, HostFault>> {
  try {
    const handle = (await openIfPresent(file)) ?? (await makeKey(run, file));
    if ('code' in handle) return err(handle);
    const { mode, size } = await handle.stat();
    const fault = faultOfMode(file, mode) ?? (size === 0 ? emptyKey(file) : undefined);
    if (fault === undefined) return ok(handle);
    await handle.close();
    return err(fault);
  } catch (cause) {
    return err(unreadable(file, cause));
  }
}

/** Both ends must have the same one, so it is never made here. */
export async function checkPresharedKeyFiles(files: readonly string[]): Promise<HostFault | undefined> {
  for (const file of files) {
    try {
      const { mode, size } = await stat(file);
      const fault = faultOfMode(file, mode) ?? (size === 0 ? emptyKey(file) : undefined);
      if (fault !== undefined) return fault;
    } catch (cause) {
      return isAbsence(cause)
        ? { code: 'host.not-found', detail: `${file} does not exist`, retry: 'later' }
        : unreadable(file, cause);
    }
  }
  return undefined;
}

function faultOfMode(file: string, mode: number): HostFault | undefined {
  if ((mode & constants.S_IFMT) !== constants.S_IFREG)
    return { code: 'host.refused', detail: `${file} is no file: a key is expected there`, retry: 'later' };
  if ((mode & 0o077) === 0) return undefined;
  return {
    code: 'host.refused',
    detail: `${file} may be read by others (mode ${(mode & 0o777).toString(8)}); make a new key there with mode 600`,
    retry: 'later',
  };
}

/** `wg` would take an empty file for the wish to have no key. */
function emptyKey(file: string): HostFault {
  return { code: 'host.refused', detail: `${file} is empty; put a key there, or delete it`, retry: 'later' };
}

function unreadable(file: string, cause: unknown): HostFault {
  return {
    code: 'host.failed',
    detail: `${file}: ${cause instanceof Error ? cause.message : 'error'}`,
    retry: 'later',
  };
}

/** Beside its place and whole before it has its name: neither a full disk nor a power cut leaves half a key. */
async function makeKey(run: RunHostCommand, file: string): Promise<FileHandle | HostFault> {
  const key = await run(KEY_COMMAND);
  if (!key.ok) return faultOfCommand(key.error);
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.new`;
  await rm(draft, { force: true });
  try {
    const handle = await open(draft, 'wx', KEY_FILE_MODE);
    try {
      await handle.writeFile(key.value.stdout);
      await handle.sync();
    } finally {
      await handle.close();
    }
    // Not by renaming: a key that somebody has put there meanwhile is kept.
    await link(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
  return open(file, constants.O_RDONLY);
}

/** Without waiting for somebody to write, as opening a named pipe would. */
async function openIfPresent(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    if (isAbsence(cause)) return undefined;
    throw cause;
  }
}

function isAbsence(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}
