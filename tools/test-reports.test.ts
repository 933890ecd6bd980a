import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { afterSecondRun, readLabOutput, readVitestReport, type Tally } from './test-reports.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'test-reports-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const inCheckout = (name: string): string => path.join(process.cwd(), name);
const passed = (fullName: string) => ({ status: 'passed', fullName, failureMessages: [] });
const failed = (fullName: string, why: string) => ({ status: 'failed', fullName, failureMessages: [why] });

function report(
  results: readonly { name: string; assertionResults: readonly { status: string }[]; message?: string }[],
) {
  const count = (status: string): number =>
    results.flatMap(({ assertionResults }) => assertionResults).filter((each) => each.status === status).length;
  const file = path.join(folder, 'report.json');
  const testResults = results.map((each) => ({ message: '', ...each }));
  writeFileSync(
    file,
    JSON.stringify({ numPassedTests: count('passed'), numFailedTests: count('failed'), testResults }),
  );
  const tally = readVitestReport(file);
  if (tally === undefined) throw new Error('not read');
  return tally;
}

test('a failed test is named with its file and the first lines of why, without the stack', () => {
  const tally = report([
    {
      name: inCheckout('lab/a.test.ts'),
      assertionResults: [passed('one'), failed('two', 'expected 1 to be 2\n    at somewhere')],
    },
  ]);
  expect(tally).toMatchObject({
    passed: 1,
    failed: 1,
    failures: [{ rerun: 'lab/a.test.ts', name: 'two', gist: '\n    expected 1 to be 2' }],
  });
});

test('a file that could not even start is a failure', () => {
  const tally = report([{ name: inCheckout('a.test.ts'), assertionResults: [], message: 'no such module' }]);
  expect(tally.failures).toEqual([{ rerun: 'a.test.ts', name: 'could not run', gist: '\n    no such module' }]);
});

test('no report is not taken for a good one', () => {
  expect(readVitestReport(path.join(folder, 'missing.json'))).toBeUndefined();
  expect(readLabOutput('the lab did not come up')).toBeUndefined();
});

test('a scenario that failed is read off the result table, with the assertions that did not hold', () => {
  const output =
    'D5 FAILED: nothing was lost\n  expected  0\n\nD1  PASS  31 of 31  1 s\nD5  FAIL  30 of 31  4 s\n\n1 passed, 1 failed in 5 s';
  expect(readLabOutput(output)).toMatchObject({
    passed: 1,
    failed: 1,
    failures: [{ rerun: 'D5', name: '30 of 31 assertions held', gist: '\n    nothing was lost' }],
  });
});

const first = (): Tally =>
  report([
    { name: inCheckout('a.test.ts'), assertionResults: [passed('one'), failed('two', 'late')] },
    { name: inCheckout('b.test.ts'), assertionResults: [passed('three'), passed('four')] },
  ]);

test('what passes alone is unsteady and counted once; what fails again stays failed', () => {
  const good = report([{ name: inCheckout('a.test.ts'), assertionResults: [passed('one'), passed('two')] }]);
  expect(afterSecondRun(first(), good)).toMatchObject({
    tally: { passed: 4, failed: 0 },
    unsteady: [{ rerun: 'a.test.ts', name: 'two' }],
  });
  const bad = report([{ name: inCheckout('a.test.ts'), assertionResults: [passed('one'), failed('two', 'late')] }]);
  expect(afterSecondRun(first(), bad)).toMatchObject({ tally: { passed: 3, failed: 1 }, unsteady: [] });
});

test('another failure in the second run fails the stage, and the first is still named', () => {
  const other = report([{ name: inCheckout('a.test.ts'), assertionResults: [failed('one', 'odd'), passed('two')] }]);
  expect(afterSecondRun(first(), other)).toMatchObject({
    tally: { passed: 3, failed: 1, failures: [{ name: 'one' }] },
    unsteady: [{ name: 'two' }],
  });
});
