import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildLab, type LabOptions } from '../build-lab.ts';
import { Evidence } from '../evidence.ts';
import { openLab } from '../lab.ts';
import { LabFault } from '../lab-fault.ts';
import { labFiles } from '../lab-files.ts';
import { createProgress, wrapped, type Progress } from '../progress.ts';
import { renderReport } from '../report-page.ts';
import type { Scenario } from '../scenario.ts';
import { SCENARIOS } from '../scenarios/catalogue.ts';
import { tearDown } from '../tear-down.ts';
import type { Topology } from '../topology.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { report, runScenarios, summary, type Outcome, type Rounds } from './run-scenarios.ts';

export interface Choice {
  /** Ids; without any, D1 to D12 and R1. */
  readonly only: readonly string[];
  readonly all: boolean;
  readonly rounds: Rounds;
}

export function listScenarios(): number {
  const told = SCENARIOS.flatMap(({ id, seconds, title, asserts, isLong }) => [
    wrapped(`${id.padEnd(13)}${`${seconds} s`.padStart(5)}  ${title}${isLong === true ? ' (--all)' : ''}`, LIST_INDENT),
    wrapped(`${' '.repeat(LIST_INDENT)}asserts: ${asserts}`, LIST_INDENT),
  ]);
  const notes = [
    'Times are without the lab itself: 10 to 20 s.',
    'Without --all one lab serves all, and D10 has one of its own.',
  ];
  process.stdout.write(`${[...told, '', ...notes].join('\n')}\n`);
  return 0;
}

/** Of the longest id, its seconds, and two blanks. */
const LIST_INDENT = 20;

/** @returns 0 only when every scenario passed */
export async function demo(options: LabOptions, { only, all, rounds }: Choice): Promise<number> {
  const chosen = all
    ? SCENARIOS
    : only.length > 0
      ? only.map(scenarioOf)
      : SCENARIOS.filter((each) => each.isLong !== true);
  checkRounds(chosen, rounds);
  const progress = createProgress(process.stdout);
  const start = performance.now();
  const outcomes: Outcome[] = [];
  const labs = byTopology(chosen);
  for (const [topology, scenarios] of labs) {
    try {
      outcomes.push(...(await inOwnLab(topology, scenarios, options, { progress, rounds })));
    } catch (cause) {
      // What others show is not to be lost for a lab that cannot be built.
      if (outcomes.length === 0 && (labs.size === 1 || isOfTheMachine(cause))) throw cause;
      outcomes.push(...(await Promise.all(scenarios.map(async (each) => notRun(each, options.name, cause)))));
    }
    if (rounds.count > 1 && !rounds.keepGoing && outcomes.some(({ evidence }) => !evidence.passed)) break;
  }
  const passed = report(outcomes);
  const isWritten = writePage(options.name, outcomes);
  process.stdout.write(`\n${summary(outcomes)} in ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
  return passed && isWritten ? 0 : 1;
}

/** Another lab would not be built either, or only beside one that is in the way. */
function isOfTheMachine(cause: unknown): boolean {
  return cause instanceof LabFault && (cause.code === 'lab.preflight' || cause.code === 'lab.in-use');
}

async function notRun(scenario: Scenario, name: string, cause: unknown): Promise<Outcome> {
  const files = labFiles(labNameFor(scenario.topology, name));
  const evidence = new Evidence(files, scenario.id);
  const remedy = cause instanceof LabFault && cause.remedy !== undefined ? ` ${cause.remedy}` : '';
  const why = cause instanceof Error ? cause.message : String(cause);
  evidence.check('its lab is built, and taken down', 'yes', `${why}${remedy}`);
  await evidence.finish({ lab: files.name });
  return { scenario, evidence, seconds: 0, logDir: files.logDir };
}

/** A disk that takes nothing any more costs the page, not the summary. @returns whether it is there */
function writePage(name: string, outcomes: readonly Outcome[]): boolean {
  const now = new Date();
  const stamp = now.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const file = path.join(labFiles(name).evidenceDir, `${stamp}-report.html`);
  const stories = outcomes.map(({ scenario: { id, title, asserts }, seconds, evidence }) => ({
    id,
    title,
    asserts,
    seconds,
    evidence,
  }));
  try {
    writeFileSync(file, renderReport(stories, now));
  } catch (cause) {
    process.stdout.write(
      `\nThe page of this run could not be written: ${cause instanceof Error ? cause.message : String(cause)}\n`,
    );
    return false;
  }
  process.stdout.write(`\nThe page of this run: ${path.relative(process.cwd(), file)}\n`);
  return true;
}

/** In the lab that is up; a pair's scenario builds its own lab, because it begins where routerd is not there yet. */
export async function runOne(options: LabOptions, id: string, rounds: Rounds): Promise<number> {
  const scenario = scenarioOf(id);
  checkRounds([scenario], rounds);
  const progress = createProgress(process.stdout);
  const outcomes = isBetweenFourSites(scenario)
    ? await runScenarios(openLab(options.name), [scenario], progress, rounds)
    : await inOwnLab(scenario.topology, [scenario], options, { progress, rounds });
  return report(outcomes) ? 0 : 1;
}

/** Before a lab is built for nothing. */
function checkRounds(chosen: readonly Scenario[], { count }: Rounds): void {
  const once = chosen.filter(({ runsOnce }) => runsOnce === true).map(({ id }) => id);
  if (count === 1 || once.length === 0) return;
  throw new LabFault(
    'lab.usage',
    `${once.join(', ')} can run once in a lab, not ${count} times.`,
    'Name the others with --only.',
  );
}

function isBetweenFourSites({ topology }: Scenario): boolean {
  return topology.id === 'four-sites';
}

/** In the order of their first scenarios. */
function byTopology(scenarios: readonly Scenario[]): ReadonlyMap<Topology, readonly Scenario[]> {
  return Map.groupBy(scenarios, ({ topology }) => topology);
}

/** `azure`, or `twoazure` beside a lab that is named two. */
function labNameFor(topology: Topology, name: string): string {
  if (topology.id === 'four-sites') return name;
  return `${name === 'main' ? '' : name}${topology.id.replace('pair-', '').replaceAll('-', '')}`;
}

async function inOwnLab(
  topology: Topology,
  scenarios: readonly Scenario[],
  options: LabOptions,
  { progress, rounds }: { readonly progress: Progress; readonly rounds: Rounds },
): Promise<readonly Outcome[]> {
  const name = labNameFor(topology, options.name);
  const files = labFiles(name);
  const start = performance.now();
  return untilInterrupted(files, progress, async () => {
    const lab = await buildLab(topology, { ...options, name }, progress);
    progress.note(`the lab is up after ${((performance.now() - start) / 1000).toFixed(1)} s`);
    try {
      return await runScenarios(lab, scenarios, progress, rounds);
    } finally {
      if (options.keep) progress.note(`the lab "${name}" stays up; remove it with "pnpm lab down --lab ${name}"`);
      else await progress.step('lab taken down', async () => tearDown(files));
    }
  });
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
