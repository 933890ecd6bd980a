/** Settings for the next start of the host: `90-routerd-NAME.conf` in `/etc/sysctl.d`. */
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sysctlFileName } from '../../describe-op.ts';
import { SYSCTL_FILE_MARK, type SysctlFileState } from '../../host-state.ts';
import type { HostFault } from '../../ports.ts';

export class SysctlConfigFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @returns contents by name; files without our mark are left out, and a folder that does not exist has none */
  async read(): Promise<ReadonlyMap<string, string>> {
    const contents = new Map<string, string>();
    for (const file of await readdir(this.#directory).catch(() => [])) {
      const name = /^90-routerd-(.+)\.conf$/.exec(file)?.[1];
      if (name === undefined) continue;
      const content = await this.#contentOf(name);
      if (content?.startsWith(SYSCTL_FILE_MARK) === true) contents.set(name, content);
    }
    return contents;
  }

  async write({ name, content }: SysctlFileState): Promise<HostFault | undefined> {
    const file = this.#fileOf(name);
    const present = await this.#contentOf(name);
    if (present !== undefined && !present.startsWith(SYSCTL_FILE_MARK))
      return { code: 'host.refused', detail: `${file} is not ours`, retry: 'later' };
    try {
      // Renamed into place: a host that starts meanwhile reads all of it or nothing.
      await writeFile(`${file}.new`, content, { mode: 0o644 });
      await rename(`${file}.new`, file);
      return undefined;
    } catch (cause) {
      return {
        code: 'host.failed',
        detail: `${file}: ${cause instanceof Error ? cause.message : 'error'}`,
        retry: 'later',
      };
    }
  }

  /** Removing what is absent succeeds; what is not ours stays. */
  async remove(name: string): Promise<HostFault | undefined> {
    const present = await this.#contentOf(name);
    if (present?.startsWith(SYSCTL_FILE_MARK) === true) await rm(this.#fileOf(name), { force: true });
    return undefined;
  }

  #fileOf(name: string): string {
    return path.join(this.#directory, sysctlFileName(name));
  }

  async #contentOf(name: string): Promise<string | undefined> {
    return readFile(this.#fileOf(name), 'utf8').catch(() => undefined);
  }
}
