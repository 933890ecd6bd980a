/** Takes a lab down from what the host shows: namespaces with the lab's prefix and the processes in them. Needs no saved state; safe to repeat. */
import { readdirSync, rmSync } from 'node:fs';
import { runCommand } from '@routerd/runtime';
import { LabFault } from './lab-fault.ts';
import type { LabFiles } from './lab-files.ts';
import { isRunning, processesIn, signalProcess } from './process-table.ts';
import { waitUntil } from './wait-until.ts';

export function namespacesOf(files: LabFiles): readonly string[] {
  try {
    return readdirSync('/run/netns').filter((name) => name.startsWith(`${files.prefix}-`));
  } catch {
    return []; // nobody on this host has made a namespace yet
  }
}

/** Kills, deletes, and looks that nothing is left. Logs stay, for who wants to know why. @returns how many namespaces there were */
export async function tearDown(files: LabFiles): Promise<number> {
  const namespaces = namespacesOf(files);
  await killAll(namespaces);
  const deletions = await Promise.all(namespaces.map(async (name) => runCommand(['ip', 'netns', 'del', name])));
  for (const kept of ['hosts', 'ssh', 'pki', 'clouds', 'hub', 'bin', 'lab.json']) {
    rmSync(`${files.stateDir}/${kept}`, { recursive: true, force: true });
  }
  rmSync(files.socketDir, { recursive: true, force: true });
  const left = namespacesOf(files);
  if (left.length > 0) {
    const why = deletions.flatMap((deletion) => (deletion.ok ? [] : [deletion.error.stderr.trim()])).join('; ');
    throw new LabFault(
      'lab.not-removed',
      `Namespaces are left: ${left.join(', ')}. ${why}`,
      'Run "pnpm lab down" again.',
    );
  }
  return namespaces.length;
}

/** Killing the holders kills the rest; a process that joined meanwhile is met in the next round. */
async function killAll(namespaces: readonly string[]): Promise<void> {
  await waitUntil(
    () =>
      `the end of processes ${processesIn(namespaces)
        .map(({ pid }) => pid)
        .join(' ')}`,
    () => {
      const running = processesIn(namespaces).filter(isRunning);
      for (const process of running) signalProcess(process, 'SIGKILL');
      return running.length === 0 ? true : undefined;
    },
    { deadlineMs: 5000 },
  );
}
