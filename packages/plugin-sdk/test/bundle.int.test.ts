import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bundlePlugin } from '../src/bundle/bundle-plugin.ts';
import { observeRequest } from './requests.ts';

const FAKE = path.join(import.meta.dirname, '../../../plugins/fake');
let scratch = '';
let folder = '';
let cacheDir = '';

beforeEach(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'bundle-'));
  folder = path.join(scratch, 'fake');
  cacheDir = path.join(scratch, 'cache');
  mkdirSync(folder);
  for (const part of ['src', 'package.json'])
    cpSync(path.join(FAKE, part), path.join(folder, part), { recursive: true });
  symlinkSync(path.join(FAKE, 'node_modules'), path.join(folder, 'node_modules'));
});

afterEach(() => {
  rmSync(scratch, { recursive: true, force: true });
});

test('a bundle answers as its sources do, without anything around it', async () => {
  const { main, isNew, bytes } = await bundlePlugin({ folder, cacheDir });
  expect(isNew).toBe(true);
  expect(bytes).toBeGreaterThan(10_000);
  rmSync(folder, { recursive: true });
  const input = `${JSON.stringify(observeRequest())}\n`;
  const { stdout, status } = spawnSync(process.execPath, [main], { input, encoding: 'utf8', timeout: 30_000 });
  expect([status, JSON.parse(stdout)]).toMatchObject([0, { kind: 'ObserveNicResult', id: 'o1' }]);
});

test('what was bundled once is found again, and what changed is bundled anew', async () => {
  const first = await bundlePlugin({ folder, cacheDir });
  expect(await bundlePlugin({ folder, cacheDir })).toEqual({ ...first, isNew: false });
  writeFileSync(path.join(folder, 'src/more.ts'), 'export const more = 1;\n');
  const second = await bundlePlugin({ folder, cacheDir });
  expect(second.isNew).toBe(true);
  expect(second.main).not.toBe(first.main);
  expect(readdirSync(cacheDir)).toHaveLength(2); // somebody may run the first one still
});

test('old bundles are forgotten where that was asked for', async () => {
  const first = await bundlePlugin({ folder, cacheDir });
  utimesSync(path.dirname(first.main), new Date(0), new Date(0));
  writeFileSync(path.join(folder, 'src/more.ts'), 'export const more = 1;\n');
  const second = await bundlePlugin({ folder, cacheDir, forgetAfterMs: 60_000 });
  expect(readdirSync(cacheDir)).toEqual([path.basename(path.dirname(second.main))]);
});

test('several at once make one bundle, and leave nothing half done', async () => {
  const made = await Promise.all([1, 2, 3].map(async () => bundlePlugin({ folder, cacheDir })));
  expect(new Set(made.map(({ main }) => main)).size).toBe(1);
  expect(readdirSync(cacheDir)).toHaveLength(1);
});

test('what cannot be bundled is said, and leaves nothing behind', async () => {
  writeFileSync(path.join(folder, 'src/main.ts'), "import './no-such-file.ts';\n");
  await expect(bundlePlugin({ folder, cacheDir })).rejects.toThrow('no-such-file');
  expect(readdirSync(cacheDir)).toEqual([]);
});
