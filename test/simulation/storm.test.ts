/**
 * Storms over the whole fleet: a seed draws what fails, when and for how long; time is virtual and every node runs the daemon's own code.
 * Safety is checked after every step. Then the faults stop, and everything must be served as the facts say.
 *
 * One seed again: `SIM_SEED=7 npm run x -- vitest run --project unit test/simulation`; more of them: `SIM_SEEDS=200 …`.
 */
import { expect, test } from 'vitest';
import { CLOUDS, Fleet, must, NODES, SITES, siteOf, type Site } from '../fleet/fleet.ts';

const STEPS = 25;
/** Each found a bug once. */
const REGRESSIONS = [2, 3, 15, 16, 45, 49, 59, 62, 63, 67, 98, 116, 195, 353];
const COUNT = process.env['SIM_SEEDS'];
const SEEDS =
  process.env['SIM_SEED'] === undefined
    ? COUNT === undefined
      ? REGRESSIONS
      : Array.from({ length: Number(COUNT) }, (_, index) => index + 1)
    : [Number(process.env['SIM_SEED'])];

/** Each address has one home, as machines do; what changes is whether it is there. */
const HOMES: readonly { readonly quad: string; readonly home: Site }[] = SITES.flatMap((home, index) => [
  { quad: `10.77.60.${20 + index}`, home },
  { quad: `10.77.60.${30 + index}`, home },
]);

test.each(SEEDS)('storm %i: nothing forbidden happens, and when it is over all are served', async (seed) => {
  const storm = new Storm(seed);
  await storm.fleet.start();
  for (let step = 0; step < STEPS; step += 1) {
    await storm.step();
    expect(storm.violations(), storm.story()).toEqual([]);
  }
  await storm.calm();
  expect(await storm.unserved(), storm.story()).toEqual([]);
  expect(storm.violations(), storm.story()).toEqual([]);
  await storm.fleet.stopAll();
});

test('the checks see a provider that was told an older epoch', () => {
  const epochs = [
    { captureKey: 'k', captureEpoch: 2 },
    { captureKey: 'k', captureEpoch: 1 },
  ];
  expect(fallingEpochs(epochs)).toEqual(['k: epoch 1 after 2']);
});

class Storm {
  readonly fleet = new Fleet();
  readonly #random: () => number;
  readonly #present = new Set<string>();
  readonly #cut = new Set<string>();
  readonly #story: string[] = [];

  constructor(seed: number) {
    this.#random = mulberry32(seed);
    this.#story.push(`seed ${seed}`);
  }

  story(): string {
    return this.#story.join('\n');
  }

  /** One thing goes wrong, comes back or changes, and some time passes. */
  async step(): Promise<void> {
    const name = this.#pick(NODES);
    const { quad, home } = this.#pick(HOMES);
    const roll = this.#random();
    if (roll < 0.35) this.#appear(quad, home);
    else if (roll < 0.5) this.#vanish(quad, home);
    else if (roll < 0.65) await this.#toggleDaemon(name);
    else if (roll < 0.8) this.#toggleWire(name);
    else if (roll < 0.95) this.#trouble(this.#pick(CLOUDS));
    else this.#tell('the hub loses its disk', () => this.fleet.network.wipe());
    await this.fleet.advance(50 + Math.floor(this.#random() * 4000));
  }

  /** Everything comes back, machines that are there say so again, and there is time to settle. */
  async calm(): Promise<void> {
    for (const name of this.#cut) this.fleet.network.heal(this.fleet.machine(name).name);
    this.#cut.clear();
    for (const name of NODES) if (!this.fleet.running().includes(name)) await this.fleet.boot(name);
    await this.fleet.advance(30_000);
    for (const { quad, home } of HOMES) if (this.#present.has(quad)) this.#appear(quad, home);
    await this.fleet.advance(60_000);
  }

  /** I1: no provider saw an epoch lower than one before. I4: each change was in the journal of its node first. */
  violations(): readonly string[] {
    const journaled = new Set(
      NODES.flatMap((name) =>
        this.fleet
          .machine(name)
          .journal.list()
          .flatMap(({ id }) =>
            this.fleet
              .machine(name)
              .journal.attempts(id)
              .map(({ attempt }) => attempt),
          ),
      ),
    );
    return [...this.fleet.clouds.values()].flatMap(({ mutations }) => [
      ...fallingEpochs(mutations),
      ...mutations.filter(({ attempt }) => !journaled.has(attempt)).map(({ attempt }) => `${attempt} is in no journal`),
    ]);
  }

  /** I2, I3: captured exactly once in every other site, never at home, delivered by every other router; nothing left of what is gone. */
  async unserved(): Promise<readonly string[]> {
    const wrong: string[] = [];
    for (const { quad, home } of HOMES) {
      const isPresent = this.#present.has(quad);
      for (const site of SITES) {
        const capturers = await this.fleet.capturers(site, quad);
        const expected = isPresent && site !== home ? 1 : 0;
        if (capturers.length !== expected)
          wrong.push(`${quad} of ${home} at ${site}: captured by ${capturers.join(', ') || 'nobody'}`);
      }
      for (const name of NODES) {
        const isDelivered = this.fleet.routeTo(name, quad) !== undefined;
        if (isDelivered !== (isPresent && siteOf(name) !== home))
          wrong.push(`${quad} of ${home}: ${name} ${isDelivered ? 'delivers' : 'does not deliver'}`);
      }
    }
    return wrong;
  }

  #appear(quad: string, home: Site): void {
    const speaker = NODES.find((name) => siteOf(name) === home && this.fleet.running().includes(name));
    if (speaker === undefined || !this.fleet.emit(speaker, quad).ok) return;
    this.#present.add(quad);
    this.#story.push(`${quad} is seen by ${speaker}`);
  }

  /** A machine that is gone is denied by every router of its site that asserted it. */
  #vanish(quad: string, home: Site): void {
    const speakers = NODES.filter((name) => siteOf(name) === home && this.fleet.running().includes(name));
    if (speakers.length < 2) return;
    for (const name of speakers) must(this.fleet.emit(name, quad, 'routerd.client.ipv4.expired'));
    this.#present.delete(quad);
    this.#story.push(`${quad} is gone from ${home}`);
  }

  async #toggleDaemon(name: string): Promise<void> {
    const isRunning = this.fleet.running().includes(name);
    this.#story.push(`${name} ${isRunning ? 'stops' : 'starts'}`);
    if (isRunning) await this.fleet.stop(name);
    else await this.fleet.boot(name);
  }

  #toggleWire(name: string): void {
    const node = this.fleet.machine(name).name;
    if (this.#cut.delete(name)) this.#tell(`${name} is reconnected`, () => this.fleet.network.heal(node));
    else {
      this.#cut.add(name);
      this.#tell(`${name} is cut off`, () => this.fleet.network.partition(node));
    }
  }

  #trouble(site: Site): void {
    const cloud = this.fleet.clouds.get(site);
    const kind = this.#pick(['refused', 'lost-response', 'slow'] as const);
    this.#story.push(`${site}: ${kind}`);
    if (kind === 'refused')
      cloud?.inject({ kind, fault: { code: 'executor.failed', errorClass: 'throttled', detail: 'slow down' } });
    else if (kind === 'lost-response') cloud?.inject({ kind });
    else cloud?.setLatency(Math.floor(this.#random() * 2000));
  }

  #tell(what: string, act: () => void): void {
    this.#story.push(what);
    act();
  }

  #pick<T>(from: readonly T[]): T {
    const chosen = from[Math.floor(this.#random() * from.length)];
    if (chosen === undefined) throw new Error('nothing to pick from');
    return chosen;
  }
}

function fallingEpochs(
  mutations: readonly { readonly captureKey: string; readonly captureEpoch: number }[],
): readonly string[] {
  const highest = new Map<string, number>();
  return mutations.flatMap(({ captureKey, captureEpoch }) => {
    const before = highest.get(captureKey) ?? 0;
    highest.set(captureKey, Math.max(before, captureEpoch));
    return captureEpoch < before ? [`${captureKey}: epoch ${captureEpoch} after ${before}`] : [];
  });
}

/** A small seeded generator (T. Ettinger's mulberry32), evenly between 0 and 1. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
