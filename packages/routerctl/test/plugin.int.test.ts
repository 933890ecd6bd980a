/** A daemon in a network namespace of its own, a plugin that is a shell script, and routerctl. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';

const ROUTERD = path.join(import.meta.dirname, '../../routerd/src/main.ts');
const ROUTERCTL = path.join(import.meta.dirname, '../src/main.ts');
const NAMESPACE = `ctl${process.pid}`;

let folder = '';
let daemon: ChildProcess | undefined;

beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'routerctl-plugin-'));
  await run('ip', ['netns', 'add', NAMESPACE]);
});

afterEach(async () => {
  await stopDaemon();
  await run('ip', ['netns', 'del', NAMESPACE]);
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(file: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(file, args, { encoding: 'utf8', timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });
}

const routerctl = async (...args: readonly string[]): Promise<Ended> =>
  run(process.execPath, [ROUTERCTL, ...args, '--socket', path.join(folder, 'sock')]);

async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what} did not happen; the daemon said: ${daemonSaid()}`);
    await delay(20);
  }
}

function daemonSaid(): string {
  const log = path.join(folder, 'log');
  return existsSync(log) ? readFileSync(log, 'utf8').slice(-2000) : 'nothing';
}

const hasRoute = async (): Promise<boolean> =>
  (await run('ip', ['-n', NAMESPACE, 'route', 'show'])).stdout.includes('blackhole 192.0.2.0/24');

async function startDaemon(): Promise<void> {
  const serve = ['serve', '--config', path.join(folder, 'router.yaml'), '--state-dir', path.join(folder, 'state')];
  const args = ['netns', 'exec', NAMESPACE, process.execPath, ROUTERD, ...serve, '--socket', path.join(folder, 'sock')];
  const log = openSync(path.join(folder, 'log'), 'a');
  daemon = spawn('ip', args, { stdio: ['ignore', log, log] });
  closeSync(log);
  await eventually(
    'the socket',
    async () => existsSync(path.join(folder, 'sock')) && (await routerctl('status')).code === 0,
  );
}

async function stopDaemon(): Promise<void> {
  const stopping = daemon;
  daemon = undefined;
  if (stopping === undefined || stopping.exitCode !== null) return;
  const ended = new Promise((resolve) => {
    stopping.once('exit', resolve);
  });
  stopping.kill('SIGTERM');
  await ended;
}

function answer(status: string): void {
  const head = 'apiVersion: plugin.routerd.net/v1alpha1\nkind: PluginResult\nmetadata: { name: inventory }\n';
  writeFileSync(path.join(folder, 'answer.yaml'), `${head}status:\n${status}`);
}

function configure(): void {
  const script = path.join(folder, 'inventory.sh');
  writeFileSync(script, `#!/bin/sh\ncat > ${folder}/request.json\necho "asked" >&2\ncat ${folder}/answer.yaml\n`);
  chmodSync(script, 0o755);
  writeFileSync(
    path.join(folder, 'router.yaml'),
    `apiVersion: plugin.routerd.net/v1alpha1
kind: Plugin
metadata: { name: inventory }
spec:
  executable: ${script}
  capabilities: [propose.dynamicConfig]
---
apiVersion: plugin.routerd.net/v1alpha1
kind: DynamicConfigSource
metadata: { name: inventory }
spec: { pluginRef: inventory, ttl: 10m, triggers: [{ type: event, topic: routerd.client.ipv4.observed }] }
---
apiVersion: plugin.routerd.net/v1alpha1
kind: Plugin
metadata: { name: oci-executor }
spec: { executable: /usr/bin/true, capabilities: [execute.providerAction] }
`,
  );
}

const ROUTE = `  ttl: 30m
  resources:
    - apiVersion: net.routerd.net/v1alpha1
      kind: IPv4Route
      metadata: { name: hole }
      spec: { destination: 192.0.2.0/24, type: blackhole }
`;

test('what a plugin says reaches the kernel, is shown, outlives a bad result and a restart, and a dry run changes nothing', async () => {
  configure();
  answer(ROUTE);
  await startDaemon();

  const dry = await routerctl('plugin', 'run', 'inventory', '--dry-run');
  expect(dry.stderr).toBe('');
  expect(dry.code).toBe(0);
  expect(dry.stdout).toContain('"kind": "PluginRequest"');
  expect(dry.stdout).toMatch(/Result: +Applied \(dry run: nothing is stored\)/);
  expect(dry.stdout).toMatch(/RESOURCES\n {2}IPv4Route\/hole/);
  expect(dry.stdout).toMatch(/PART\n {2}source: Plugin\/inventory[^]*type: blackhole/);
  expect(dry.stdout).toMatch(/STDERR\n {2}asked/);
  expect((await routerctl('plugin', 'runs', 'inventory', '-o', 'json')).stdout).toBe('{\n  "items": []\n}\n');
  expect(await hasRoute()).toBe(false);

  expect((await routerctl('plugin', 'run', 'inventory')).code).toBe(0);
  await eventually('the route', hasRoute);
  const [title = '', inventory = '', executor = ''] = (await routerctl('plugin', 'list')).stdout.split('\n');
  expect(title).toMatch(/^NAME +CAPABILITIES +TRIGGERS +LAST-RUN +RESULT +NEXT$/);
  expect(inventory).toMatch(
    /^inventory +propose\.dynamicConfig +on routerd\.client\.ipv4\.observed +\d+s ago +Applied +<none>$/,
  );
  expect(executor).toMatch(/^oci-executor +execute\.providerAction( +<none>){4}$/);

  answer(ROUTE.replace('blackhole', 'blackhol'));
  const bad = await routerctl('plugin', 'run', 'inventory');
  expect(bad.code).toBe(1);
  expect(bad.stdout).toMatch(/Result: +Failed \(plugin\.result-invalid\)/);
  expect(bad.stdout).toMatch(/PROBLEMS\n {2}status\.resources\[0\]\.spec\.type: .*blackhol/);
  expect(await hasRoute()).toBe(true);

  await stopDaemon();
  await startDaemon();
  expect(await hasRoute()).toBe(true);
  const again = (await routerctl('plugin', 'list')).stdout;
  expect(again).toMatch(/^inventory .* ago +Failed \(plugin\.result-invalid\) +<none>$/m);
  expect((await routerctl('plugin', 'runs', 'inventory')).stdout.split('\n').filter(Boolean)).toHaveLength(3);

  answer('  ttl: 30m\n');
  expect((await routerctl('plugin', 'run', 'inventory')).code).toBe(0);
  await eventually('the end of the route', async () => !(await hasRoute()));
});

test('what cannot be run is refused with the reason', async () => {
  configure();
  await startDaemon();
  expect(await routerctl('plugin', 'run', 'nobody')).toMatchObject({
    code: 1,
    stderr: 'error: There is no plugin "nobody".\n  List them with `routerctl plugin list`.\n',
  });
  expect((await routerctl('plugin', 'run', 'oci-executor')).stderr).toContain(
    'executes provider actions and does not observe',
  );
  expect((await routerctl('plugin', 'runs', 'nobody')).code).toBe(1);
});
