/** A shell asks what may stand at its cursor, and routerctl asks the daemon for names. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { completionsOf } from '../src/completion.ts';

const ROUTERCTL = path.resolve(import.meta.dirname, '../src/main.ts');

/** A daemon that knows two routers, and nothing else. */
async function socketOfDaemon(): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'completion-'));
  const members = [{ node: 'aws-router-a' }, { node: 'onprem-router-a' }];
  const server = createServer((asked, answer) => {
    if (asked.url === '/v1/mobility/pools') answer.end(JSON.stringify({ items: [{ members }] }));
    else answer.writeHead(404).end('{}');
  });
  server.listen(path.join(folder, 's'));
  onTestFinished(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  await once(server, 'listening');
  return path.join(folder, 's');
}

const noDaemon = {
  process: { stdout: { write: () => undefined }, stderr: { write: () => undefined }, env: { ROUTERD_SOCKET: '/none' } },
  now: () => 0,
};

test.each([
  [['dra'], ['drain']],
  [
    ['what-if', 'fa'],
    ['fail', 'fact'],
  ],
  [
    ['status', '-o', ''],
    ['table', 'json', 'yaml'],
  ],
  [
    ['drain', 'a', '--'],
    ['--output', '--socket', '--reason', '--by', '--wait', '--timeout', '--force'],
  ],
  [['drain', ''], []],
  [['nonsense', ''], []],
])('without a daemon %j goes on with %j', async (words, proposed) => {
  expect((await completionsOf(words, noDaemon)).toSorted()).toEqual(proposed.toSorted());
});

test('bash completes the name of a router', async () => {
  const script = `
    routerctl() { "$NODE" "$ROUTERCTL" "$@"; }
    source <(routerctl completion)
    COMP_WORDS=(routerctl drain aws) COMP_CWORD=2
    _routerctl
    echo "\${#COMPREPLY[@]} \${COMPREPLY[*]}"`;
  const bash = spawn('bash', ['--norc', '-c', script], {
    env: { ...process.env, NODE: process.execPath, ROUTERCTL, ROUTERD_SOCKET: await socketOfDaemon() },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(bash, 'close');
  expect(await text(bash.stdout)).toBe('1 aws-router-a\n');
  await ended;
});
