/** Which SSH connection a command was typed into. */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { sshSession, type SshSession } from '../ssh-session.ts';

/** More parents than a shell in a shell in a script has. */
const PARENTS_MAX = 64;

/** @param env of this process; `sudo` keeps the variable from it, and then a parent has it */
export function sessionAsking(env: Readonly<Partial<Record<string, string>>>): SshSession | undefined {
  return sshSession(env['SSH_CONNECTION'] ?? connectionOfParents(), interfaceWith);
}

function interfaceWith(address: string): string | undefined {
  return Object.entries(networkInterfaces()).find(([, addresses]) =>
    addresses?.some((entry) => entry.address === address),
  )?.[0];
}

/** On other systems than Linux there is no /proc, and nothing is found. */
function connectionOfParents(): string | undefined {
  let pid = process.ppid;
  for (let generation = 0; generation < PARENTS_MAX && pid > 1; generation += 1) {
    const found = textOf(`/proc/${pid}/environ`)
      .split('\0')
      .find((entry) => entry.startsWith('SSH_CONNECTION='));
    if (found !== undefined) return found.slice('SSH_CONNECTION='.length);
    pid = Number(/^PPid:\s+(\d+)$/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0);
  }
  return undefined;
}

/** Empty for what this user may not read, or what has gone. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
