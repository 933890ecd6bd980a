/** What `npm test` plays each time; `pnpm sim` plays more, and larger worlds. */
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { drawStory, SMALL_BOUNDS } from './draw-story.ts';
import { simulate } from './simulate.ts';
import { renderViolation } from './violation.ts';

const SEEDS = 320;
/** So many in one test: each has the whole time limit of a test for itself. */
const AT_ONCE = 10;

const batches = Array.from({ length: SEEDS / AT_ONCE }, (_, index) => index * AT_ONCE + 1);

describe('while faults rage nothing forbidden happens, and when they stop everybody is served', () => {
  test.each(batches)(`seeds from %i, ${AT_ONCE} of them`, async (from) => {
    for (let seed = from; seed < from + AT_ONCE; seed += 1) {
      const { violations } = await simulate(drawStory(seed, SMALL_BOUNDS));
      expect(violations.map(renderViolation), replay(seed)).toEqual([]);
    }
  });
});

test('a story is the same each time it is told', async () => {
  const told = async (): Promise<readonly string[]> => {
    const lines: string[] = [];
    await simulate(drawStory(7, SMALL_BOUNDS), { onLine: (at, line) => lines.push(`${at} ${line}`) });
    return lines;
  };
  const [first, second] = [await told(), await told()];
  expect(first.length).toBeGreaterThan(50);
  expect(second).toEqual(first);
});

function replay(seed: number): string {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  return `seed ${seed} at commit ${commit}; see it again: pnpm sim --small --seed ${seed} --trace`;
}
