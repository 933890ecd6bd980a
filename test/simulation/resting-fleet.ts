/** A fleet to which nothing happens but what a test does to it: small worlds, as a seed draws them, once everybody is served and nothing moves. */
import type { CaptureRecord } from '@routerd/mobility';
import { mobilityRoutes } from '@routerd/routerd';
import { z } from 'zod';
import { SMALL_BOUNDS } from './draw-story.ts';
import { hostAddress } from './population.ts';
import { SeededRandom } from './random.ts';
import { RegistryAudit } from './registry-audit.ts';
import { capturersAt, unserved } from './service.ts';
import { drawTopology, nodesOf, quadOf, type Site, type Topology } from './topology.ts';
import { World } from './world.ts';

/** Longer than any pause after which a node does something by itself: a quiet NIC is read once a minute, a silent machine is asked for after one. */
const PAUSE_MS = 65_000;
const PATIENCE_MS = 600_000;

const answer = z.object({
  items: z.array(
    z.object({
      settled: z.literal(true),
      moves: z.array(z.object({ address: z.string(), domain: z.string(), to: z.string().nullable() })),
      steps: z.array(z.looseObject({ what: z.string(), node: z.string(), addresses: z.array(z.string()) })),
      unheld: z.array(z.object({ address: z.string(), domain: z.string() })),
    }),
  ),
});
/** An answer of `what-if`, as far as it can be compared with what happens. */
export type Foretold = z.output<typeof answer>['items'][number];

/** By capture domain and address, who captures. */
export type Captures = Readonly<Record<string, string>>;
/** By router and address, the router that it delivers to. */
export type Deliveries = Readonly<Record<string, string>>;

export class RestingFleet {
  readonly topology: Topology;
  readonly nodes: readonly string[];
  readonly #random: SeededRandom;
  readonly #world: World;
  readonly #audit = new RegistryAudit();
  readonly #failed = new Set<string>();
  readonly #states = new Map<string, string>();
  readonly #newcomer: number;
  steps: Record<string, string[]> = {};
  calls: string[] = [];
  #movedAt = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed).fork('what-if');
    this.topology = worldOf(seed);
    this.nodes = nodesOf(this.topology);
    this.#newcomer = this.topology.addresses - 1;
    const nothing = (): void => undefined;
    const events = Array.from({ length: this.#newcomer }, (_, address) => ({
      at: this.#random.between(0, 4000),
      happens: { what: 'appear', address, site: this.#random.pick(this.topology.sites).name } as const,
    }));
    this.#world = new World(
      { seed, topology: this.topology, events, calmAt: PATIENCE_MS },
      {
        told: nothing,
        busyLoop: ({ name }) => {
          throw new Error(`${name} works and never waits`);
        },
        planned: nothing,
        factAppended: nothing,
        roleTold: nothing,
        submitted: (node, { mode, verb, addresses }) => {
          if (mode === 'execute') this.calls.push(requestText(node, verb, addresses.length));
          this.#moved();
        },
        lost: nothing,
        mutated: () => this.#moved(),
        hostApplied: (of, ops) => {
          for (const op of ops)
            if (op.verb === 'announce') this.#world.lans.get(of.site)?.announce(of.name, op.address);
          this.#moved();
        },
        stored: (log, message) => {
          const record = log === 'captures' ? this.#audit.stored(message, this.#world.time.now()) : undefined;
          if (record !== undefined) this.#step(record);
        },
      },
      {},
    );
  }

  static async of(seed: number): Promise<RestingFleet> {
    const fleet = new RestingFleet(seed);
    await fleet.#world.start();
    // A machine may be silent for a while before any router of its LAN knows of it.
    do await fleet.rest();
    while (fleet.unserved().length > 0 && fleet.#world.time.now() < PATIENCE_MS);
    fleet.steps = {};
    fleet.calls = [];
    return fleet;
  }

  unserved(): readonly string[] {
    return unserved(this.#world);
  }

  pick<T>(from: readonly T[]): T {
    return this.#random.pick(from);
  }

  /** A machine that left is missed when it does not answer, or when what was said of it ends. */
  async rest(): Promise<void> {
    const { time } = this.#world;
    const quietMs = PAUSE_MS + this.topology.ttlMs;
    const until = time.now() + PATIENCE_MS;
    this.#moved();
    while (time.now() - this.#movedAt < quietMs && time.now() < until) await time.runUntil(time.now() + 1000);
  }

  drain(node: string): void {
    this.#world.operator.drain(node);
  }

  fail(node: string): void {
    this.#failed.add(node);
    this.#world.machine(node).cutPower();
  }

  /** A machine with an address that nobody had comes to a site. */
  appear(site: string): void {
    this.#world.population.appear(this.#newcomer, site);
  }

  vanish(address: number): void {
    this.#world.population.vanish(address);
  }

  /** Where observed addresses live. */
  homes(): readonly { readonly address: number; readonly site: string }[] {
    const { population } = this.#world;
    return population.addresses().flatMap((address) => {
      const site = population.homeOf(address);
      return site === undefined || population.isDeclared(address) ? [] : [{ address, site }];
    });
  }

  get newcomer(): string {
    return quadOf(this.#newcomer);
  }

  async whatIf(teller: string, body: unknown): Promise<Foretold> {
    const { running } = this.#world.machine(teller);
    const route = running && mobilityRoutes(running.node.view).find(({ pattern }) => pattern === '/v1/what-if');
    const told = await route?.handle({ params: {}, query: new URLSearchParams(), body });
    const [item] = answer.parse(told && 'body' in told ? told.body : told).items;
    if (item === undefined) throw new Error('no pool was told of');
    return item;
  }

  /** What a router that failed has on its NIC attracts nothing that anybody sees. */
  captures(): Captures {
    const captures: Record<string, string> = {};
    for (const site of this.topology.sites) {
      const { name } = site;
      for (const address of this.#world.population.addresses().map(hostAddress)) {
        const living = capturersAt(this.#world, name, address).filter((node) => !this.#failed.has(node));
        if (living.length > 0) captures[`${domainOf(site)} ${address}`] = living.join(' and ');
      }
    }
    return captures;
  }

  /** By the kernels of all routers but the one that fails. */
  deliveries(lost?: string): Deliveries {
    const deliveries: Record<string, string> = {};
    const kept = [...this.#world.machines.values()].filter(({ name }) => name !== lost);
    for (const { name, kernel } of kept)
      for (const { destination, device } of kernel?.shown().routes ?? [])
        if (device?.startsWith('wg-') === true) deliveries[`${name} ${destination}`] = device.slice('wg-'.length);
    return deliveries;
  }

  /** What lives elsewhere and nobody captures. */
  unheld(): readonly string[] {
    const captures = this.captures();
    return this.topology.sites
      .flatMap((site) =>
        this.#world.population
          .addresses()
          .filter((address) => ![undefined, site.name].includes(this.#world.population.homeOf(address)))
          .map((address) => `${domainOf(site)} ${hostAddress(address)}`),
      )
      .filter((key) => captures[key] === undefined)
      .toSorted();
  }

  /** Where one router captures all that its site sends elsewhere, what others send to the site comes through it. */
  crooked(): readonly string[] {
    const captures = Object.entries(this.captures());
    return this.topology.sites.flatMap((site) => {
      const captors = new Set(captures.flatMap(([key, node]) => (key.startsWith(`${domainOf(site)} `) ? [node] : [])));
      const [captor] = captors;
      if (captor === undefined || captors.size > 1) return [];
      const ofSite = new Set(site.routers.map(({ name }) => name));
      const living = Object.entries(this.deliveries()).filter(([key]) => !this.#failed.has(key.split(' ')[0] ?? ''));
      return living
        .filter(([, via]) => ofSite.has(via) && via !== captor)
        .map(([key, via]) => `${key} goes to ${via}, while ${captor} captures`);
    });
  }

  end(): void {
    for (const machine of this.#world.machines.values()) machine.kill();
  }

  /** A fence writes what stands once more; that is no step. */
  #step({ domain, address, phase, writer, holder }: CaptureRecord): void {
    const key = `${domain} ${address}`;
    const state = phase === 'confirmed' ? `acquiring ${holder ?? ''}` : `${phase} ${holder ?? writer}`;
    if (this.#states.get(key) !== state) (this.steps[key] ??= []).push(state);
    this.#states.set(key, state);
    this.#moved();
  }

  #moved(): void {
    this.#movedAt = this.#world.time.now();
  }
}

/** Among three routers that VRRP prefers equally their addresses decide, of which the pool knows nothing. */
function worldOf(seed: number): Topology {
  const topology = drawTopology(new SeededRandom(seed).fork('topology'), SMALL_BOUNDS);
  const sites = topology.sites.map((site) => {
    const isOpen = site.hasVrrp === true && site.routers.length > 2;
    return isOpen ? { ...site, routers: site.routers.map(({ name }, index) => ({ name, priority: index })) } : site;
  });
  // One that nobody has yet, and that no pool declares.
  const newcomer = topology.addresses + 1;
  const staticEvery = newcomer % topology.staticEvery === 1 ? 0 : topology.staticEvery;
  return { ...topology, sites, staticEvery, addresses: newcomer + 1 };
}

function domainOf({ name, provider }: Site): string {
  return provider === undefined ? `site:${name}:segment:lan0` : `provider:${name}-main:placement:${name}-routers`;
}

/** A NIC forwards for all of its addresses or for none. */
export function requestText(node: string, verb: string, addresses: number): string {
  return verb.startsWith('ensure-') ? `${node} ${verb}` : `${node} ${verb} ${addresses}`;
}
