/**
 * `pnpm sim`: plays seeded stories over a fleet of simulated routers and looks for one that goes wrong. `pnpm sim --help` says how it is
 * called.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { DEFAULT_BOUNDS, drawStory, SMALL_BOUNDS } from '../test/simulation/draw-story.ts';
import { shrink } from '../test/simulation/shrink.ts';
import { playSeeds, type SeedOutcome } from '../test/simulation/seed-pool.ts';
import { SeedProgress } from '../test/simulation/seed-progress.ts';
import { simulate } from '../test/simulation/simulate.ts';
import { tolerateStoppedLoops } from '../test/simulation/stopped-loops.ts';
import { parseStory, renderStory } from '../test/simulation/story-file.ts';
import type { Story } from '../test/simulation/story.ts';
import { renderViolation } from '../test/simulation/violation.ts';

const HELP = `Plays seeded stories over a fleet of simulated routers and looks for one that goes wrong.

  pnpm sim --seeds N [--from N]     so many seeds (100), from 1 unless told; the first that goes wrong ends it
  pnpm sim --minutes N [--from N]   as many as fit; with --seeds, no more than those
  pnpm sim --seed N [--trace]       one seed; --trace tells it as a timeline
  pnpm sim --seed N --shrink        one seed, made smaller; the smallest story is written to sim-N.json
  pnpm sim --story FILE [--trace]   a story that was written before

  --jobs N        seeds are played on so many processors; all of them unless told
  --small         small worlds only, as the tests play them
  --addresses N   at most so many addresses in large worlds (${DEFAULT_BOUNDS.addressesMax}); part of what a seed means, as --small is

Exit code: 0 when nothing went wrong, 1 when something did, 2 when it was called wrongly, 130 after Ctrl-C, which tells how to go on.
`;

const OPTIONS = {
  seed: { type: 'string' },
  seeds: { type: 'string' },
  from: { type: 'string' },
  minutes: { type: 'string' },
  jobs: { type: 'string' },
  addresses: { type: 'string' },
  story: { type: 'string' },
  trace: { type: 'boolean', default: false },
  shrink: { type: 'boolean', default: false },
  small: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const satisfies ParseArgsOptionsConfig;

const TOLD_EVERY_MS = { terminal: 1000, file: 30_000 };

const values = parsed();
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const bounds = values.small
  ? SMALL_BOUNDS
  : { ...DEFAULT_BOUNDS, addressesMax: numberOf('addresses', DEFAULT_BOUNDS.addressesMax, 1) };

tolerateStoppedLoops();
process.exitCode = (await run()) ? 0 : 1;
process.exit();

function parsed() {
  try {
    return parseArgs({ options: OPTIONS }).values;
  } catch (cause) {
    return misuse(cause instanceof Error ? cause.message : String(cause));
  }
}

function numberOf(
  option: 'seed' | 'seeds' | 'from' | 'minutes' | 'jobs' | 'addresses',
  unlessTold: number,
  least = 0,
): number {
  const text = values[option];
  const number = text === undefined ? unlessTold : Number(text);
  const isWhole = option === 'minutes' ? Number.isFinite(number) : Number.isSafeInteger(number);
  return text?.trim() !== '' && isWhole && number >= least
    ? number
    : misuse(`--${option} takes a number of at least ${least}; found "${text}".`);
}

function misuse(what: string): never {
  process.stderr.write(`${what}\nSee pnpm sim --help.\n`);
  process.exit(2);
}

async function run(): Promise<boolean> {
  if (values.story !== undefined) return playOne(parseStory(readFileSync(values.story, 'utf8')), values.story);
  if (values.seed !== undefined) return playOne(drawStory(numberOf('seed', 1), bounds), undefined);
  return playMany();
}

async function playOne(story: Story, file: string | undefined): Promise<boolean> {
  tellTopology(story);
  const outcome = await simulate(story, values.trace ? { onLine: tellLine } : {});
  if (outcome.violations.length === 0) {
    say(`all is well: everybody was served ${seconds(outcome.convergedAfterMs ?? 0)} after the faults stopped`);
    return true;
  }
  const { seed } = story;
  tellFailure({ ...outcome, seed }, file === undefined ? `--seed ${seed}` : `--story ${file}`);
  if (values.shrink)
    await tellSmallest(story, renderViolation(outcome.violations[0] ?? { invariant: 'I1', at: 0, what: '' }));
  return false;
}

async function playMany(): Promise<boolean> {
  const from = numberOf('from', 1);
  const { minutes } = values;
  const count = minutes !== undefined && values.seeds === undefined ? Infinity : numberOf('seeds', 100, 1);
  const startedAt = performance.now();
  const until = minutes === undefined ? Infinity : startedAt + numberOf('minutes', 0) * 60_000;
  const range = { from, count, ...(minutes === undefined ? {} : { minutes }) };
  const progress = new SeedProgress(range, () => performance.now() - startedAt);
  const isTerminal = process.stdout.isTTY;
  const toldEveryMs = isTerminal ? TOLD_EVERY_MS.terminal : TOLD_EVERY_MS.file;
  let toldAt = startedAt;
  process.once('SIGINT', () => {
    say(`${isTerminal ? '\n' : ''}broken off: ${progress.summary()}, nothing went wrong so far`);
    tellRest(progress);
    process.exit(130);
  });
  const wrong = await playSeeds({
    bounds,
    from,
    count,
    jobs: numberOf('jobs', availableParallelism(), 1),
    isTimeUp: () => performance.now() >= until,
    onPlayed: (outcome, resumeAt) => {
      progress.note(outcome, resumeAt);
      if (performance.now() - toldAt < toldEveryMs) return;
      toldAt = performance.now();
      process.stdout.write(isTerminal ? `\r\u001B[K${progress.line()}` : `${progress.line()}\n`);
    },
  });
  if (isTerminal) process.stdout.write('\r\u001B[K');
  if (wrong !== undefined) {
    say(progress.summary());
    tellFailure(wrong, `--seed ${wrong.seed}`);
    return false;
  }
  const { seed, ms } = progress.slowest() ?? { seed: from, ms: 0 };
  say(`${progress.summary()}, nothing went wrong; slowest to serve everybody again: ${seconds(ms)} (seed ${seed})`);
  if (!progress.isComplete()) tellRest(progress);
  return true;
}

function tellRest(progress: SeedProgress): void {
  say(`go on with: pnpm sim ${progress.rest()}${boundsText()}`);
}

async function tellSmallest(story: Story, about: string): Promise<void> {
  say('looking for a smaller story …');
  const smallest = await shrink(story, {
    onSmaller: ({ events, topology }) => say(`  ${events.length} events, ${topology.sites.length} sites`),
  });
  const file = `sim-${story.seed}.json`;
  writeFileSync(file, renderStory(smallest, about));
  await simulate(smallest, { onLine: tellLine });
  say(`written to ${file}; play it again with: pnpm sim --story ${file} --trace`);
}

function tellTopology({ topology, events, calmAt }: Story): void {
  for (const { name, provider, routers } of topology.sites)
    say(
      `site ${name} (${provider ?? 'LAN'}): ${routers.map((router) => `${router.name} priority ${router.priority}`).join(', ')}`,
    );
  say(`${topology.addresses} addresses, ${events.length} events, faults until ${seconds(calmAt)}`);
  say(`TTL ${seconds(topology.ttlMs)}, hold ${seconds(topology.holdMs)}, dead after ${seconds(topology.deadAfterMs)}`);
}

function tellFailure({ seed, violations }: Pick<SeedOutcome, 'seed' | 'violations'>, replay: string): void {
  say(`seed ${seed} goes wrong, at commit ${commit()}:`);
  for (const violation of violations) say(`  ${renderViolation(violation)}`);
  say(
    `see it again: pnpm sim ${replay}${boundsText()} --trace    make it smaller: pnpm sim ${replay}${boundsText()} --shrink`,
  );
}

/** The bounds are part of what a seed means. */
function boundsText(): string {
  if (values.small) return ' --small';
  return bounds.addressesMax === DEFAULT_BOUNDS.addressesMax ? '' : ` --addresses ${bounds.addressesMax}`;
}

function tellLine(at: number, line: string): void {
  say(`${(at / 1000).toFixed(3).padStart(9)}  ${line}`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function commit(): string {
  return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
