import { buildLab, type LabOptions } from '../build-lab.ts';
import { openLab } from '../lab.ts';
import { LabFault } from '../lab-fault.ts';
import { labFiles } from '../lab-files.ts';
import { readRecord } from '../lab-record.ts';
import { exclusively } from '../lab-lock.ts';
import { isRunning, signalProcess, type ProcessId } from '../process-table.ts';
import { createProgress } from '../progress.ts';
import { namespacesOf, tearDown } from '../tear-down.ts';
import { SITE_CHOICES, topologyOfSites } from '../topologies.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { waitUntil } from '../wait-until.ts';

/** @param sites what `--sites` says, comma separated */
export async function up(options: LabOptions, sites: string): Promise<number> {
  const topology = topologyOfSites(sites.split(','));
  if (topology === undefined) {
    const remedy = `There are ${SITE_CHOICES.map((choice) => choice.join(',')).join(' and ')}.`;
    throw new LabFault('lab.usage', `No lab has the sites "${sites}".`, remedy);
  }
  const progress = createProgress(process.stdout);
  await untilInterrupted(labFiles(options.name), progress, async () => buildLab(topology, options, progress));
  const which = options.name === 'main' ? '' : ` --lab ${options.name}`;
  // What follows the host of `shell` belongs to the command that runs there.
  const next = [
    `status${which}`,
    `shell${which} onprem-client`,
    `scenario ${topology.id === 'onprem-and-gcp' ? 'G1' : 'D1'}${which}`,
    `down${which}`,
  ];
  process.stdout.write(`\nThe lab is up. Next:\n${next.map((words) => `  pnpm lab ${words}\n`).join('')}`);
  return 0;
}

/** Also removes what a crash left; nothing to remove is no fault. A demo that still runs is told to end, and is waited for. */
export async function down(name: string): Promise<number> {
  const files = labFiles(name);
  const record = readRecord(files);
  if (record === undefined && namespacesOf(files).length === 0) {
    process.stdout.write(`No lab named "${name}" is up.\n`);
    return 0;
  }
  if (record !== undefined && signalProcess(record.owner, 'SIGTERM')) await ended(record.owner);
  const removed = await exclusively(files, async () => tearDown(files));
  const what = removed === 0 ? 'The lab is down.' : `Removed ${removed} machines.`;
  process.stdout.write(`${what} Logs: ${files.logDir}\n`);
  return 0;
}

async function ended(owner: ProcessId): Promise<void> {
  process.stdout.write(`Process ${owner.pid} uses it and is told to end.\n`);
  await waitUntil(`the end of process ${owner.pid}`, () => !isRunning(owner) || undefined, { deadlineMs: 30_000 });
}

export async function wanDelay(name: string, delayMs: number): Promise<number> {
  await openLab(name).setWanDelay(delayMs);
  process.stdout.write(delayMs === 0 ? 'No delay on the WAN.\n' : `WAN delay: ${delayMs} ms each way.\n`);
  return 0;
}
