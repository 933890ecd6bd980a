import { expect, test } from 'vitest';
import { wrapped, createProgress } from '../src/progress.ts';
import { renderSums, sumsOf, type Told } from '../src/rounds.ts';

const run = (id: string, passed: boolean, gaps: readonly number[], counted: number): Told => ({
  scenario: { id },
  evidence: {
    passed,
    flows: gaps.map((longestGapMs) => {
      const lostAt = longestGapMs > 100 ? [1, 2] : [];
      return { name: 'a->b', from: 0, until: 1, sent: 10, lostAt, longestGapMs, longestGapAt: 0 };
    }),
    moveCounts: [{ name: 'moves', expected: 3, counted }],
  },
});

test('rounds are summed up by scenario: verdicts, the worst gap of each run, and moves that had not to be', () => {
  const sums = sumsOf([
    run('D4', true, [10, 90], 3),
    run('D6', false, [2500], 4),
    run('D4', true, [20, 70], 3),
    run('D6', true, [2400], 3),
  ]);
  expect(sums.map(({ scenario, runs, passed, gaps }) => ({ scenario, runs, passed, gaps }))).toEqual([
    { scenario: 'D4', runs: 2, passed: 2, gaps: [90, 70] },
    { scenario: 'D6', runs: 2, passed: 1, gaps: [2500, 2400] },
  ]);
  expect(renderSums(sums).split('\n').slice(2)).toEqual([
    'D4        2     2       70 ms        90 ms    0     6 of 6',
    'D6        2     1       2400 ms      2500 ms  4     7 instead of 6',
  ]);
});

test('a scenario without probes and moves has none to tell', () => {
  const { scenario, evidence } = run('D3', true, [], 0);
  const [line = ''] = renderSums(sumsOf([{ scenario, evidence: { ...evidence, moveCounts: [] } }]))
    .split('\n')
    .slice(2);
  expect(line).toBe('D3        1     1       -            -      -     -');
});

test('long lines are broken at blanks and indented', () => {
  expect(wrapped('D4   the master loses its power', 5, 20)).toBe('D4   the master\n     loses its power');
  expect(wrapped('short', 5, 20)).toBe('short');
  expect(wrapped('one-word-that-is-longer-than-the-line and more', 2, 20)).toBe(
    'one-word-that-is-longer-than-the-line\n  and more',
  );
});

test('on a narrow terminal no line that is rewritten is wider than the terminal, and the innermost step comes first', async () => {
  const written: string[] = [];
  const progress = createProgress({ isTTY: true, columns: 40, write: (text) => written.push(text) });
  const title = 'D4: the VRRP master on the LAN loses its power, is shut down, loses its link';
  await progress.step(title, async () => progress.step('D4: power-off', async () => undefined));
  const rewritten = written.filter((text) => text.startsWith('… '));
  expect(rewritten.length).toBeGreaterThan(0);
  for (const text of rewritten) expect(text.length).toBeLessThan(40);
  expect(rewritten.some((text) => text.startsWith('… D4: power-off, D4: the VRRP'))).toBe(true);
  expect(written.some((text) => /\n {14}\S/.test(text))).toBe(true);
});
