/** How many inotify instances this user may still have: wireguard-go and each Node that watches files take one, and say nothing that helps when there is none. */
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';

const LIMIT = '/proc/sys/fs/inotify/max_user_instances';

export interface InotifyRoom {
  /** `fs.inotify.max_user_instances`: 128 unless somebody set it. */
  readonly limit: number;
  readonly used: number;
}

/** Of this user's processes, in whatever namespace. About 50 ms with a thousand of them. */
export function readInotifyRoom(): InotifyRoom {
  const limit = existsSync(LIMIT) ? Number(readFileSync(LIMIT, 'utf8')) : Infinity;
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return { limit, used: processes.reduce((sum, pid) => sum + instancesOf(`/proc/${pid}`), 0) };
}

function instancesOf(process: string): number {
  try {
    if (statSync(process).uid !== globalThis.process.getuid?.()) return 0;
    return readdirSync(`${process}/fd`).filter((fd) => isInotify(`${process}/fd/${fd}`)).length;
  } catch {
    return 0; // it has ended
  }
}

function isInotify(descriptor: string): boolean {
  try {
    return readlinkSync(descriptor).includes('inotify');
  } catch {
    return false; // closed meanwhile
  }
}
