/** Runs scenarios in a lab that is up and tells what they saw. */
import { dirname, relative } from 'node:path';
import { Evidence } from '../evidence.ts';
import type { Lab } from '../lab.ts';
import { LabFault } from '../lab-fault.ts';
import { millisecondsText } from '../measure/figures.ts';
import { renderTable, wrapped, type Progress } from '../progress.ts';
import { movesText, renderSums, sumsOf } from '../rounds.ts';
import type { Scenario } from '../scenario.ts';
import { renderSpreads, spreadsOf } from '../spread.ts';

export interface Outcome {
  readonly scenario: Scenario;
  readonly evidence: Evidence;
  readonly seconds: number;
  readonly logDir: string;
}

/** How often the chosen scenarios run, in their order, in one lab. */
export interface Rounds {
  readonly count: number;
  /** Otherwise the first failure of more than one round is the end: what led to it stands as it is. */
  readonly keepGoing: boolean;
}

/** One after the other: each wants the machine for itself. A scenario that breaks off is a failed one; in a single round the next ones run all the same. */
export async function runScenarios(
  lab: Lab,
  scenarios: readonly Scenario[],
  progress: Progress,
  rounds: Rounds = { count: 1, keepGoing: true },
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const [index, scenario] of Array.from({ length: rounds.count }, () => scenarios)
    .flat()
    .entries()) {
    if (index % scenarios.length === 0 && rounds.count > 1) {
      progress.note(`round ${index / scenarios.length + 1} of ${rounds.count}`);
    }
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
    // The lab was taken from under it: that routers ended says nothing of them.
    if (progress.isClosed()) break;
    await Promise.all([...lab.vms.values()].map(async (vm) => vm.endStreams()));
    const { wanDelayMs, apiLatencyMs } = lab.record;
    await evidence.finish({ wanDelayMs, apiLatencyMs, lab: lab.files.name });
    outcomes.push({ scenario, evidence, seconds: (performance.now() - start) / 1000, logDir: lab.files.logDir });
    if (!evidence.passed && rounds.count > 1 && !rounds.keepGoing) break;
  }
  return outcomes;
}

/** @returns whether all passed */
export function report(outcomes: readonly Outcome[]): boolean {
  const isRepeated = new Set(outcomes.map(({ scenario }) => scenario.id)).size < outcomes.length;
  if (isRepeated) process.stdout.write(`\n${renderSpreads(spreadsOf(outcomes))}\n`);
  else for (const outcome of outcomes) process.stdout.write(figuresOf(outcome));
  for (const { scenario, evidence, logDir } of outcomes) {
    for (const { name, expected, observed } of evidence.failed) {
      process.stdout.write(`\n${scenario.id} FAILED: ${name}\n  expected  ${expected}\n  observed  ${observed}\n`);
    }
    if (evidence.failed.length > 0)
      process.stdout.write(`  evidence  ${relative(process.cwd(), evidence.dir)}\n  logs      ${logDir}\n`);
  }
  process.stdout.write(`\n${renderTable(VERDICT_COLUMNS, outcomes.map(verdictRow))}\n`);
  process.stdout.write('LOST: probes never answered; GAP: the longest time that any flow had no answer.\n');
  if (isRepeated) process.stdout.write(`\n${renderSums(sumsOf(outcomes))}\n`);
  const folders = new Set(outcomes.map(({ evidence }) => relative(process.cwd(), dirname(evidence.dir))));
  process.stdout.write(`Evidence of each: ${[...folders].join(', ')}/<UTC>-<scenario>/evidence.json\n`);
  return outcomes.every(({ evidence }) => evidence.passed);
}

const VERDICT_COLUMNS = ['SCENARIO', 'RESULT', 'ASSERTIONS', 'LOST', 'GAP', 'MOVES', 'TIME'] as const;

function verdictRow(outcome: Outcome): readonly string[] {
  const { scenario, evidence, seconds } = outcome;
  const [sums] = sumsOf([outcome]);
  const [gap] = sums?.gaps ?? [];
  return [
    scenario.id,
    evidence.passed ? 'PASS' : 'FAIL',
    `${evidence.assertions.length - evidence.failed.length} of ${evidence.assertions.length}`,
    gap === undefined ? '-' : `${sums?.lost ?? 0}`,
    gap === undefined ? '-' : `${gap.toFixed(0)} ms`,
    sums === undefined ? '-' : movesText(sums.moves),
    `${seconds.toFixed(1)} s`,
  ];
}

/** Values first: names are longer than a terminal is wide. */
function figuresOf({ scenario, evidence }: Outcome): string {
  const { measurements, tallies } = evidence;
  const figures = [
    ...measurements.map(({ name, milliseconds }) => [millisecondsText(milliseconds), name] as const),
    ...tallies.map(({ name, count }) => [`${count}   `, name] as const),
  ];
  const asserted = `${scenario.id} asserted (${evidence.assertions.length}): ${scenario.asserts}`;
  const lines = figures.map(([value, name]) => wrapped(`${value.padStart(11)}  ${name}`, 13));
  return `\n${[wrapped(asserted, 4), ...lines].join('\n')}\n`;
}

export function summary(outcomes: readonly Outcome[]): string {
  const passed = outcomes.filter(({ evidence }) => evidence.passed).length;
  return `${passed} passed, ${outcomes.length - passed} failed`;
}
