/**
 * `pnpm sim`: plays seeded stories over a fleet of simulated routers and looks for one that goes wrong.
 *
 *   pnpm sim --seeds 1000 [--from N]     that many seeds; the first that goes wrong ends it
 *   pnpm sim --minutes 10 [--from N]     as many as fit
 *   … --jobs N                            on so many processors; all of them unless told
 *   pnpm sim --seed N --trace            one seed, told as a timeline
 *   pnpm sim --seed N --shrink           one seed, made smaller; the smallest story is written to sim-N.json
 *   pnpm sim --story FILE [--trace]      a story that was written before
 *   --small                              small worlds only, as the tests play them
 *   --addresses N                        at most so many addresses in large worlds (2,000)
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { DEFAULT_BOUNDS, drawStory, SMALL_BOUNDS } from '../test/simulation/draw-story.ts';
import { shrink } from '../test/simulation/shrink.ts';
import { playSeeds, type SeedOutcome } from '../test/simulation/seed-pool.ts';
import { simulate } from '../test/simulation/simulate.ts';
import { tolerateStoppedLoops } from '../test/simulation/stopped-loops.ts';
import { parseStory, renderStory } from '../test/simulation/story-file.ts';
import type { Story } from '../test/simulation/story.ts';
import { renderViolation } from '../test/simulation/violation.ts';

const PROGRESS_EVERY_MS = 5000;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    addresses: { type: 'string', default: String(DEFAULT_BOUNDS.addressesMax) },
    story: { type: 'string' },
    trace: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    small: { type: 'boolean', default: false },
  },
});
const bounds = values.small ? SMALL_BOUNDS : { ...DEFAULT_BOUNDS, addressesMax: Number(values.addresses) };

tolerateStoppedLoops();
process.exitCode = (await run()) ? 0 : 1;
process.exit();

async function run(): Promise<boolean> {
  if (values.story !== undefined) return playOne(parseStory(readFileSync(values.story, 'utf8')), values.story);
  if (values.seed !== undefined) return playOne(drawStory(Number(values.seed), bounds), undefined);
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
  const from = Number(values.from);
  const count = values.seeds === undefined ? (values.minutes === undefined ? 100 : Infinity) : Number(values.seeds);
  const jobs = Number(values.jobs);
  const startedAt = performance.now();
  const until = values.minutes === undefined ? Infinity : startedAt + Number(values.minutes) * 60_000;
  let toldAt = startedAt;
  let worst = { seed: 0, ms: 0 };
  let played = 0;
  const wrong = await playSeeds({
    bounds,
    from,
    count,
    jobs,
    isTimeUp: () => performance.now() >= until,
    onPlayed: ({ seed, convergedAfterMs: ms = 0 }) => {
      played += 1;
      if (ms > worst.ms || (ms === worst.ms && seed < worst.seed)) worst = { seed, ms };
      if (performance.now() - toldAt < PROGRESS_EVERY_MS) return;
      toldAt = performance.now();
      say(`${played} seeds, ${rate(played, startedAt)}, now at ${seed}`);
    },
  });
  if (wrong !== undefined) {
    say(`${played} seeds from ${from} were played, ${rate(played, startedAt)}`);
    tellFailure(wrong, `--seed ${wrong.seed}`);
    return false;
  }
  say(
    `${played} seeds from ${from}, ${rate(played, startedAt)}, nothing went wrong; slowest to serve everybody again: ` +
      `${seconds(worst.ms)} (seed ${worst.seed})`,
  );
  return true;
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

function rate(played: number, since: number): string {
  return `${((played * 1000) / (performance.now() - since)).toFixed(1)} seeds/s`;
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
