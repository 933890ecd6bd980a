/** Servers of an earlier routerd that could not end with it: one that stood still does not hear that its parent died. */
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Monotonic } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';

/** How long an orderly end is waited for. */
const END_MS_MAX = 3000;
const LOOK_AGAIN_MS = 25;

export interface LeftoverOptions {
  /** Each server of ours has a file there while it runs, `PROGRAM_PID.ports`. */
  readonly portsDir: string;
  /** What a server of ours is started with: a process that has it not among its arguments is somebody else's. */
  readonly configFile: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Resolves when none of them is left: two servers on one store, or on one port, are worse than none. */
export async function endLeftovers({ portsDir, configFile, clock, log }: LeftoverOptions): Promise<void> {
  const files = await readdir(portsDir).catch(() => []);
  for (const file of files) {
    const pid = Number(/_(\d+)\.ports$/.exec(file)?.[1]);
    if (!Number.isSafeInteger(pid)) continue;
    const isOurs = async (): Promise<boolean> => (await argumentsOf(pid)).includes(configFile);
    if (await isOurs()) {
      log.warn('a server of an earlier run is left, and is ended', { event: 'hub.leftover', pid });
      const until = clock.monotonic() + END_MS_MAX;
      signal(pid, 'SIGTERM');
      while ((await isOurs()) && clock.monotonic() < until) await pause(clock);
      signal(pid, 'SIGKILL');
      while (await isOurs()) await pause(clock);
    }
    await rm(path.join(portsDir, file), { force: true });
  }
}

/** Empty when there is no such process, or when it has ended and was not waited for yet. */
async function argumentsOf(pid: number): Promise<readonly string[]> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
  } catch {
    return [];
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone already.
  }
}

async function pause(clock: Clock): Promise<void> {
  await clock.sleepUntil((clock.monotonic() + LOOK_AGAIN_MS) as Monotonic, new AbortController().signal);
}
