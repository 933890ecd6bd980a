/** `routerd cleanup` in a network namespace: what was there before comes back, also when the state is lost. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runCommand } from '@routerd/runtime';
import { expect, onTestFinished, test } from 'vitest';

const MAIN = path.join(import.meta.dirname, '../src/main.ts');
let made = 0;

const CONFIGURATION = `apiVersion: net.routerd.net/v1alpha1
kind: IPv4StaticAddress
metadata: {name: own}
spec: {interface: lan0, address: 10.9.9.1/24}
---
apiVersion: net.routerd.net/v1alpha1
kind: IPv4Route
metadata: {name: far}
spec: {destination: 198.51.100.0/24, device: lan0}
---
apiVersion: system.routerd.net/v1alpha1
kind: Sysctl
metadata: {name: forward}
spec: {key: net.ipv4.ip_forward, value: '1'}
`;

async function must(...argv: readonly [string, ...string[]]): Promise<string> {
  const result = await runCommand(argv);
  if (!result.ok) throw new Error(`${argv.join(' ')}: ${result.error.code} ${result.error.stderr}`);
  return result.value.stdout;
}

class Router {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'routerd-cleanup-'));
  readonly namespace = `clean${process.pid}-${(made += 1)}`;

  static async make(): Promise<Router> {
    const router = new Router();
    onTestFinished(async () => {
      rmSync(router.folder, { recursive: true, force: true });
      await must('ip', 'netns', 'del', router.namespace);
    });
    await must('ip', 'netns', 'add', router.namespace);
    await must('ip', '-n', router.namespace, 'link', 'add', 'lan0', 'type', 'ifb');
    await must('ip', '-n', router.namespace, 'link', 'set', 'lan0', 'up');
    await must('ip', '-n', router.namespace, 'addr', 'add', '10.77.60.2/24', 'dev', 'lan0');
    await must('ip', 'netns', 'exec', router.namespace, 'sysctl', '-qw', 'net.ipv4.ip_forward=0');
    writeFileSync(path.join(router.folder, 'router.yaml'), CONFIGURATION);
    return router;
  }

  get stateDir(): string {
    return path.join(this.folder, 'state');
  }

  /**
   * @param connection what a session by SSH has in its environment
   * @param keepsIt false: only the shell has it, as `sudo` leaves it
   */
  async routerd(
    args: readonly string[],
    connection?: string,
    keepsIt = true,
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
    const config = args[0] === 'cleanup' ? [] : ['--config', path.join(this.folder, 'router.yaml')];
    const flags = [...config, '--state-dir', this.stateDir];
    const argv = ['netns', 'exec', this.namespace, process.execPath, MAIN, ...args, ...flags];
    const { SSH_CONNECTION: _, ...environment } = process.env;
    const env = connection === undefined ? environment : { ...environment, SSH_CONNECTION: connection };
    // Not the shell's last command, which it would become.
    const shell = ['-c', `${keepsIt ? '' : 'env -u SSH_CONNECTION '}ip "$@"; exit $?`, 'sh', ...argv];
    return new Promise((resolve) => {
      execFile('sh', shell, { encoding: 'utf8', timeout: 50_000, env }, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
      });
    });
  }

  async shows(): Promise<string> {
    return [
      await must('ip', '-n', this.namespace, '-4', '-o', 'addr', 'show', 'dev', 'lan0'),
      await must('ip', '-n', this.namespace, 'route', 'show'),
      await must('ip', 'netns', 'exec', this.namespace, 'sysctl', 'net.ipv4.ip_forward'),
    ].join('');
  }
}

test('what was there before comes back, and nothing of ours is left', { timeout: 60_000 }, async () => {
  const router = await Router.make();
  const before = await router.shows();
  expect(await router.routerd(['apply', '--once'])).toMatchObject({ code: 0 });
  const applied = await router.shows();
  expect(applied).not.toBe(before);
  expect(await router.routerd(['cleanup', '--dry-run'])).toMatchObject({ code: 2 });
  expect(await router.shows()).toBe(applied);
  expect(await router.routerd(['cleanup'])).toMatchObject({ code: 0 });
  expect(await router.shows()).toBe(before);
  expect(await router.routerd(['cleanup', '--dry-run'])).toMatchObject({ code: 0 });
});

test('without its state what carries our mark goes, and it says what stays', { timeout: 60_000 }, async () => {
  const router = await Router.make();
  expect(await router.routerd(['apply', '--once'])).toMatchObject({ code: 0 });
  rmSync(router.stateDir, { recursive: true });
  const { code, stdout } = await router.routerd(['cleanup']);
  expect(code).toBe(0);
  expect(stdout).toContain('only what carries our mark is known');
  expect(await router.shows()).not.toContain('198.51.100.0/24');
});

test('a session by SSH is not cut off, unless that is asked for', { timeout: 60_000 }, async () => {
  const router = await Router.make();
  expect(await router.routerd(['apply', '--once'])).toMatchObject({ code: 0 });
  const session = '10.9.9.7 50022 10.9.9.1 22';
  const before = await router.shows();
  const refused = await router.routerd(['cleanup'], session);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('10.9.9.1/24 leaves lan0, which management goes by.');
  expect(refused.stderr).toContain('--allow-mgmt-lockout');
  expect(await router.routerd(['cleanup'], session, false)).toMatchObject({ code: 1, stderr: refused.stderr });
  expect(await router.shows()).toBe(before);
  expect(await router.routerd(['cleanup', '--allow-mgmt-lockout'], session)).toMatchObject({ code: 0 });
});
