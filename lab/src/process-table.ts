/** Processes by pid and start time, so that a recycled pid is never taken for the process that had it. */
import { readdirSync, readFileSync, statSync } from 'node:fs';

export interface ProcessId {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat (proc(5)): clock ticks since boot. */
  readonly startTicks: string;
}

interface Stat {
  readonly state: string;
  readonly startTicks: string;
}

function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command name is in parentheses and may hold anything: the fields are counted from the last one.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTicks: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

export function identify(pid: number): ProcessId | undefined {
  const stat = readStat(pid);
  return stat === undefined ? undefined : { pid, startTicks: stat.startTicks };
}

/** A zombie does not run: it waits for a parent that may reap late. */
export function isRunning({ pid, startTicks }: ProcessId): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.startTicks === startTicks && stat.state !== 'Z' && stat.state !== 'X';
}

export function childrenOf(pid: number): readonly number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Name of the program, at most 15 characters. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1').trim();
  } catch {
    return '';
  }
}

export function threadsOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

/** @returns false when it was gone already */
export function signalProcess(id: ProcessId, signal: NodeJS.Signals): boolean {
  if (!isRunning(id)) return false;
  try {
    return process.kill(id.pid, signal);
  } catch {
    return false;
  }
}

/** Every process whose network namespace is one of the named ones, in one pass over /proc. */
export function processesIn(namespaces: readonly string[]): readonly ProcessId[] {
  const inodes = new Set(namespaces.flatMap((name) => inodeOf(`/run/netns/${name}`)));
  if (inodes.size === 0) return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      const inside = inodeOf(`/proc/${entry}/ns/net`).some((inode) => inodes.has(inode));
      const id = inside ? identify(Number(entry)) : undefined;
      return id === undefined ? [] : [id];
    });
}

function inodeOf(path: string): readonly number[] {
  try {
    return [statSync(path).ino];
  } catch {
    return []; // gone meanwhile
  }
}
