import { relative } from 'node:path';
import { Evidence, type Measurement } from '../evidence.ts';
import { buildLab, openLab, type Lab, type LabOptions } from '../lab.ts';
import { LabFault } from '../lab-fault.ts';
import { labFiles } from '../lab-files.ts';
import { createProgress, renderTable, type Progress } from '../progress.ts';
import type { Scenario } from '../scenario.ts';
import { SCENARIOS } from '../scenarios/catalogue.ts';
import { tearDown } from '../tear-down.ts';
import { untilInterrupted } from '../until-interrupted.ts';

interface Outcome {
  readonly scenario: Scenario;
  readonly evidence: Evidence;
  readonly seconds: number;
}

export function listScenarios(): number {
  process.stdout.write(
    `${renderTable(
      ['ID', 'WHAT IT SHOWS'],
      SCENARIOS.map(({ id, title }) => [id, title]),
    )}\n`,
  );
  return 0;
}

/** @returns 0 only when every scenario passed */
export async function demo(options: LabOptions, only: readonly string[]): Promise<number> {
  const chosen = only.length === 0 ? SCENARIOS : only.map(scenarioOf);
  const files = labFiles(options.name);
  const progress = createProgress(process.stdout);
  const start = performance.now();
  return untilInterrupted(files, async () => {
    const lab = await buildLab(options, progress);
    progress.note(`the lab is up after ${((performance.now() - start) / 1000).toFixed(1)} s`);
    let outcomes: readonly Outcome[] = [];
    try {
      outcomes = await runAll(lab, chosen, progress);
    } finally {
      if (!options.keep) await progress.step('lab taken down', async () => tearDown(files));
    }
    report(outcomes, lab);
    process.stdout.write(`\n${summary(outcomes)} in ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
    if (options.keep) process.stdout.write('The lab stays up; remove it with "pnpm lab down".\n');
    return outcomes.every(({ evidence }) => evidence.passed) ? 0 : 1;
  });
}

export async function runOne(labName: string, id: string): Promise<number> {
  const scenario = scenarioOf(id);
  const lab = openLab(labName);
  const outcomes = await runAll(lab, [scenario], createProgress(process.stdout));
  report(outcomes, lab);
  return outcomes.every(({ evidence }) => evidence.passed) ? 0 : 1;
}

function scenarioOf(id: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.id.toLowerCase() === id.toLowerCase());
  if (found !== undefined) return found;
  throw new LabFault(
    'lab.usage',
    `There is no scenario "${id}".`,
    `Scenarios: ${SCENARIOS.map((each) => each.id).join(' ')}`,
  );
}

/** One after the other: each wants the machine for itself. A scenario that breaks off is a failed one; the next ones run all the same. */
async function runAll(lab: Lab, scenarios: readonly Scenario[], progress: Progress): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const scenario of scenarios) {
    const evidence = new Evidence(lab.files, scenario.id);
    const start = performance.now();
    try {
      await progress.step(`${scenario.id}: ${scenario.title}`, async () => {
        await scenario.run({ lab, evidence, progress });
        if (!evidence.passed) throw new LabFault('lab.assertion', 'not all assertions held');
      });
    } catch (cause) {
      if (!(cause instanceof LabFault && cause.code === 'lab.assertion')) {
        evidence.check('the scenario runs to its end', 'yes', cause instanceof Error ? cause.message : String(cause));
      }
    }
    await evidence.finish({ wanDelayMs: lab.record.wanDelayMs, lab: lab.files.name });
    outcomes.push({ scenario, evidence, seconds: (performance.now() - start) / 1000 });
  }
  return outcomes;
}

function report(outcomes: readonly Outcome[], lab: Lab): void {
  for (const { scenario, evidence } of outcomes) {
    if (evidence.measurements.length > 0) {
      process.stdout.write(`\n${scenario.id} measured\n${measurementTable(evidence.measurements)}\n`);
    }
    for (const { name, expected, observed } of evidence.failed) {
      process.stdout.write(`\n${scenario.id} FAILED: ${name}\n  expected  ${expected}\n  observed  ${observed}\n`);
    }
    if (evidence.failed.length > 0) process.stdout.write(`  logs      ${lab.files.logDir}\n`);
  }
  const rows = outcomes.map(({ scenario, evidence, seconds }) => [
    scenario.id,
    evidence.passed ? 'PASS' : 'FAIL',
    `${evidence.assertions.length - evidence.failed.length} of ${evidence.assertions.length}`,
    `${seconds.toFixed(1)} s`,
    relative(process.cwd(), evidence.dir),
  ]);
  process.stdout.write(`\n${renderTable(['SCENARIO', 'RESULT', 'ASSERTIONS', 'TIME', 'EVIDENCE'], rows)}\n`);
}

function measurementTable(measurements: readonly Measurement[]): string {
  const width = Math.max(...measurements.map(({ name }) => name.length));
  return measurements
    .map(({ name, milliseconds }) => {
      const value = milliseconds === undefined ? 'not seen' : `${milliseconds.toFixed(milliseconds < 100 ? 1 : 0)} ms`;
      return `  ${name.padEnd(width)}  ${value.padStart(10)}`;
    })
    .join('\n');
}

function summary(outcomes: readonly Outcome[]): string {
  const passed = outcomes.filter(({ evidence }) => evidence.passed).length;
  return `${passed} passed, ${outcomes.length - passed} failed`;
}
