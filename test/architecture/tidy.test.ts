import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { tidyFindings } from '../../tools/tidy/findings.ts';

const root = path.join(import.meta.dirname, '../..');
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(path.join(root, file)))
  .map((file) => ({ file, text: readFileSync(path.join(root, file), 'utf8') }));

test('the tree is tidy', () => {
  expect(files.length).toBeGreaterThan(50);
  expect(tidyFindings(files)).toEqual([]);
});

test.each([
  ['a file that is too long', 'packages/x/src/a.ts', '\n'.repeat(501), 'longer than 500 lines'],
  ['a forbidden name', 'packages/x/src/utils.ts', '', 'says nothing'],
  ['a wildcard export', 'packages/x/src/index.ts', "export * from './a.ts';", 'export *'],
  ['a default export', 'packages/x/src/a.ts', 'export default 1;', 'default export'],
  ['a silenced type error', 'packages/x/src/a.ts', `// @ts-ignore`, 'silences the compiler'],
  ['a skipped test', 'packages/x/test/a.test.ts', `test.skip('x', () => {});`, 'switched off'],
  ['a registry host', 'pnpm-lock.yaml', `https://registry.npmjs.org/x`, 'names a registry host'],
])('%s is found', (_, file, text, finding) => {
  expect(tidyFindings([{ file, text }]).join()).toContain(finding);
});
