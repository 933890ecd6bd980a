/** What keepalived writes to its notify fifo: `INSTANCE "lan-gateway" MASTER 150` (keepalived.conf(5), vrrp_notify_fifo). */
import type { VrrpRole } from './virtual-router.ts';

export interface RoleNews {
  readonly name: string;
  readonly role: VrrpRole;
}

const INSTANCE = /^INSTANCE "(?<name>[^"]+)" (?<state>[A-Z_]+)(?: \d+)?$/;

/** @returns undefined for groups, and for what is no change of a state. A state that is not known here is no master. */
export function parseNotifyLine(line: string): RoleNews | undefined {
  const { name, state } = INSTANCE.exec(line.trim())?.groups ?? {};
  if (name === undefined || state === undefined || NO_STATES.has(state)) return undefined;
  return { name, role: state === 'MASTER' ? 'master' : state === 'BACKUP' ? 'backup' : 'unknown' };
}

/** Written besides changes of state: a master heard a lower priority, a priority changed. */
const NO_STATES = new Set(['MASTER_RX_LOWER_PRI', 'MASTER_PRIORITY', 'BACKUP_PRIORITY']);
