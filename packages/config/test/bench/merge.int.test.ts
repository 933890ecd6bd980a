import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('many parts are merged within their bounds after one of them changed', { timeout: 300_000 }, () => {
  const script = fileURLToPath(new URL('merge.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8', timeout: 290_000 });
  process.stdout.write(stdout);
  expect(status, `${stdout}\n${stderr}`).toBe(0);
});
