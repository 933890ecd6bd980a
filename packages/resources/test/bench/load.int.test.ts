import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('a large configuration is loaded and checked within its bounds', { timeout: 300_000 }, () => {
  const script = fileURLToPath(new URL('load.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8', timeout: 290_000 });
  process.stdout.write(stdout);
  expect(status, `${stdout}\n${stderr}`).toBe(0);
});
