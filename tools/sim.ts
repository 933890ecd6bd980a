/**
 * `pnpm sim`: plays seeded stories over a fleet of simulated routers and looks for one that goes wrong.
 *
 *   pnpm sim --seeds 1000 [--from N]     that many seeds; the first that goes wrong ends it
 *   pnpm sim --minutes 10 [--from N]     as many as fit
 *   … --jobs 2                            in so many processes
 *   pnpm sim --seed N --trace            one seed, told as a timeline
 *   pnpm sim --seed N --shrink           one seed, made smaller; the smallest story is written to sim-N.json
 *   pnpm sim --story FILE [--trace]      a story that was written before
 *   --small                              small worlds only, as the tests play them
 *   --addresses N                        at most so many addresses in large worlds (2,000)
 */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { DEFAULT_BOUNDS, drawStory, SMALL_BOUNDS } from '../test/simulation/draw-story.ts';
import { shrink } from '../test/simulation/shrink.ts';
import { simulate, type Outcome } from '../test/simulation/simulate.ts';
import { parseStory, renderStory } from '../test/simulation/story-file.ts';
import type { Story } from '../test/simulation/story.ts';
import { renderViolation } from '../test/simulation/violation.ts';

const PROGRESS_EVERY_MS = 5000;
/** Between the seeds of two processes that play for a time. */
const SEEDS_APART = 1_000_000;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    addresses: { type: 'string', default: String(DEFAULT_BOUNDS.addressesMax) },
    story: { type: 'string' },
    trace: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    small: { type: 'boolean', default: false },
  },
});
const bounds = values.small ? SMALL_BOUNDS : { ...DEFAULT_BOUNDS, addressesMax: Number(values.addresses) };

// A process that was stopped in a busy loop leaves promises behind that nobody waits for; the violation tells of it.
for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, (cause) => {
    if (!String(cause).includes('a busy loop was stopped')) throw cause;
  });

process.exitCode = (await run()) ? 0 : 1;
process.exit();

async function run(): Promise<boolean> {
  if (values.story !== undefined) return playOne(parseStory(readFileSync(values.story, 'utf8')), values.story);
  if (values.seed !== undefined) return playOne(drawStory(Number(values.seed), bounds), undefined);
  return Number(values.jobs) > 1 ? playInProcesses(Number(values.jobs)) : playMany();
}

async function playOne(story: Story, file: string | undefined): Promise<boolean> {
  tellTopology(story);
  const outcome = await simulate(story, values.trace ? { onLine: tellLine } : {});
  if (outcome.violations.length === 0) {
    say(`all is well: everybody was served ${seconds(outcome.convergedAfterMs ?? 0)} after the faults stopped`);
    return true;
  }
  tellFailure(outcome, file === undefined ? `--seed ${story.seed}` : `--story ${file}`);
  if (values.shrink)
    await tellSmallest(story, renderViolation(outcome.violations[0] ?? { invariant: 'I1', at: 0, what: '' }));
  return false;
}

async function playMany(): Promise<boolean> {
  const from = Number(values.from);
  const count = values.seeds === undefined ? (values.minutes === undefined ? 100 : Infinity) : Number(values.seeds);
  const startedAt = performance.now();
  const until = values.minutes === undefined ? Infinity : startedAt + Number(values.minutes) * 60_000;
  let toldAt = startedAt;
  let worst = { seed: 0, ms: 0 };
  let played = 0;
  for (; played < count && performance.now() < until; played += 1) {
    const seed = from + played;
    const outcome = await simulate(drawStory(seed, bounds));
    if (outcome.violations.length > 0) {
      tellFailure(outcome, `--seed ${seed}`);
      return false;
    }
    const ms = outcome.convergedAfterMs ?? 0;
    if (ms > worst.ms) worst = { seed, ms };
    if (performance.now() - toldAt < PROGRESS_EVERY_MS) continue;
    toldAt = performance.now();
    say(`${played + 1} seeds, ${rate(played + 1, startedAt)}, now at ${seed}`);
  }
  say(
    `${played} seeds from ${from}, ${rate(played, startedAt)}, nothing went wrong; slowest to serve everybody again: ` +
      `${seconds(worst.ms)} (seed ${worst.seed})`,
  );
  return true;
}

/** Each process has seeds of its own; what one finds does not stop the others. */
async function playInProcesses(jobs: number): Promise<boolean> {
  const count = values.seeds === undefined ? undefined : Math.ceil(Number(values.seeds) / jobs);
  const codes = Array.from({ length: jobs }, async (_, index) => {
    const from = Number(values.from) + index * (count ?? SEEDS_APART);
    const own = [
      '--from',
      String(from),
      ...(count === undefined ? [] : ['--seeds', String(count)]),
      ...(values.minutes === undefined ? [] : ['--minutes', values.minutes]),
      ...(values.small ? ['--small'] : ['--addresses', values.addresses]),
    ];
    const child = spawn(process.execPath, [import.meta.filename, ...own], { stdio: 'inherit' });
    return new Promise<number>((resolve) => {
      child.once('error', () => resolve(127));
      child.once('close', (code) => resolve(code ?? 1));
    });
  });
  return (await Promise.all(codes)).every((code) => code === 0);
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

function tellFailure({ story, violations }: Outcome, replay: string): void {
  say(`seed ${story.seed} goes wrong, at commit ${commit()}:`);
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
