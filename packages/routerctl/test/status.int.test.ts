/** routerctl status --wait against a daemon that is not there yet, then waits for something, then is ready. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '@stricli/core';
import { expect, onTestFinished, test } from 'vitest';
import { application } from '../src/application.ts';

const status = (ready: boolean) => ({
  node: 'a',
  ready,
  waitingFor: ready ? [] : ['the capture log'],
  startedAt: 0,
  federation: { connected: ready, outboxDepth: 0, refused: {}, members: {} },
  host: { settled: true, residuals: ['first\nNode: b\u001b[2J'] },
  actions: {},
  pools: [],
  problems: [],
});

/** A daemon that is ready when it is asked for the `readyAt`th time. */
function daemon(readyAt: number): { readonly socket: string; readonly start: () => void } {
  const folder = mkdtempSync(path.join(tmpdir(), 'status-'));
  let asked = 0;
  const server = createServer((_asked, answer) => answer.end(JSON.stringify(status((asked += 1) >= readyAt))));
  onTestFinished(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const socket = path.join(folder, 's');
  return { socket, start: () => void server.listen(socket) };
}

async function routerctl(now: () => number, ...args: readonly string[]) {
  let said = '';
  const stream = { write: (text: string): void => void (said += text) };
  const shell = { stdout: stream, stderr: stream, env: {}, exitCode: null as number | string | null };
  await run(application, args, { process: shell, now });
  return { said, code: Number(shell.exitCode ?? 0) };
}

test('it waits for a daemon that is about to start until it is ready', async () => {
  const { socket, start } = daemon(3);
  const waited = routerctl(() => 0, 'status', '--wait', '--socket', socket);
  start();
  const { said, code } = await waited;
  expect({ said, code }).toMatchObject({ said: expect.stringContaining('State:      ready'), code: 0 });
});

test('it ends with what is waited for when the time is over', async () => {
  const { socket, start } = daemon(Number.POSITIVE_INFINITY);
  start();
  let now = 0;
  const { said, code } = await routerctl(() => (now += 1000), 'status', '--wait', '--timeout', '3', '--socket', socket);
  expect(said).toContain('waiting for the capture log');
  expect(code).toBe(1);
  expect((await routerctl(() => 0, 'status', '--socket', socket)).code).toBe(0);
});

test('a problem stands on one line, whatever is in it', async () => {
  const { socket, start } = daemon(1);
  start();
  const { said } = await routerctl(() => 0, 'status', '--socket', socket);
  expect(said).toContain(String.raw`first\nNode: b\u001b[2J`);
});
