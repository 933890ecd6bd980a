/**
 * How long planning takes in a large world, and how it grows. Run: `npm run x -- node packages/mobility/test/bench/plan.ts`.
 *
 * Every figure is of one node, aws-router-a or its stand-in, which plans all addresses of its pool. Bounds are checked against the
 * processor time of the planning thread, its garbage collection included: the clock on the wall counts other programs too, and stands
 * beside it. Exits 1 when a bound is missed.
 */
import type { HostAddress } from '@routerd/resources';
import { forecast, PoolWorld, type CaptureEpoch, type CaptureKey } from '@routerd/mobility';
import { addressOf, largeContext, memberNamed, NOW, recordOf, SITES, sightingOf, situationOf } from './large-world.ts';

const NO_MARKS: ReadonlyMap<CaptureKey, CaptureEpoch> = new Map();
const misses: string[] = [];

function report(what: string, figure: number, unit: string, boundMax?: number): void {
  const isMissed = boundMax !== undefined && figure > boundMax;
  const bound = boundMax === undefined ? '' : `, at most ${boundMax}`;
  process.stdout.write(`${isMissed ? 'MISSED ' : ''}${what}: ${figure.toFixed(figure < 10 ? 3 : 1)} ${unit}${bound}\n`);
  if (isMissed) misses.push(what);
}

/** @param captured whether each other site captures already, as its first router */
function worldOf(self: string, count: number, isSpread: boolean, captured: boolean): PoolWorld {
  const context = largeContext(self, isSpread);
  const world = new PoolWorld(context, []);
  for (let index = 0; index < count; index += 1) {
    const address = addressOf(index);
    const home = SITES[index % SITES.length] ?? 'onprem';
    world.acceptSighting(sightingOf(address, home, memberNamed(context, `${home}-router-a`).node, 0));
    for (const site of captured ? SITES : []) {
      if (site === home) continue;
      const record = recordOf(context, address, memberNamed(context, `${site}-router-a`));
      world.acceptRecord(record.key, record);
    }
  }
  return world;
}

function nicOf(world: PoolWorld): ReadonlySet<HostAddress> {
  return new Set(world.heldBySelf().keys());
}

interface Time {
  readonly cpuMs: number;
  readonly wallMs: number;
}

function timed(work: () => void): Time {
  const start = performance.now();
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return { cpuMs: (user + system) / 1000, wallMs: performance.now() - start };
}

function reportTime(what: string, { cpuMs, wallMs }: Time, boundMax?: number): void {
  report(`${what} (${wallMs.toFixed(0)} ms on the wall)`, cpuMs, 'ms', boundMax);
}

interface Planned {
  readonly world: PoolWorld;
  /** What the NIC carries; what this node holds unless told. */
  readonly nic?: ReadonlySet<HostAddress>;
  readonly dead?: readonly string[];
}

function planAll({ world, nic = nicOf(world), dead = [] }: Planned): Time {
  const situation = situationOf(world.context, nic, dead);
  return timed(() => void world.replanAll(world.addresses(), situation, NO_MARKS));
}

function percentile(samples: readonly number[], share: number): number {
  return samples.toSorted((a, b) => a - b)[Math.floor(samples.length * share)] ?? 0;
}

function fullPlans(): void {
  const largest = worldOf('aws-router-a', 65_536, false, true);
  reportTime('full plan of 65536 addresses at 4 sites, all captured', planAll({ world: largest }), 1500);
  report('resident memory with that world', process.memoryUsage.rss() / 1024 / 1024, 'MiB', 600);
  for (const count of [4096, 16_384, 65_536]) {
    const { cpuMs } = planAll({ world: count === 65_536 ? largest : worldOf('aws-router-a', count, false, true) });
    report(`  again, ${count} addresses, each`, (cpuMs * 1000) / count, 'µs');
  }
  const fresh = (isSpread: boolean): Time => planAll({ world: worldOf('aws-router-a', 65_536, isSpread, false) });
  reportTime('full plan of 65536 addresses that nobody captures yet', fresh(false), 1500);
  // Two weights for each capture and each delivery, which nothing decides but rendezvous.
  reportTime('  the same with routers of equal priority', fresh(true), 1500);
}

function oneFact(): void {
  const world = worldOf('aws-router-a', 65_536, false, true);
  planAll({ world });
  const situation = situationOf(world.context, nicOf(world));
  const rounds = Array.from({ length: 5 }, (_, round) => factRound(world, situation, round));
  // What other programs take away only adds: the best of the rounds is the nearest to the truth.
  report('one fact in that world, median', Math.min(...rounds.map(([median]) => median)), 'ms');
  report('one fact in that world, p99', Math.min(...rounds.map(([, p99]) => p99)), 'ms', 1);
}

function factRound(
  world: PoolWorld,
  situation: ReturnType<typeof situationOf>,
  round: number,
): readonly [median: number, p99: number] {
  const samples: number[] = [];
  for (let fact = 0; fact < 2000; fact += 1) {
    const index = (fact * 7919) % 65_536;
    const home = SITES[index % SITES.length] ?? 'onprem';
    const source = memberNamed(world.context, `${home}-router-a`).node;
    const sighting = sightingOf(addressOf(index), home, source, round * 2000 + fact);
    const { wallMs } = timed(() => {
      world.acceptSighting(sighting);
      world.replanAll([sighting.address], situation, NO_MARKS);
      world.nextLookAt();
      world.actingPlans();
    });
    samples.push(wallMs);
  }
  return [percentile(samples, 0.5), percentile(samples, 0.99)];
}

function failOver(): void {
  for (const held of [250, 1000, 4000]) {
    const count = Math.ceil((held * SITES.length) / (SITES.length - 1));
    const world = worldOf('aws-router-b', count, false, true);
    planAll({ world });
    const took = planAll({ world, dead: ['aws-router-a'] });
    const claims = [...world.plans()].filter(({ transition }) => transition !== undefined).length;
    reportTime(`fail-over of a router that holds ${claims} addresses`, took, held === 1000 ? 50 : undefined);
  }
}

/** Every machine is gone, and the NIC is clear: what is left to say of each address is that nobody captures it, and of the NIC to stop. */
function massRelease(): void {
  for (const count of [16_384, 65_536]) {
    const world = releasingWorld(count);
    const took = planAll({ world, nic: new Set() });
    const vacated = [...world.plans()].filter(({ transition }) => transition?.phase === 'vacant').length;
    const stops = world.actingPlans().filter(({ actions }) => actions[0]?.verb === 'ensure-forwarding-disabled').length;
    if (vacated !== count - 1 || stops !== 1) misses.push('the end of a mass release');
    reportTime(`release of ${count} addresses of one NIC at once`, took, count === 65_536 ? 1500 : undefined);
  }
}

function releasingWorld(count: number): PoolWorld {
  const context = largeContext('aws-router-a', false);
  const world = new PoolWorld(context, []);
  const holder = memberNamed(context, 'aws-router-a');
  for (let index = 0; index < count; index += 1) {
    const address = addressOf(index);
    const sighting = sightingOf(address, 'onprem', memberNamed(context, 'onprem-router-a').node, 0);
    world.acceptSighting({ ...sighting, kind: 'expired' });
    const record = recordOf(context, address, holder);
    world.acceptRecord(record.key, { ...record, phase: 'releasing' });
  }
  return world;
}

/** For every router of the pool, from the present to the end of what follows. */
function whatIf(): void {
  const world = worldOf('aws-router-b', 1334, false, true);
  const { context } = world;
  planAll({ world });
  const present = {
    context,
    now: NOW,
    members: situationOf(context, new Set()).members,
    leases: [...world.leases()],
    sightings: world.sightings(),
    records: world.allRecords(),
    orderOf: () => undefined,
  };
  const { node } = memberNamed(context, 'aws-router-a');
  const time = timed(() => {
    const { moves, unheld } = forecast(present, { kind: 'fail', node });
    if (moves.length < 1000 || unheld.length > 0) misses.push('the forecast of a failure');
  });
  reportTime('what-if of a failure that moves 1000 addresses, for all 8 routers', time);
}

fullPlans();
oneFact();
failOver();
massRelease();
whatIf();
if (misses.length > 0) process.exitCode = 1;
