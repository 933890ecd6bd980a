/** What is known of a running lab: enough to enter it from another process, and to tell whether it still runs. */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { LabFault } from './lab-fault.ts';
import type { LabFiles } from './lab-files.ts';
import { identify, isRunning } from './process-table.ts';
import { TOPOLOGY_IDS } from './topology.ts';

const processId = z.strictObject({ pid: z.number().int(), startTicks: z.string() });

const labRecord = z.strictObject({
  owner: processId,
  /** What it was built from. */
  topology: z.enum(TOPOLOGY_IDS),
  /** The machines outlive their owner until somebody says `lab down`. */
  keep: z.boolean(),
  /** Built completely. */
  ready: z.boolean(),
  wanDelayMs: z.number().min(0),
  /** How long a mutating call of an emulated cloud takes, milliseconds. */
  apiLatencyMs: z.number().min(0),
  /** Programs of executors that are not this checkout's own, by cloud: the folder of a plugin. */
  executors: z.record(z.string(), z.string()).default({}),
  vms: z.array(
    z.strictObject({
      hostName: z.string(),
      namespace: z.string(),
      holder: processId,
      binDir: z.string(),
      workDir: z.string(),
    }),
  ),
  daemons: z.array(z.strictObject({ hostName: z.string(), name: z.string(), process: processId })),
});

export type LabRecord = z.output<typeof labRecord>;

export function readRecord(files: LabFiles): LabRecord | undefined {
  try {
    return labRecord.parse(JSON.parse(readFileSync(files.recordFile, 'utf8')));
  } catch {
    return undefined; // none, or written by another version: then it is as good as none, and the namespaces tell what is up
  }
}

export function writeRecord(files: LabFiles, record: LabRecord): void {
  const draft = `${files.recordFile}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(record, undefined, 2)}\n`);
  renameSync(draft, files.recordFile);
}

/** A lab is in use while its owner runs, or while it is kept and any of its machines is up. */
export function isInUse(record: LabRecord): boolean {
  return isRunning(record.owner) || (record.keep && record.vms.some((vm) => isRunning(vm.holder)));
}

/** Takes the name; a second taker is refused, also when both come at once (link(2) is atomic). The caller has cleaned up what a dead owner left. */
export function claimRecord(
  files: LabFiles,
  options: Pick<LabRecord, 'topology' | 'keep' | 'wanDelayMs' | 'apiLatencyMs' | 'executors'>,
): LabRecord {
  const owner = identify(process.pid);
  if (owner === undefined) throw new Error('this process is not in /proc');
  const record: LabRecord = { owner, ready: false, vms: [], daemons: [], ...options };
  mkdirSync(files.stateDir, { recursive: true, mode: 0o700 });
  const draft = `${files.recordFile}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(record)}\n`);
  try {
    linkSync(draft, files.recordFile);
  } catch {
    throw inUse(files, readRecord(files));
  } finally {
    rmSync(draft, { force: true });
  }
  return record;
}

export function inUse(files: LabFiles, record: LabRecord | undefined): LabFault {
  const who =
    record === undefined ? '' : isRunning(record.owner) ? ` by process ${record.owner.pid}` : ': it was kept up';
  return new LabFault(
    'lab.in-use',
    `The lab "${files.name}" is in use${who}.`,
    `Take it down with "pnpm lab down${files.name === 'main' ? '' : ` --lab ${files.name}`}", or run a second one beside it with "--lab NAME".`,
  );
}
