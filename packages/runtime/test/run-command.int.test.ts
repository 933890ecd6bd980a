import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from '../src/run-command.ts';

test('standard input reaches the command and its output comes back', async () => {
  expect(await runCommand(['cat'], { input: 'secret on stdin' })).toEqual({
    ok: true,
    value: { stdout: 'secret on stdin', stderr: '' },
  });
});

test('a failure carries the exit code and what was said', async () => {
  const result = await runCommand(['sh', '-c', 'echo out; echo err >&2; exit 7']);
  expect(result).toMatchObject({
    ok: false,
    error: { code: 'command.failed', exitCode: 7, stdout: 'out\n', stderr: 'err\n' },
  });
});

test('a program that does not exist is named as such', async () => {
  expect(await runCommand(['no-such-program-of-routerd'])).toMatchObject({
    ok: false,
    error: { code: 'command.not-found' },
  });
});

test('messages come in one language, whatever the environment', async () => {
  expect(await runCommand(['sh', '-c', 'echo "$LC_ALL"'])).toMatchObject({ ok: true, value: { stdout: 'C\n' } });
});

test('a command that writes too much is stopped', async () => {
  expect(await runCommand(['yes'], { outputBytesMax: 10_000 })).toMatchObject({
    ok: false,
    error: { code: 'command.output-too-long' },
  });
});

test('past its time the command is killed with everything it started', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'routerd-command-'));
  const pidFile = path.join(folder, 'pid');
  try {
    const result = await runCommand(['sh', '-c', `sleep 600 & echo $! > ${pidFile}; wait`], { timeoutMs: 300 });
    expect(result).toMatchObject({ ok: false, error: { code: 'command.timed-out' } });
    const state = `/proc/${readFileSync(pidFile, 'utf8').trim()}/stat`;
    // An orphan that was killed may stand as a zombie until init looks.
    expect(!existsSync(state) || readFileSync(state, 'utf8').includes(') Z ')).toBe(true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('an abort ends the command and is told apart from failure', async () => {
  const abort = new AbortController();
  const running = runCommand(['sleep', '600'], { signal: abort.signal });
  abort.abort();
  expect(await running).toMatchObject({ ok: false, error: { code: 'command.cancelled' } });
});
