/** Asks a router's daemon over its unix socket, from outside of the machine: /proc/PID/root leads into its mount namespace (proc(5)). */
import { request } from 'node:http';
import type { Vm } from './vm.ts';

const SOCKET = '/run/routerd/routerd.sock';

/** The answer's body, or `undefined` while nobody answers. */
export async function askRouter(vm: Vm, path: string): Promise<unknown> {
  return new Promise((resolve) => {
    const asking = request(
      { socketPath: `/proc/${vm.record.holder.pid}/root${SOCKET}`, path, timeout: 2000 },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => resolve(parsed(Buffer.concat(chunks).toString('utf8'))));
        answer.on('error', () => resolve(undefined));
      },
    );
    asking.on('timeout', () => asking.destroy());
    asking.on('error', () => resolve(undefined));
    asking.end();
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export async function isReady(vm: Vm): Promise<boolean> {
  const status = await askRouter(vm, '/v1/status');
  return typeof status === 'object' && status !== null && 'ready' in status && status.ready === true;
}
