import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { PluginRequest, RunReport } from '@routerd/observers';
import { durationMs, type ResourceOf } from '@routerd/resources';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPluginRunner } from '../src/index.ts';

const OBSERVER = path.join(import.meta.dirname, 'plugins/observer.ts');
const never = new AbortController().signal;

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'plugin-runner-'));
});

afterEach(() => {
  for (const pid of startedProcesses()) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  rmSync(dir, { recursive: true });
});

const trace = (): string => path.join(dir, 'trace');

function traced(): readonly string[] {
  return existsSync(trace()) ? readFileSync(trace(), 'utf8').split('\n').filter(Boolean) : [];
}

function startedProcesses(): readonly number[] {
  return traced().flatMap((line) => (line.startsWith('start ') ? [Number(line.slice('start '.length))] : []));
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
    if (performance.now() > end) throw new Error(`${what} did not happen; started: ${startedProcesses().join()}`);
    await delay(5);
  }
}

const plugin = (task: string, spec: Partial<ResourceOf<'Plugin'>['spec']> = {}): ResourceOf<'Plugin'> => ({
  apiVersion: 'plugin.routerd.net/v1alpha1',
  kind: 'Plugin',
  metadata: { name: 'inventory', annotations: {}, ownerRefs: [] },
  spec: {
    executable: process.execPath,
    args: [OBSERVER],
    timeout: durationMs(30_000),
    env: { TRACE: trace(), DO: task },
    capabilities: ['observe.cloud'],
    triggers: [],
    context: { resources: [] },
    ...spec,
  },
});

const REQUEST: PluginRequest = {
  apiVersion: 'plugin.routerd.net/v1alpha1',
  kind: 'PluginRequest',
  metadata: { name: 'inventory' },
  spec: {
    trigger: { type: 'manual', topic: '' },
    startupConfigHash: 'ab',
    effectiveGeneration: 1,
    previousDynamicGeneration: 0,
    now: '2026-11-21T08:00:00.000Z',
    events: [],
    context: { resources: [] },
  },
};

async function run(
  task: string,
  spec: Partial<ResourceOf<'Plugin'>['spec']> = {},
  signal: AbortSignal = never,
): Promise<RunReport> {
  return createPluginRunner({ clock: systemClock, log: new RecordingLog() }).run(plugin(task, spec), REQUEST, signal);
}

const faultOf = (report: RunReport): string =>
  report.outcome.ok ? 'no fault' : `${report.outcome.error.code} ${report.outcome.error.message}`;

describe('a run of a plugin', () => {
  test('gives the request on stdin and takes the result from stdout, whatever libraries say there', async () => {
    const report = await run('answer');
    expect(report).toMatchObject({ exitCode: 0, outcome: { ok: true, value: { ttl: 60_000, resources: [] } } });
    expect(report.stdoutDigest).toMatch(/^[0-9a-f]{64}$/);
    expect(report.stderr.split('\n')).toEqual(['a library talks on stdout', 'trigger manual, context 0']);
  });

  test('passes PATH and what the plugin declares, and nothing else', async () => {
    process.env['ROUTERD_TEST_SECRET'] = 'x';
    const report = await run('environment');
    delete process.env['ROUTERD_TEST_SECRET'];
    expect(report.stderr.split('\n')[0]).toBe('DO,PATH,TRACE');
  });

  test('that follows takes as long as it takes', async () => {
    const request: PluginRequest = { ...REQUEST, spec: { ...REQUEST.spec, trigger: { type: 'follow', topic: '' } } };
    const runner = createPluginRunner({ clock: systemClock, log: new RecordingLog() });
    const report = await runner.run(plugin('answer', { timeout: durationMs(1) }), request, never); // no process is as fast
    expect(report).toMatchObject({ exitCode: 0, outcome: { ok: true } });
    expect(report.stderr.split('\n').at(-1)).toBe('trigger follow, context 0');
  });

  test('that takes too long is ended with everything that it started', async () => {
    const report = await run('hang', { timeout: durationMs(1500) });
    expect(faultOf(report)).toBe('plugin.timed-out plugin inventory timed out after 1s500ms');
    expect(report.exitCode).toBeUndefined();
    await eventually('the end of the group', () => startedProcesses().every((pid) => !isRunning(pid)));
  });

  test('that is cancelled is ended likewise', async () => {
    const cancel = new AbortController();
    const running = run('hang', {}, cancel.signal);
    await eventually('the start', () => startedProcesses().length === 2);
    cancel.abort();
    expect(faultOf(await running)).toBe('plugin.cancelled plugin inventory was cancelled while it ran');
    await eventually('the end of the group', () => startedProcesses().every((pid) => !isRunning(pid)));
  });

  test('does not outlive a daemon that is killed', async () => {
    const host = path.join(import.meta.dirname, 'plugins/observer-host-to-be-killed.ts');
    const args = [host, JSON.stringify(plugin('hang-alone')), JSON.stringify(REQUEST)];
    const daemon = spawn(process.execPath, args, { stdio: 'ignore' });
    try {
      await eventually('the request', () => traced().includes('observing'));
    } finally {
      daemon.kill('SIGKILL');
    }
    await eventually('the end of the plugin', () => startedProcesses().every((pid) => !isRunning(pid)));
    expect(startedProcesses().filter(isRunning)).toEqual([]);
  });

  test('leaves no child behind that holds its pipes', async () => {
    const report = await run('leave-a-child');
    expect(report.outcome.ok).toBe(true);
    await eventually('the end of the group', () => startedProcesses().every((pid) => !isRunning(pid)));
  });

  test('that fails says why, without secrets', async () => {
    const report = await run('crash');
    expect(report.exitCode).toBe(3);
    expect(faultOf(report)).toBe(
      'plugin.failed plugin inventory failed: it ended with exit code 3: about to fail: password=[redacted]',
    );
    expect(report.stderr).not.toContain('hunter2');
  });

  test('that writes without end is ended', async () => {
    expect(faultOf(await run('flood'))).toBe(
      'plugin.output-too-long plugin inventory wrote more than 4194304 bytes on stdout',
    );
  });

  test('that writes no document is told as such', async () => {
    expect(faultOf(await run('babble'))).toContain('plugin.bad-output decode plugin inventory stdout: ');
  });

  test('that shows a secret where a duration should be does not get it shown', async () => {
    const fault = faultOf(await run('secret'));
    expect(fault).toContain('plugin.result-invalid');
    expect(fault).not.toContain('abcdef0123456789');
  });

  test('that needs no input is not disturbed by getting some', async () => {
    const script = path.join(dir, 'script.sh');
    const body = [
      'apiVersion: plugin.routerd.net/v1alpha1',
      'kind: PluginResult',
      'metadata: { name: inventory }',
      'status: { ttl: 5m }',
    ];
    writeFileSync(script, `#!/bin/sh\nexec 0<&-\ncat <<END\n${body.join('\n')}\nEND\n`);
    chmodSync(script, 0o755);
    expect(await run('', { executable: script, args: [] })).toMatchObject({ exitCode: 0, outcome: { ok: true } });
  });

  test('of what is no executable starts nothing, and says what is wrong', async () => {
    const file = path.join(dir, 'plain');
    writeFileSync(file, '');
    expect(faultOf(await run('', { executable: file }))).toBe(
      `plugin.not-executable plugin inventory: executable "${file}" is not executable`,
    );
    expect(faultOf(await run('', { executable: `${file}-not` }))).toContain('is not accessible');
    expect(faultOf(await run('', { args: ['a\0b'] }))).toContain(
      'plugin.not-executable plugin inventory could not be started',
    );
    expect(startedProcesses()).toEqual([]);
  });
});
