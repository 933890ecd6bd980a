import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecuteRequest, NicTarget } from '@routerd/actions';
import { durationMs, hostAddressOf, parseIpv4, type HostAddress, type ResourceOf } from '@routerd/resources';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPluginExecutor, executableProblem, type PluginExecutor } from '../src/index.ts';

const PLUGIN = path.join(import.meta.dirname, 'plugins/steerable.ts');
const never = new AbortController().signal;

let dir: string;
let log: RecordingLog;
let executor: PluginExecutor;

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'plugin-host-'));
  log = new RecordingLog();
  executor = open();
});

afterEach(async () => {
  await executor.stop();
  for (const pid of startedProcesses()) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  rmSync(dir, { recursive: true });
});

function pluginResource(timeoutMs = 20_000): ResourceOf<'Plugin'> {
  return {
    apiVersion: 'plugin.routerd.net/v1alpha1',
    kind: 'Plugin',
    metadata: { name: 'aws-executor', annotations: {}, ownerRefs: [] },
    spec: {
      executable: process.execPath,
      args: [PLUGIN],
      timeout: durationMs(timeoutMs),
      env: { TRACE: path.join(dir, 'trace') },
      capabilities: ['execute.providerAction'],
      triggers: [],
      context: { resources: [] },
    },
  };
}

function open(timeoutMs?: number, idleMs?: number, ...moods: readonly string[]): PluginExecutor {
  const plugin = pluginResource(timeoutMs);
  const plugins = [{ ...plugin, spec: { ...plugin.spec, args: [...plugin.spec.args, ...moods] } }];
  return createPluginExecutor({ plugins, clock: systemClock, log, ...(idleMs === undefined ? {} : { idleMs }) });
}

function traced(): readonly string[] {
  const file = path.join(dir, 'trace');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
}

function startedProcesses(): readonly number[] {
  return traced().flatMap((line) => (line.startsWith('start ') ? [Number(line.slice(6))] : []));
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function eventually(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 30_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`${what} did not happen; trace: ${traced().join(', ')}`);
    await delay(5);
  }
}

const nic = (target: NicTarget['target'] = {}, nicRef = 'eni-0a'): NicTarget => ({
  provider: 'aws',
  providerRef: 'aws',
  nicRef,
  target,
});

function address(text: string): HostAddress {
  const parsed = parseIpv4(text);
  if (!parsed.ok) throw new Error(text);
  return hostAddressOf(parsed.value);
}

function assign(attempt: string, more: Partial<ExecuteRequest> = {}): ExecuteRequest {
  const captureKey = 'p|10.77.60.10/32|provider:aws:placement:g';
  return {
    nic: nic(),
    verb: 'assign-secondary-ip',
    addresses: [{ address: address('10.77.60.10'), captureKey, captureEpoch: 1, seizeFrom: undefined }],
    mode: 'execute',
    attempt,
    ...more,
  };
}

async function pidThatAnswers(request: ExecuteRequest): Promise<string | undefined> {
  const answer = await executor.execute(request, never);
  return answer.ok ? answer.value.results[0]?.message : `${answer.error.code} ${answer.error.detail}`;
}

describe('the plugin host', () => {
  test('keeps one process per NIC, and passes results and states on', async () => {
    const first = await pidThatAnswers(assign('a1'));
    expect(await pidThatAnswers(assign('a2'))).toBe(first);
    expect(await pidThatAnswers(assign('a3', { nic: nic({}, 'eni-0b') }))).not.toBe(first);
    expect(await executor.observe(nic(), never)).toEqual({
      ok: true,
      value: { addresses: ['10.77.60.10/32'], forwarding: true, usage: { writes: 0 } },
    });
    expect(startedProcesses()).toHaveLength(2);
  });

  test('asks a new process what it speaks, and passes on what only some executors have', async () => {
    expect(executor.description(nic())).toBeUndefined();
    const preflight = await executor.preflight(nic(), ['assign-secondary-ip'], never);
    expect(preflight).toMatchObject({
      ok: true,
      value: { identity: 'role/router', findings: [{ message: 'UnauthorizedOperation, token=[redacted]' }] },
    });
    expect(executor.description(nic())).toMatchObject({
      name: 'steerable',
      release: '1.2.3',
      requests: ['ExecuteActionRequest', 'ObserveNicRequest', 'DescribeRequest', 'PreflightRequest'],
    });
    expect(await executor.check(nic(), [address('10.77.60.10')], never)).toMatchObject({
      ok: false,
      error: { code: 'executor.failed', errorClass: 'invalid', detail: 'this executor does not answer CheckRequest' },
    });
    expect(startedProcesses()).toHaveLength(1);
  });

  test('an executor that dies of being asked what it speaks is not asked again', async () => {
    executor = open(20_000, 60_000, 'dies-of-questions');
    expect((await executor.observe(nic(), never)).ok).toBe(true);
    expect(executor.description(nic())).toMatchObject({ name: 'unnamed' });
    expect(startedProcesses()).toHaveLength(2);
  });

  test('answers requests to one NIC one after another', async () => {
    await Promise.all(['a1', 'a2', 'a3'].map(async (attempt) => executor.execute(assign(attempt), never)));
    expect(traced().slice(1)).toEqual(['begin a1', 'end a1', 'begin a2', 'end a2', 'begin a3', 'end a3']);
  });

  test('keeps what libraries write on stdout away from the protocol', async () => {
    expect((await executor.execute(assign('chatter'), never)).ok).toBe(true);
    await eventually('the chatter in the log', () =>
      log.lines.some(({ fields }) => fields['text'] === 'a library talks on stdout'),
    );
  });

  test('gives the process PATH and its declared environment, nothing else', async () => {
    const answer = await executor.observe(nic({ do: 'environment' }), never);
    expect(answer).toMatchObject({ ok: false, error: { code: 'executor.failed', detail: 'PATH,TRACE' } });
  });

  test('passes on the class and the wait of a failure', async () => {
    expect(await executor.execute(assign('throttled'), never)).toEqual({
      ok: false,
      error: {
        code: 'executor.failed',
        errorClass: 'throttled',
        detail: 'RequestLimitExceeded',
        retryAfterMs: 1234,
        usage: { writes: 0 },
      },
    });
  });

  test('kills the whole process group past the limit, and says that the outcome is unknown', async () => {
    executor = open(5000); // in which a busy machine, too, starts the plugin and its child
    const answer = await executor.execute(assign('hang'), never);
    expect(answer).toEqual({
      ok: false,
      error: {
        code: 'executor.timed-out',
        errorClass: 'unknown-outcome',
        detail: 'plugin aws-executor timed out after 5s',
      },
    });
    expect(startedProcesses()).toHaveLength(2); // the plugin and the child it had started
    await eventually('the end of the group', () => !startedProcesses().some(isRunning));
  });

  test('a read that hangs leaves nothing unknown', async () => {
    executor = open(1500);
    const answer = await executor.observe(nic({ do: 'hang' }), never);
    expect(answer).toMatchObject({ ok: false, error: { code: 'executor.timed-out', errorClass: 'transport' } });
  });

  test('a crash in mid-request is an unknown outcome, told with redacted last words; the next request gets a new process', async () => {
    const answer = await executor.execute(assign('crash'), never);
    expect(answer).toEqual({
      ok: false,
      error: {
        code: 'executor.crashed',
        errorClass: 'unknown-outcome',
        detail: 'plugin aws-executor ended with exit code 3: about to fail: password=[redacted]',
      },
    });
    expect(Number(await pidThatAnswers(assign('a2')))).toBeGreaterThan(0);
    expect(JSON.stringify(log.lines)).not.toContain('hunter2');
  });

  test.each([
    ['flood', /wrote a line longer than 4194304 bytes/],
    ['babble', /wrote a line that is no result: this is no result/],
  ])('output that breaks the protocol (%s) ends the process', async (attempt, detail) => {
    expect(await executor.execute(assign(attempt), never)).toMatchObject({
      ok: false,
      error: { code: 'executor.bad-output', errorClass: 'unknown-outcome', detail: expect.stringMatching(detail) },
    });
    expect(startedProcesses().some(isRunning)).toBe(false);
  });

  test('one that shouts on standard error without end is heard at a pace, and goes on answering', async () => {
    const began = performance.now();
    for (const attempt of ['shout', 'a1', 'a2']) expect((await executor.execute(assign(attempt), never)).ok).toBe(true);
    const line = 'so it is';
    const heard = (): number => log.lines.filter(({ fields }) => fields['text'] === line).length;
    await eventually('a second of shouting', () => heard() > (16 * 1024) / (line.length + 1));
    const seconds = Math.ceil((performance.now() - began) / 1000) + 1;
    expect(heard()).toBeLessThanOrEqual((seconds * 16 * 1024) / (line.length + 1) + seconds);
    expect((await executor.observe(nic(), never)).ok).toBe(true);
  });

  test('cancelling ends the process that was at it', async () => {
    const cancel = new AbortController();
    const answer = executor.execute(assign('hang'), cancel.signal);
    await eventually('the request', () => traced().includes('begin hang'));
    cancel.abort();
    expect(await answer).toMatchObject({
      ok: false,
      error: { code: 'executor.cancelled', errorClass: 'unknown-outcome' },
    });
    await eventually('the end of the group', () => !startedProcesses().some(isRunning));
  });

  test('what is cancelled while it waits was never sent', async () => {
    const cancel = new AbortController();
    const running = executor.execute(assign('a1'), never);
    const waiting = executor.execute(assign('a2'), cancel.signal);
    cancel.abort();
    expect(await waiting).toMatchObject({ ok: false, error: { code: 'executor.cancelled', errorClass: 'transport' } });
    expect((await running).ok).toBe(true);
    expect(traced()).not.toContain('begin a2');
  });

  test('no process survives a stop, busy or idle', async () => {
    await executor.execute(assign('a1', { nic: nic({}, 'eni-0b') }), never);
    const answer = executor.execute(assign('hang'), never);
    await eventually('the request', () => traced().includes('begin hang'));
    await executor.stop();
    expect(await answer).toMatchObject({ ok: false, error: { code: 'executor.cancelled' } });
    await eventually('the end of every process', () => !startedProcesses().some(isRunning));
    expect(await executor.execute(assign('a3'), never)).toMatchObject({
      ok: false,
      error: { code: 'executor.cancelled' },
    });
  });

  test('an idle process is let go', async () => {
    executor = open(20_000, 50);
    await executor.execute(assign('a1'), never);
    await eventually('the end of the idle process', () => !startedProcesses().some(isRunning));
    expect(Number(await pidThatAnswers(assign('a2')))).toBeGreaterThan(0);
  });

  test('no plugin outlives a daemon that is killed, even in the middle of a request', async () => {
    const host = path.join(import.meta.dirname, 'plugins/host-to-be-killed.ts');
    const daemon = spawn(process.execPath, [host, JSON.stringify(pluginResource()), JSON.stringify(assign('hang'))], {
      stdio: 'inherit',
    });
    try {
      await eventually('the request', () => traced().includes('begin hang'));
    } finally {
      daemon.kill('SIGKILL');
    }
    const [plugin = 0] = startedProcesses();
    await eventually('the end of the plugin', () => !isRunning(plugin));
    expect(plugin).toBeGreaterThan(0);
  });
});

describe('an executable', () => {
  test('has to be an absolute path to a regular file that may be executed', async () => {
    const plain = path.join(dir, 'plain');
    writeFileSync(plain, '');
    chmodSync(plain, 0o644);
    const folder = path.join(dir, 'folder');
    mkdirSync(folder);
    expect(await executableProblem('bin/true')).toBe('executable "bin/true" is not an absolute path');
    expect(await executableProblem(`${dir}/absent`)).toBe(`executable "${dir}/absent" is not accessible`);
    expect(await executableProblem(folder)).toBe(`executable "${folder}" is not a regular file`);
    expect(await executableProblem(plain)).toBe(`executable "${plain}" is not executable`);
    expect(await executableProblem(process.execPath)).toBeUndefined();
  });

  test('that is missing is a fault of the configuration, not of the provider', async () => {
    const plugin = pluginResource();
    executor = createPluginExecutor({
      plugins: [{ ...plugin, spec: { ...plugin.spec, executable: '/nowhere/plugin' } }],
      clock: systemClock,
      log,
    });
    expect(await executor.observe(nic(), never)).toEqual({
      ok: false,
      error: {
        code: 'executor.not-configured',
        errorClass: 'invalid',
        detail: 'plugin aws-executor: executable "/nowhere/plugin" is not accessible',
      },
    });
  });
});
