/**
 * `npm test`: everything that checks the project, one stage after the other, cheapest first. A failed stage does not hide the next ones.
 * The last line is `N passed, N failed`: tests and scenarios are counted one by one, a stage without tests of its own counts as one.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterSecondRun, asOne, readLabOutput, readVitestReport, type Failure, type Tally } from './test-reports.ts';

type Argv = readonly [string, ...string[]];

interface Run<Command> {
  readonly argv: Command;
  /** Counts what ran inside; `undefined` when that cannot be told, for example because it did not start. */
  readonly tally: (exitCode: number, output: string) => Tally | undefined;
}

interface Stage extends Run<Argv> {
  readonly title: string;
  /** Runs once more what failed, by file or by scenario. */
  readonly again?: Run<(failed: readonly string[]) => Argv>;
}

/** More than this many files or scenarios that fail at once are no accident of the machine. */
const SECOND_RUN_MAX = 3;

const scratch = mkdtempSync(path.join(tmpdir(), 'routerd-test-'));

/** @param isShared whether it shares the machine with other processes, so that what fails is run again, alone */
function vitestStage(title: string, project: string, isShared: boolean): Stage {
  const argv = (report: string, ...more: readonly string[]): Argv => [
    'vitest',
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...more,
  ];
  const report = path.join(scratch, `${project}.json`);
  const second = path.join(scratch, `${project}-again.json`);
  return {
    title,
    argv: argv(report),
    tally: () => readVitestReport(report),
    ...(isShared && {
      again: {
        argv: (files: readonly string[]) => argv(second, '--no-file-parallelism', ...files),
        tally: () => readVitestReport(second),
      },
    }),
  };
}

const labStage = (only: string): Argv => [process.execPath, 'lab/src/cli.ts', 'demo', '--only', only, '--lab', 'test'];
const labTally = (_exitCode: number, output: string): Tally | undefined => readLabOutput(output);

/** The path, a restart, a drain, the scripts and the pairs of the examples. The failures take longer: `npm run demo -- --all`. */
const LAB_SCENARIOS = 'D1,D2,D3,R1,D5,E1,P1,P2,P3';

const STAGES: readonly Stage[] = [
  { title: 'types', argv: ['tsc', '-b'], tally: asOne },
  { title: 'lint', argv: ['pnpm', 'run', 'check:lint'], tally: asOne },
  { title: 'format', argv: ['pnpm', 'run', 'check:format'], tally: asOne },
  { title: 'unused files, exports and dependencies', argv: ['pnpm', 'run', 'check:unused'], tally: asOne },
  vitestStage('unit tests', 'unit', false),
  vitestStage('integration tests: real processes, namespaces, files', 'integration', true),
  vitestStage('benchmarks against their bounds', 'bench', true),
  {
    title: 'lab: the scenarios between four sites, and the pairs of examples/',
    argv: labStage(LAB_SCENARIOS),
    tally: labTally,
    again: { argv: (ids) => labStage(ids.join(',')), tally: labTally },
  },
];

interface Finished {
  readonly title: string;
  readonly seconds: number;
  readonly tally: Tally;
  /** What failed, and passed when it was run again. */
  readonly unsteady: readonly Failure[];
}

async function run(stage: Stage): Promise<Finished> {
  process.stdout.write(`\n=== ${stage.title}\n`);
  const start = performance.now();
  const first = await runCounted(stage);
  const { tally, unsteady } = (await runAgain(stage, first)) ?? { tally: first, unsteady: [] };
  const seconds = (performance.now() - start) / 1000;
  process.stdout.write(
    `=== ${stage.title}: ${verdictOf({ tally, unsteady })} in ${seconds.toFixed(1)} s (${tally.passed} passed, ${tally.failed} failed)\n`,
  );
  return { title: stage.title, seconds, tally, unsteady };
}

async function runCounted({ argv, tally }: Run<Argv>): Promise<Tally> {
  const { exitCode, output } = await runShown(argv);
  const counted = tally(exitCode, output);
  // A stage that fails without a failed test in it (it could not start, or something outside of the tests broke) is one failure more.
  const silent = exitCode !== 0 && (counted?.failed ?? 0) === 0;
  return {
    passed: counted?.passed ?? 0,
    failed: (counted?.failed ?? 0) + (silent || counted === undefined ? 1 : 0),
    failures: counted?.failures ?? [],
    passedBeside: counted?.passedBeside ?? new Map(),
  };
}

/** ADR 0024: a failure on a machine that does much at once is looked at a second time, alone, and named whatever comes out. */
async function runAgain(stage: Stage, first: Tally): Promise<ReturnType<typeof afterSecondRun> | undefined> {
  const failed = [...new Set(first.failures.map(({ rerun }) => rerun))];
  // What failed and has no name could be lost in a second run.
  if (
    stage.again === undefined ||
    first.failed > first.failures.length ||
    failed.length === 0 ||
    failed.length > SECOND_RUN_MAX ||
    interrupted
  )
    return undefined;
  process.stdout.write(`\n=== ${stage.title}: again, alone: ${failed.join(', ')}\n`);
  const second = await runCounted({ argv: stage.again.argv(failed), tally: stage.again.tally });
  // A second run that says less than what failed in it proves nothing.
  return second.failed > second.failures.length ? undefined : afterSecondRun(first, second);
}

function verdictOf({ tally, unsteady }: Pick<Finished, 'tally' | 'unsteady'>): string {
  if (tally.failed > 0) return 'FAILED';
  return unsteady.length > 0 ? 'UNSTEADY' : 'passed';
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
for (const stage of finished) {
  const seconds = stage.seconds.toFixed(1).padStart(6);
  process.stdout.write(`${stage.title.padEnd(width)}  ${verdictOf(stage).padEnd(8)}  ${seconds} s\n`);
}
tell('Failed', ({ tally }) => tally.failures);
tell(
  'Unsteady: failed, and passed when run again alone. Each is a bug, of the test or of what it tests',
  (stage) => stage.unsteady,
);
const passed = finished.reduce((sum, { tally }) => sum + tally.passed, 0);
const failed = finished.reduce((sum, { tally }) => sum + tally.failed, 0);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

function tell(heading: string, failuresOf: (stage: Finished) => readonly Failure[]): void {
  const lines = finished.flatMap(failuresOf).map(({ rerun, name, gist }) => `  ${rerun}: ${name}${gist}\n`);
  if (lines.length > 0) process.stdout.write(`\n${heading}:\n${lines.join('')}`);
}
