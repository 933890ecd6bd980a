import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { ProcessId } from '../process-table.ts';
import { waitUntil } from '../wait-until.ts';

/**
 * Waits until a monitor (`ip monitor`, `nft monitor`) has joined its netlink groups: what happens before that it does not tell.
 * /proc/PID/net/netlink lists the namespace's sockets with their groups and inodes; /proc/PID/fd tells which are the monitor's own.
 */
export async function subscribed(monitor: ProcessId, what: string): Promise<void> {
  await waitUntil(`${what}: its subscription`, () => hasSubscription(monitor.pid) || undefined, {
    deadlineMs: 5000,
    everyMs: 2,
  });
}

function hasSubscription(pid: number): boolean {
  try {
    const own = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`)));
    return readFileSync(`/proc/${pid}/net/netlink`, 'latin1')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .some((fields) => Number.parseInt(fields[3] ?? '0', 16) !== 0 && own.has(`socket:[${fields[9] ?? ''}]`));
  } catch {
    return false;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed meanwhile
  }
}
