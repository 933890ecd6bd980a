import { spawn } from 'node:child_process';
import { openLab } from '../lab.ts';

/** Enters a machine with this terminal. @returns the exit code of what ran there */
export async function shell(labName: string, hostName: string, command: readonly string[]): Promise<number> {
  const vm = openLab(labName).vm(hostName);
  const [file, ...args] = vm.enter(command.length > 0 ? command : ['bash', '--norc', '-i']);
  const env = {
    ...vm.environment(),
    TERM: process.env['TERM'] ?? 'dumb',
    LC_ALL: process.env['LC_ALL'] ?? 'C.UTF-8',
    PS1: `${hostName}:\\w\\$ `,
  };
  const child = spawn(file, args, { stdio: 'inherit', env });
  // The terminal delivers Ctrl-C to the program inside; this process waits for what it makes of it.
  process.on('SIGINT', () => undefined);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
