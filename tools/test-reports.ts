/** What ran inside a stage of `npm test`, read from what the stage left behind. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';

export interface Failure {
  /** What is run again to see it once more: a test file, relative to the checkout, or the id of a scenario. */
  readonly rerun: string;
  readonly name: string;
  /** The first lines of what was wrong, indented. */
  readonly gist: string;
}

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** What failed, by name, as far as the stage counts by name. */
  readonly failures: readonly Failure[];
  /** How many passed in each file that had a failure, too. */
  readonly passedBeside: ReadonlyMap<string, number>;
}

/** What vitest writes with `--reporter=json`, as far as it is read here. */
const VitestReport = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      message: z.string(),
      assertionResults: z.array(
        z.object({ status: z.string(), fullName: z.string(), failureMessages: z.array(z.string()) }),
      ),
    }),
  ),
});

/** @returns `undefined` when the report is missing or is none: vitest did not come to its end */
export function readVitestReport(file: string): Tally | undefined {
  try {
    const report = VitestReport.parse(JSON.parse(readFileSync(file, 'utf8')));
    const failures = report.testResults.flatMap(({ name, message, assertionResults }): readonly Failure[] => {
      const rerun = path.relative(process.cwd(), name);
      const tests = assertionResults
        .filter(({ status }) => status === 'failed')
        .map(({ fullName, failureMessages }) => ({ rerun, name: fullName, gist: gistOf(failureMessages[0]) }));
      return tests.length === 0 && message !== '' ? [{ rerun, name: 'could not run', gist: gistOf(message) }] : tests;
    });
    const passedBeside = new Map(
      report.testResults.map(({ name, assertionResults }) => [
        path.relative(process.cwd(), name),
        assertionResults.filter(({ status }) => status === 'passed').length,
      ]),
    );
    return { passed: report.numPassedTests, failed: report.numFailedTests, failures, passedBeside };
  } catch {
    return undefined;
  }
}

/** The message without its stack, short: a property's seed and path stand in its first lines. */
function gistOf(message: string | undefined): string {
  const lines = stripVTControlCharacters(message ?? '')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('    at '));
  return lines
    .slice(0, 5)
    .map((line) => `\n    ${line.slice(0, 300)}`)
    .join('');
}

/** Reads the lab's result table and its last line, `N passed, N failed`. */
export function readLabOutput(output: string): Tally | undefined {
  const plain = stripVTControlCharacters(output);
  const [, passed, failed] = [...plain.matchAll(/^(\d+) passed, (\d+) failed/gm)].at(-1) ?? [];
  if (passed === undefined || failed === undefined) return undefined;
  const failures = [...plain.matchAll(/^([\w-]+) +FAIL +(\d+ of \d+)/gm)].map(([, id = '', held = '']) => ({
    rerun: id,
    name: `${held} assertions held`,
    gist: [...plain.matchAll(new RegExp(`^${id} FAILED: (.*)$`, 'gm'))]
      .map(([, each = '']) => `\n    ${each}`)
      .join(''),
  }));
  return { passed: Number(passed), failed: Number(failed), failures, passedBeside: new Map() };
}

/** A stage without tests of its own counts as one. */
export const asOne = (exitCode: number): Tally =>
  exitCode === 0
    ? { passed: 1, failed: 0, failures: [], passedBeside: new Map() }
    : { passed: 0, failed: 1, failures: [], passedBeside: new Map() };

/**
 * The count of a stage of which a part was run again. What failed at first and passed then is no longer a failure.
 * @param again the second run, of the files or scenarios that had a failure in the first, and nothing else
 */
export function afterSecondRun(
  first: Tally,
  again: Tally,
): { readonly tally: Tally; readonly unsteady: readonly Failure[] } {
  const isStillThere = (failure: Failure): boolean =>
    again.failures.some(
      ({ rerun, name }) => rerun === failure.rerun && (name === failure.name || name === 'could not run'),
    );
  const files = new Set(first.failures.map(({ rerun }) => rerun));
  const countedTwice = [...files].reduce((sum, file) => sum + (first.passedBeside.get(file) ?? 0), 0);
  return {
    tally: { ...again, passed: first.passed - countedTwice + again.passed },
    unsteady: first.failures.filter((failure) => !isStillThere(failure)),
  };
}
