/** The daemon runs inside its namespace, without a prefix, and is killed with everything in its process group. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { openNamespaceRig, type NamespaceRig } from './namespace-rig.ts';

const DAEMON = path.join(import.meta.dirname, 'keep-host-until-killed.ts');
const status = z.object({ opsLanded: z.number(), settled: z.boolean(), residuals: z.array(z.unknown()) });

test('what a killed daemon installed stays, and its successor finds nothing to do', async () => {
  const rig = await openNamespaceRig();
  const started: ChildProcess[] = [];
  try {
    const before = await rig.show();
    const first = await start(rig, started);
    expect(first).toMatchObject({ settled: true, residuals: [] });
    expect(first.opsLanded).toBeGreaterThan(8);
    const installed = await rig.show();
    expect(installed).not.toEqual(before);
    killGroups(started);
    const successor = await start(rig, started);
    expect(successor).toEqual({ opsLanded: 0, settled: true, residuals: [] });
    expect(await rig.show()).toEqual(installed);
    const peers = await rig.router.run('wg', 'show', rig.wireGuardName, 'peers');
    expect(peers.trim()).not.toBe('');
  } finally {
    killGroups(started);
    await rig.dispose();
  }
});

/** @returns what it says of itself once settled; it goes on running, in a process group of its own */
async function start(rig: NamespaceRig, started: ChildProcess[]): Promise<z.output<typeof status>> {
  const daemon = [
    process.execPath,
    DAEMON,
    rig.wireGuardName,
    `${rig.directory}/key`,
    `${42_000 + (process.pid % 9000)}`,
  ];
  const child = spawn('ip', ['netns', 'exec', rig.router.name, ...daemon], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(child);
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('exit', (code) => reject(new Error(`the daemon ended with ${code}`)));
  });
  return status.parse(JSON.parse(line));
}

function killGroups(children: ChildProcess[]): void {
  for (const { pid } of children.splice(0)) {
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended by itself; the test has said so.
    }
  }
}
