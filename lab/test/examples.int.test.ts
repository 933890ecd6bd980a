import { globSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from '@routerd/runtime';
import { EXAMPLES_DIR } from '../src/examples.ts';
import { CHECKOUT } from '../src/lab-files.ts';

const ROUTERD = path.join(CHECKOUT, 'packages/routerd/src/main.ts');

/** All but what tells the conformance kit about an executor: that is no configuration of a router. */
const CONFIGURATIONS = globSync('**/*.yaml', { cwd: EXAMPLES_DIR })
  .filter((name) => path.basename(name) !== 'conformance.yaml')
  .toSorted();

test.each(CONFIGURATIONS)('`routerd validate` accepts %s', async (name) => {
  const file = path.join(EXAMPLES_DIR, name);
  const result = await runCommand([process.execPath, ROUTERD, 'validate', '--config', file]);
  expect(result.ok ? result.value.stdout : result.error.stderr).toContain('(0 errors, 0 warnings)');
});
