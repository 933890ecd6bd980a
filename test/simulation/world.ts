/** Everything that exists in one simulation, and what the story does to it. */
import type { Log } from '@routerd/runtime';
import { keyOf, Machine, type MachineWatch } from './machine.ts';
import { NodeDocuments } from './node-documents.ts';
import { Operator } from './operator.ts';
import { Population } from './population.ts';
import { SeededRandom } from './random.ts';
import type { Seams } from './seams.ts';
import { SimCloud, type SimCloudOptions } from './sim-cloud.ts';
import { SimHub, type SimHubOptions } from './sim-hub.ts';
import { SimLan } from './sim-lan.ts';
import { SimVrrp, type SimVrrpOptions } from './sim-vrrp.ts';
import { describe, happen, type Stage } from './happen.ts';
import type { Rules, Story } from './story.ts';
import { nodesOf, type Topology } from './topology.ts';
import { VirtualTime } from './virtual-time.ts';

export interface WorldWatch extends MachineWatch {
  readonly submitted: SimCloudOptions['onSubmitted'];
  readonly mutated: (site: string, mutation: Parameters<SimCloudOptions['onMutation']>[0]) => void;
  readonly stored: NonNullable<SimHubOptions['onStored']>;
  readonly lost: NonNullable<SimHubOptions['onLost']>;
  readonly roleTold: (machine: Machine, role: Parameters<SimVrrpOptions['onTold']>[1]) => void;
  readonly told: (line: string) => void;
}

export class World implements Stage {
  readonly time = new VirtualTime();
  readonly story: Story;
  readonly hub: SimHub;
  readonly clouds: ReadonlyMap<string, SimCloud>;
  readonly lans: ReadonlyMap<string, SimLan>;
  readonly vrrps: ReadonlyMap<string, SimVrrp>;
  readonly machines: ReadonlyMap<string, Machine>;
  readonly population: Population;
  readonly operator: Operator;
  readonly draining = new Set<string>();
  readonly rules = new Map<string, Rules>();
  readonly #documents: NodeDocuments;
  readonly #watch: WorldWatch;
  readonly random: SeededRandom;
  /** Ends of what lasts, so that calm can bring them forward. */
  readonly #ends = new Set<() => void>();
  isCalm = false;

  constructor(story: Story, watch: WorldWatch, seams: Seams) {
    const { topology } = story;
    const { time } = this;
    const random = new SeededRandom(story.seed);
    this.story = story;
    this.#watch = watch;
    this.random = random.fork('world');
    const nodes = nodesOf(topology);
    this.#documents = new NodeDocuments(topology, (node) => keyOf(nodes.indexOf(node)).publicKey);
    this.hub = new SimHub({ time, random: random.fork('hub'), onStored: watch.stored, onLost: watch.lost });
    this.clouds = cloudsOf(topology, time, random, watch);
    const lans = new Map<string, SimLan>();
    this.vrrps = new Map(
      topology.sites
        .filter(({ hasVrrp }) => hasVrrp === true)
        .map(({ name, routers }) => {
          const ofSite = routers.map((router) => router.name);
          const onTold: SimVrrpOptions['onTold'] = (node, role) => watch.roleTold(this.machine(node), role);
          return [name, new SimVrrp({ time, random: random.fork(`vrrp ${name}`), nodes: ofSite, onTold })] as const;
        }),
    );
    this.machines = new Map(
      topology.sites.flatMap((site) =>
        site.routers.map(({ name }) => {
          const around = {
            time,
            random: random.fork('machines'),
            hub: this.hub,
            seams,
            log: QUIET,
            cloud: this.clouds.get(site.name),
            lan: () => lans.get(site.name),
            vrrp: this.vrrps.get(site.name),
            watch,
          };
          return [name, new Machine(name, site.name, keyOf(nodes.indexOf(name)), around)] as const;
        }),
      ),
    );
    for (const { name, provider, routers } of topology.sites) {
      if (provider !== undefined) continue;
      const kernels = routers.map((router) => ({
        node: router.name,
        host: () => this.machines.get(router.name)?.kernel,
      }));
      lans.set(name, new SimLan(time, kernels));
    }
    this.lans = lans;
    this.operator = new Operator(time, this.machines);
    this.population = new Population({
      time,
      topology,
      clouds: this.clouds,
      lans,
      machines: this.machines,
      random: random.fork('population'),
    });
  }

  machine(name: string): Machine {
    const machine = this.machines.get(name);
    if (machine === undefined) throw new Error(`there is no ${name}`);
    return machine;
  }

  async start(): Promise<void> {
    for (const machine of this.machines.values())
      this.time.after(this.random.between(0, 1500), () => void this.boot(machine));
    for (const { at, happens } of this.story.events) {
      this.time.at(at, () => {
        if (this.isCalm) return;
        this.#watch.told(describe(happens));
        happen(this, happens);
      });
    }
    await this.time.runUntil(0);
  }

  /** The faults stop: everything is up, connected and quick again, and every node has the same rules. Clocks that are wrong stay so. */
  async calm(): Promise<void> {
    this.isCalm = true;
    this.#watch.told('calm: the faults stop');
    for (const end of this.#ends) end();
    this.#ends.clear();
    const { trouble } = this.hub;
    Object.assign(trouble, { isUp: true, pausedUntil: 0, heartbeatLoss: 0, ambiguousShare: 0, readsAreStale: false });
    // A quiet NIC is read once a minute: what was to be shown old six times would be a fault for long after.
    for (const cloud of this.clouds.values()) cloud.inner.delayReads(0);
    for (const cloud of this.clouds.values())
      Object.assign(cloud.trouble, { throttledShare: 0, lostShare: 0, halfMoveShare: 0, latencyMs: 0 });
    for (const machine of this.machines.values()) {
      Object.assign(this.hub.wire(machine.name), { latencyMs: 0, isCut: false, nodeDeafUntil: 0, hubDeafUntil: 0 });
      if (machine.running === undefined) this.time.after(this.random.between(0, 500), () => void this.boot(machine));
    }
    void this.operator.tidyUp();
    await this.time.runUntil(this.time.now());
  }

  async boot(machine: Machine): Promise<void> {
    if (machine.running !== undefined) return;
    this.#watch.told(`${machine.name} starts`);
    await machine.boot(
      this.#documents.of(machine.name, { draining: this.draining, rules: this.rules.get(machine.name) }),
    );
  }

  /** A node that is down comes up with what is in force then. */
  async restart(machine: Machine): Promise<void> {
    if (machine.running === undefined) return;
    await machine.stop();
    await this.boot(machine);
  }

  /** Every node restarts for the new documents, in any order. */
  rollOut(withinMs: number): void {
    for (const machine of this.machines.values())
      this.time.after(this.isCalm ? 0 : this.random.between(0, withinMs), () => void this.restart(machine));
  }

  tell(line: string): void {
    this.#watch.told(line);
  }

  /** Until the faults stop at the latest. */
  clipped(forMs: number): number {
    return Math.max(0, Math.min(forMs, this.story.calmAt - this.time.now()));
  }

  lasting(forMs: number, end: () => void): void {
    const once = (): void => {
      if (this.#ends.delete(once)) end();
    };
    this.#ends.add(once);
    this.time.after(forMs, once);
  }
}

/** What the nodes log is what they do, of which the timeline tells; to keep it all costs a third of the time. */
const QUIET: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => QUIET,
};

function cloudsOf(
  topology: Topology,
  time: VirtualTime,
  random: SeededRandom,
  watch: WorldWatch,
): ReadonlyMap<string, SimCloud> {
  const clouds = new Map<string, SimCloud>();
  for (const { name, provider, routers } of topology.sites) {
    if (provider === undefined) continue;
    const cloud = new SimCloud({
      time,
      random: random.fork(`cloud ${name}`),
      onSubmitted: watch.submitted,
      onMutation: (mutation) => watch.mutated(name, mutation),
    });
    for (const router of routers) cloud.addRouter(router.name);
    clouds.set(name, cloud);
  }
  return clouds;
}
