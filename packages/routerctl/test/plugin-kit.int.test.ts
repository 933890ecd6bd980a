import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

const CHECKOUT = path.resolve(import.meta.dirname, '../../..');
const MAIN = path.join(CHECKOUT, 'packages/routerctl/src/main.ts');

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'plugin-kit-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Twenty-seven checks, each with processes of its own; 20 s on a quiet machine. */
const PATIENCE = { timeout: 400_000 };
const EVERY_CHECK = /^\d+ passed, 0 failed, 0 untested$/m;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function routerctl(...words: readonly string[]): Promise<Outcome> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [MAIN, ...words]);
    return { code: 0, stdout, stderr };
  } catch (cause) {
    const { code, stdout, stderr } = cause as Outcome;
    return { code, stdout, stderr };
  }
}

test('a new plugin passes every check, wherever it is', PATIENCE, async () => {
  const made = await routerctl('plugin', 'new', 'my-cloud', '--dir', folder);
  expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining('plugin conformance') });
  const plugin = path.join(folder, 'my-cloud');
  const executor = readFileSync(path.join(plugin, 'src/executor.ts'), 'utf8');
  expect(executor).toContain('createMyCloudExecutor');
  expect(executor).toContain("name: 'my-cloud'");
  expect(readFileSync(path.join(plugin, 'package.json'), 'utf8')).toContain('"@routerd/plugin-my-cloud"');
  const [, link = ''] = /\]\(([^)]+)\)/.exec(readFileSync(path.join(plugin, 'README.md'), 'utf8')) ?? [];
  expect(readFileSync(path.join(plugin, link), 'utf8')).toContain('# Write a provider plugin');
  const judged = await routerctl('plugin', 'conformance', plugin);
  expect(judged.stdout).toMatch(EVERY_CHECK);
  expect(judged.code).toBe(0);
  expect(await routerctl('plugin', 'new', 'my-cloud', '--dir', folder)).toMatchObject({ code: 1 });
});

test.each(['plugins/fake', 'examples/executor-python'])('%s passes every check', PATIENCE, async (plugin) => {
  const judged = await routerctl('plugin', 'conformance', path.join(CHECKOUT, plugin));
  expect(judged.stdout).toMatch(EVERY_CHECK);
});

test('a folder without a plan is refused with what is needed', async () => {
  const refused = await routerctl('plugin', 'conformance', folder);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('conformance.yaml') });
});
