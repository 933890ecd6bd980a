/** Files and machines for one test, found and removed by a prefix of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeGuestFiles } from '../src/guest-files.ts';
import type { LabFiles } from '../src/lab-files.ts';
import { tearDown } from '../src/tear-down.ts';
import { FOUR_SITES } from '../src/topology.ts';
import { bootVm, type BootOptions, type Vm } from '../src/vm.ts';

export class ThrowawayLab {
  readonly files: LabFiles;

  constructor(tag: string) {
    const stateDir = mkdtempSync(path.join(tmpdir(), `lab-${tag}-`));
    const at = (name: string): string => path.join(stateDir, name);
    const prefix = `rlt${process.pid}${tag}`;
    this.files = {
      name: tag,
      prefix,
      stateDir,
      recordFile: at('lab.json'),
      logDir: at('logs'),
      binDir: at('bin'),
      evidenceDir: at('evidence'),
      socketDir: path.join(stateDir, 'sockets'),
      compileCacheDir: at('cache'),
    };
  }

  bootOptions(hostName: string): BootOptions {
    const guest = writeGuestFiles(this.files, FOUR_SITES);
    return {
      hostName,
      namespace: `${this.files.prefix}-${hostName}`,
      hostsFile: guest.hostsFileOf(undefined),
      resolvFile: guest.resolvFile,
      binDir: this.files.binDir,
      workDir: this.files.stateDir,
      keep: false,
    };
  }

  async boot(hostName: string): Promise<Vm> {
    return bootVm(this.bootOptions(hostName));
  }

  async remove(): Promise<void> {
    await tearDown(this.files);
    rmSync(this.files.stateDir, { recursive: true, force: true });
  }
}
