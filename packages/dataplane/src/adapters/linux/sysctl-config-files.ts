/** Settings for the next start of the host: `90-routerd-NAME.conf` in `/etc/sysctl.d`. */
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { err, ok, type Result } from '@routerd/resources';
import { sysctlFileName } from '../../describe-op.ts';
import { SYSCTL_FILE_MARK, type SysctlFileState } from '../../host-state.ts';
import type { HostFault } from '../../ports.ts';

export const SYSCTL_DIRECTORY = '/etc/sysctl.d';
/** Everybody may know them. */
export const SYSCTL_FILE_MODE = 0o644;

export class SysctlConfigFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * @returns contents by name; files without our mark are left out, and a folder that does not exist has none. What cannot be read is a fault:
   * it may be ours.
   */
  async read(): Promise<Result<ReadonlyMap<string, string>, HostFault>> {
    const files = await unlessAbsent(this.#directory, async () => readdir(this.#directory));
    if (!files.ok) return files;
    const contents = new Map<string, string>();
    for (const file of files.value ?? []) {
      const name = /^90-routerd-(.+)\.conf$/.exec(file)?.[1];
      if (name === undefined) continue;
      const content = await this.#contentOf(name);
      if (!content.ok) return content;
      if (content.value?.startsWith(SYSCTL_FILE_MARK) === true) contents.set(name, content.value);
    }
    return ok(contents);
  }

  async write({ name, content }: SysctlFileState): Promise<HostFault | undefined> {
    const file = this.#fileOf(name);
    const present = await this.#contentOf(name);
    if (!present.ok) return present.error;
    if (present.value?.startsWith(SYSCTL_FILE_MARK) === false)
      return { code: 'host.refused', detail: `${file} is not ours`, retry: 'later' };
    try {
      // Renamed into place: a host that starts meanwhile reads all of it or nothing.
      await writeFile(`${file}.new`, content, { mode: SYSCTL_FILE_MODE });
      await rename(`${file}.new`, file);
      return undefined;
    } catch (cause) {
      return faultOf(file, cause);
    }
  }

  /** Removing what is absent succeeds; what is not ours stays. */
  async remove(name: string): Promise<HostFault | undefined> {
    const present = await this.#contentOf(name);
    if (!present.ok) return present.error;
    if (present.value?.startsWith(SYSCTL_FILE_MARK) !== true) return undefined;
    try {
      await rm(this.#fileOf(name), { force: true });
      return undefined;
    } catch (cause) {
      return faultOf(this.#fileOf(name), cause);
    }
  }

  #fileOf(name: string): string {
    return path.join(this.#directory, sysctlFileName(name));
  }

  async #contentOf(name: string): Promise<Result<string | undefined, HostFault>> {
    return unlessAbsent(this.#fileOf(name), async () => readFile(this.#fileOf(name), 'utf8'));
  }
}

/** Only a name that does not exist is an absence; no permission, a directory or a broken disk is not. */
async function unlessAbsent<T>(file: string, read: () => Promise<T>): Promise<Result<T | undefined, HostFault>> {
  try {
    return ok(await read());
  } catch (cause) {
    const isAbsent = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    return isAbsent ? ok(undefined) : err(faultOf(file, cause));
  }
}

function faultOf(file: string, cause: unknown): HostFault {
  return {
    code: 'host.failed',
    detail: `${file}: ${cause instanceof Error ? cause.message : 'error'}`,
    retry: 'later',
  };
}
