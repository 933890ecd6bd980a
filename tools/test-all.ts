/**
 * `npm test`: everything that checks the project, one stage after the other, cheapest first. A failed stage does not hide the next ones.
 * The last line is `N passed, N failed`: tests and scenarios are counted one by one, a stage without tests of its own counts as one.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';

interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** What failed, by name, as far as the stage counts by name. They are said again at the very end. */
  readonly failures?: readonly string[];
}

interface Stage {
  readonly title: string;
  readonly argv: readonly [string, ...string[]];
  /** Counts what ran inside; `undefined` when that cannot be told, for example because it did not start. */
  readonly tally: (exitCode: number, output: string) => Tally | undefined;
}

const scratch = mkdtempSync(path.join(tmpdir(), 'routerd-test-'));

const asOne = (exitCode: number): Tally => (exitCode === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });

function vitestStage(title: string, project: string): Stage {
  const report = path.join(scratch, `${project}.json`);
  return {
    title,
    argv: [
      'vitest',
      'run',
      '--project',
      project,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ],
    tally: () => readVitestReport(report),
  };
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

/** The message without its stack, short: a property's seed and path stand in its first lines. */
function gist(message: string | undefined): string {
  const lines = stripVTControlCharacters(message ?? '')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('    at '));
  return lines
    .slice(0, 5)
    .map((line) => `\n    ${line.slice(0, 300)}`)
    .join('');
}

function readVitestReport(file: string): Tally | undefined {
  try {
    const report = VitestReport.parse(JSON.parse(readFileSync(file, 'utf8')));
    const failures = report.testResults.flatMap(({ name, message, assertionResults }) => {
      const where = path.relative(process.cwd(), name);
      const tests = assertionResults
        .filter(({ status }) => status === 'failed')
        .map(({ fullName, failureMessages }) => `${where}: ${fullName}${gist(failureMessages[0])}`);
      return tests.length === 0 && message !== '' ? [`${where}: could not run${gist(message)}`] : tests;
    });
    return { passed: report.numPassedTests, failed: report.numFailedTests, failures };
  } catch {
    return undefined;
  }
}

/** The lab's own last line has the same form as ours. */
function readSummary(_exitCode: number, output: string): Tally | undefined {
  const [, passed, failed] = [...output.matchAll(/^(\d+) passed, (\d+) failed/gm)].at(-1) ?? [];
  return passed === undefined || failed === undefined ? undefined : { passed: Number(passed), failed: Number(failed) };
}

/** The path, a restart, a drain, the scripts and the pairs of the examples. The failures take longer: `npm run demo -- --all`. */
const LAB_SCENARIOS = 'D1,D2,D3,R1,D5,E1,P1,P2,P3';

const STAGES: readonly Stage[] = [
  { title: 'types', argv: ['tsc', '-b'], tally: asOne },
  { title: 'lint', argv: ['pnpm', 'run', 'check:lint'], tally: asOne },
  { title: 'format', argv: ['pnpm', 'run', 'check:format'], tally: asOne },
  { title: 'unused files, exports and dependencies', argv: ['pnpm', 'run', 'check:unused'], tally: asOne },
  vitestStage('unit tests', 'unit'),
  vitestStage('integration tests: real processes, namespaces, files', 'integration'),
  vitestStage('benchmarks against their bounds', 'bench'),
  {
    title: 'lab: the scenarios between four sites, and the pairs of examples/',
    argv: [process.execPath, 'lab/src/cli.ts', 'demo', '--only', LAB_SCENARIOS, '--lab', 'test'],
    tally: readSummary,
  },
];

interface Finished {
  readonly title: string;
  readonly seconds: number;
  readonly tally: Tally;
}

async function run(stage: Stage): Promise<Finished> {
  process.stdout.write(`\n=== ${stage.title}\n`);
  const start = performance.now();
  const { exitCode, output } = await runShown(stage.argv);
  const seconds = (performance.now() - start) / 1000;
  const counted = stage.tally(exitCode, output);
  // A stage that fails without a failed test in it (it could not start, or something outside of the tests broke) is one failure more.
  const silent = exitCode !== 0 && (counted?.failed ?? 0) === 0;
  const tally: Tally = {
    ...counted,
    passed: counted?.passed ?? 0,
    failed: (counted?.failed ?? 0) + (silent || counted === undefined ? 1 : 0),
  };
  const verdict = tally.failed === 0 ? 'passed' : 'FAILED';
  process.stdout.write(
    `=== ${stage.title}: ${verdict} in ${seconds.toFixed(1)} s (${tally.passed} passed, ${tally.failed} failed)\n`,
  );
  return { title: stage.title, seconds, tally };
}

/** Shows what the command writes, and keeps it. */
async function runShown(
  argv: readonly [string, ...string[]],
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const [file, ...args] = argv;
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  running = child;
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    process.stdout.write(chunk);
  });
  return new Promise((resolve) => {
    const end = (exitCode: number): void => resolve({ exitCode, output: Buffer.concat(chunks).toString('utf8') });
    child.once('error', (cause) => {
      process.stderr.write(`${file}: ${cause.message}\n`);
      end(127);
    });
    child.once('close', (code) => end(code ?? 1));
  });
}

let running: ChildProcess | undefined;
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupted = true;
    running?.kill(signal);
  });
}

const finished: Finished[] = [];
for (const stage of STAGES) {
  finished.push(await run(stage));
  if (interrupted) break;
}
rmSync(scratch, { recursive: true, force: true });

const width = Math.max(...finished.map(({ title }) => title.length));
process.stdout.write('\n');
for (const { title, seconds, tally } of finished) {
  const verdict = tally.failed === 0 ? 'passed' : 'FAILED';
  process.stdout.write(`${title.padEnd(width)}  ${verdict}  ${seconds.toFixed(1).padStart(6)} s\n`);
}
const failures = finished.flatMap(({ tally }) => tally.failures ?? []);
if (failures.length > 0) process.stdout.write(`\nFailed:\n${failures.map((each) => `  ${each}\n`).join('')}`);
const passed = finished.reduce((sum, { tally }) => sum + tally.passed, 0);
const failed = finished.reduce((sum, { tally }) => sum + tally.failed, 0);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
