import { buildLab, type LabOptions } from '../build-lab.ts';
import { openLab } from '../lab.ts';
import { labFiles } from '../lab-files.ts';
import { readRecord } from '../lab-record.ts';
import { createProgress } from '../progress.ts';
import { namespacesOf, tearDown } from '../tear-down.ts';
import { FOUR_SITES } from '../topology.ts';
import { untilInterrupted } from '../until-interrupted.ts';

export async function up(options: LabOptions): Promise<number> {
  const progress = createProgress(process.stdout);
  await untilInterrupted(labFiles(options.name), async () => buildLab(FOUR_SITES, options, progress));
  process.stdout.write(`\nThe lab is up. Next:
  pnpm lab status
  pnpm lab shell onprem-client
  pnpm lab scenario D1
  pnpm lab down\n`);
  return 0;
}

/** Also removes what a crash left; nothing to remove is no fault. */
export async function down(name: string): Promise<number> {
  const files = labFiles(name);
  const record = readRecord(files);
  if (record === undefined && namespacesOf(files).length === 0) {
    process.stdout.write(`No lab named "${name}" is up.\n`);
    return 0;
  }
  const removed = await tearDown(files);
  process.stdout.write(`Removed ${removed} machines. Logs: ${files.logDir}\n`);
  return 0;
}

export async function wanDelay(name: string, delayMs: number): Promise<number> {
  await openLab(name).setWanDelay(delayMs);
  process.stdout.write(delayMs === 0 ? 'No delay on the WAN.\n' : `WAN delay: ${delayMs} ms each way.\n`);
  return 0;
}
