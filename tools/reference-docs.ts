/**
 * Writes docs/reference/resources.md from the schemas: `node tools/with.mjs -- node tools/reference-docs.ts`.
 * The text is made by `referenceDocument` of packages/resources, which tools cannot import; the test that keeps the
 * document up to date can also rewrite it, so there is one way to compare and to write.
 */
import { spawnSync } from 'node:child_process';

const TEST = 'packages/resources/test/reference-document.test.ts';
const { status } = spawnSync('vitest', ['run', '--project', 'unit', TEST, '--update'], { stdio: 'inherit' });
process.exitCode = status ?? 1;
