/** Where a shell puts a token: `routerctl federation init … > hub-1.token`. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const ROUTERCTL = path.resolve(import.meta.dirname, '../src/main.ts');

test('a file that a token is written to can be read by its owner alone', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'token-file-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'hub-1.token');
  const descriptor = openSync(file, 'w', 0o644);
  const group = ['--folder', path.join(folder, 'group'), '--group', 'demo', '--hub', 'hub-1=192.0.2.1:4222'];
  const argv = [ROUTERCTL, 'federation', 'init', ...group];
  const { status, stderr } = spawnSync(process.execPath, argv, { stdio: ['ignore', descriptor, 'pipe'] });
  closeSync(descriptor);
  expect({ status, stderr: stderr.toString() }).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/^Token of hub-1/),
  });
  expect(readFileSync(file, 'utf8')).toMatch(/^routerd1\./);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});
