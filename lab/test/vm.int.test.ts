import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isRunning, processesIn } from '../src/process-table.ts';
import { namespacesOf, tearDown } from '../src/tear-down.ts';
import { waitUntil } from '../src/wait-until.ts';
import { ThrowawayLab } from './throwaway-lab.ts';

let lab: ThrowawayLab;

beforeEach(() => {
  lab = new ThrowawayLab('vm');
});

afterEach(async () => lab.remove());

test('a machine has its own name, /run, /root, hosts file and network, and the IPv4 settings of a fresh kernel', async () => {
  const vm = await lab.boot('alpha');
  expect(await vm.output(['hostname'])).toBe('alpha\n');
  expect(await vm.output(['ls', '-A', '/root'])).toBe('');
  expect(await vm.output(['getent', 'hosts', 'onprem-client'])).toContain('10.77.60.10');
  expect(await vm.output(['cat', '/proc/sys/net/ipv4/ip_forward', '/proc/sys/net/ipv4/conf/all/proxy_arp'])).toBe(
    '0\n0\n',
  );
  expect((await vm.ipOutput('-br', 'link')).split('\n')[0]).toContain('lo');
  expect(await vm.output(['sh', '-c', 'echo $$'])).not.toBe(`${process.pid}\n`);
});

test('two machines can listen on one socket path', async () => {
  const [one, two] = await Promise.all([lab.boot('one'), lab.boot('two')]);
  await one.output(['touch', '/run/only-here']);
  expect(await two.output(['ls', '/run'])).not.toContain('only-here');
});

test('a daemon in a machine is found by its pid outside, and ends with the machine', async () => {
  const vm = await lab.boot('host');
  const daemon = await vm.daemon(['sleep', '1000'], { logFile: path.join(lab.files.logDir, 'sleep.log') });
  expect(isRunning(daemon)).toBe(true);
  expect(await tearDown(lab.files)).toBe(1);
  expect(isRunning(daemon)).toBe(false);
  expect(namespacesOf(lab.files)).toEqual([]);
});

test('a listener is seen without asking the machine', async () => {
  const vm = await lab.boot('host');
  await vm.daemon(['socat', 'TCP-LISTEN:7777', '/dev/null'], { logFile: path.join(lab.files.logDir, 'socat.log') });
  await expect(vm.listening(7777)).resolves.toBeUndefined();
});

test('a signal to a stream reaches the program inside', async () => {
  const vm = await lab.boot('host');
  const lines: string[] = [];
  const stream = await vm.stream(['ping', '-i', '0.2', '127.0.0.1'], (line) => lines.push(line));
  await waitUntil('a ping', () => lines.some((line) => line.includes('ttl=')) || undefined, { deadlineMs: 30_000 });
  stream.signal('SIGINT');
  await stream.exited;
  expect(lines.some((line) => line.includes('packets transmitted'))).toBe(true);
});

test('programs that were left running are ended, pipelines as a whole', async () => {
  const vm = await lab.boot('host');
  const lines: string[] = [];
  const left = await vm.stream(['sh', '-c', 'echo started; sleep 1000 | cat'], (line) => lines.push(line));
  await waitUntil('a line', () => lines.includes('started') || undefined, { deadlineMs: 30_000 });
  await vm.endStreams();
  expect(await left.exited).toBeNull();
  expect(isRunning(left.process)).toBe(false);
  await vm.endStreams();
  expect(vm.isUp()).toBe(true);
});

test('when the harness is killed with -9 nothing of it runs on, and what is left by name is removed by name', async () => {
  const main = path.join(import.meta.dirname, 'boot-and-wait.ts');
  const harness = spawn(process.execPath, [main, JSON.stringify(lab.bootOptions('orphan'))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => harness.stdout.once('data', resolve));
  const inside = processesIn(namespacesOf(lab.files));
  expect(inside.length).toBeGreaterThanOrEqual(2);
  harness.kill('SIGKILL');
  await waitUntil('the end of the machine', () => inside.every((each) => !isRunning(each)) || undefined, {
    deadlineMs: 30_000,
  });
  expect(readdirSync('/run/netns')).toContain(`${lab.files.prefix}-orphan`);
  expect(await tearDown(lab.files)).toBe(1);
});
