/** One at a time claims or removes a lab: who looks whether a lab is in use must not be overtaken by another who looks. */
import { createServer, type Server } from 'node:net';
import type { LabFiles } from './lab-files.ts';
import { waitUntil } from './wait-until.ts';

/** Longer than any removal takes. */
const DEADLINE_MS = 60_000;

/**
 * Waits for its turn. The lock is an address in the abstract namespace of unix sockets (unix(7)): only one process can have it, and the kernel takes it back
 * when that process ends, however it ends. Nothing is left on a disk.
 */
export async function exclusively<T>(files: LabFiles, work: () => Promise<T>): Promise<T> {
  const server = await waitUntil(
    `the turn at the lab "${files.name}", which another process is claiming or removing,`,
    async () => tryToListen(`\0routerd-lab-${files.prefix}`),
    { deadlineMs: DEADLINE_MS, everyMs: 50 },
  );
  try {
    return await work();
  } finally {
    server.close();
  }
}

async function tryToListen(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (cause: NodeJS.ErrnoException) =>
      cause.code === 'EADDRINUSE' ? resolve(undefined) : reject(cause),
    );
    server.listen(address, () => resolve(server));
  });
}
