/**
 * What-if tells beforehand what a drain or a failure does: in worlds where nothing else goes wrong, the fleet then does just that. Asked is the
 * daemon's own answer, of any router that lives; compared are who captures, who delivers, what is left without a holder, and the order in
 * which each capture goes through the registry.
 */
import type { CaptureRecord } from '@routerd/mobility';
import { mobilityRoutes } from '@routerd/routerd';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { SMALL_BOUNDS } from './draw-story.ts';
import { hostAddress } from './population.ts';
import { SeededRandom } from './random.ts';
import { RegistryAudit } from './registry-audit.ts';
import { capturersAt, unserved } from './service.ts';
import { drawTopology, nodesOf, type Site, type Topology } from './topology.ts';
import { World } from './world.ts';

const SEEDS = 20;
/** So many in one test: each has the whole time limit of a test for itself. */
const AT_ONCE = 5;
/** Longer than any pause after which a node does something by itself: a quiet NIC is read once a minute. */
const REST_MS = 65_000;
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
type Foretold = z.output<typeof answer>['items'][number];

const batches = Array.from({ length: SEEDS / AT_ONCE }, (_, index) => index * AT_ONCE + 1);

describe.each(['drain', 'fail'] as const)('what is told of a %s is what happens', (kind) => {
  test.each(batches)(`in worlds from %i, ${AT_ONCE} of them`, async (from) => {
    for (let seed = from; seed < from + AT_ONCE; seed += 1) {
      const fleet = await RestingFleet.of(seed);
      expect(fleet.unserved(), `seed ${seed} before anything happens`).toEqual([]);
      const asked = fleet.pick(fleet.nodes);
      const teller = fleet.pick(fleet.nodes.filter((node) => node !== asked));
      const lost = kind === 'fail' ? asked : undefined;
      const [before, routes] = [fleet.captures(), fleet.deliveries(lost)];
      const foretold = await fleet.whatIf(teller, { kind, node: asked });
      fleet.act(kind, asked);
      await fleet.rest();
      const about = `seed ${seed}: ${kind} of ${asked}, asked of ${teller}`;
      expect(fleet.captures(), about).toEqual(capturesAfter(before, foretold));
      expect(fleet.deliveries(), about).toEqual(deliveriesAfter(routes, foretold));
      expect(fleet.steps, about).toEqual(stepsOf(foretold));
      expect(fleet.unheld(), about).toEqual(
        foretold.unheld.map(({ address, domain }) => `${domain} ${address}`).toSorted(),
      );
      expect(fleet.calls.toSorted(), about).toEqual(callsOf(foretold));
      fleet.end();
    }
  });
});

/** By capture domain and address, who captures. */
type Captures = Readonly<Record<string, string>>;

function capturesAfter(before: Captures, { moves }: Foretold): Captures {
  const after: Record<string, string> = { ...before };
  for (const { address, domain, to } of moves) {
    if (to === null) delete after[`${domain} ${address}`];
    else after[`${domain} ${address}`] = to;
  }
  return after;
}

const PHASES: Readonly<Record<string, CaptureRecord['phase']>> = {
  claim: 'acquiring',
  hold: 'held',
  release: 'releasing',
  vacate: 'vacant',
};

/** Of each capture, its way through the registry. */
function stepsOf({ steps }: Foretold): Readonly<Record<string, readonly string[]>> {
  const ways: Record<string, string[]> = {};
  for (const { what, node, addresses, ...rest } of steps) {
    const phase = PHASES[what];
    if (phase === undefined) continue;
    for (const address of addresses) (ways[`${String(rest['domain'])} ${address}`] ??= []).push(`${phase} ${node}`);
  }
  return ways;
}

/** What providers are asked: one request for all addresses of a NIC, which forwards for all of them or for none. */
function callsOf({ steps }: Foretold): readonly string[] {
  return steps
    .flatMap(({ what, node, verb, addresses }) =>
      what === 'call' ? [requestText(node, String(verb), addresses.length)] : [],
    )
    .toSorted();
}

function requestText(node: string, verb: string, addresses: number): string {
  return verb.startsWith('ensure-') ? `${node} ${verb}` : `${node} ${verb} ${addresses}`;
}

/** By router and address, the router that it delivers to. */
type Deliveries = Readonly<Record<string, string>>;

function deliveriesAfter(before: Deliveries, { steps }: Foretold): Deliveries {
  const after: Record<string, string> = { ...before };
  for (const { what, node, via, addresses } of steps) {
    if (what !== 'deliver') continue;
    for (const address of addresses) {
      if (typeof via === 'string') after[`${node} ${address}`] = via;
      else delete after[`${node} ${address}`];
    }
  }
  return after;
}

class RestingFleet {
  readonly topology: Topology;
  readonly nodes: readonly string[];
  readonly #random: SeededRandom;
  readonly #world: World;
  readonly #audit = new RegistryAudit();
  readonly #failed = new Set<string>();
  readonly #states = new Map<string, string>();
  steps: Record<string, string[]> = {};
  calls: string[] = [];
  #movedAt = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed).fork('what-if');
    this.topology = ranked(drawTopology(new SeededRandom(seed).fork('topology'), SMALL_BOUNDS));
    this.nodes = nodesOf(this.topology);
    const nothing = (): void => undefined;
    const events = Array.from({ length: this.topology.addresses }, (_, address) => ({
      at: this.#random.between(0, 4000),
      happens: { what: 'appear', address, site: this.#random.pick(this.topology.sites).name } as const,
    }));
    this.#world = new World(
      { seed, topology: this.topology, events, calmAt: PATIENCE_MS },
      {
        told: nothing,
        busyLoop: ({ name }) => expect.unreachable(`${name} works and never waits`),
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

  async rest(): Promise<void> {
    const { time } = this.#world;
    const until = time.now() + PATIENCE_MS;
    this.#moved();
    while (time.now() - this.#movedAt < REST_MS && time.now() < until) await time.runUntil(time.now() + 1000);
  }

  act(kind: 'drain' | 'fail', node: string): void {
    if (kind === 'drain') return this.#world.operator.drain(node);
    this.#failed.add(node);
    this.#world.machine(node).cutPower();
  }

  async whatIf(teller: string, body: unknown): Promise<Foretold> {
    const { running } = this.#world.machine(teller);
    const route = running && mobilityRoutes(running.node.view).find(({ pattern }) => pattern === '/v1/what-if');
    const told = await route?.handle({ params: {}, query: new URLSearchParams(), body });
    const [item] = answer.parse(told && 'body' in told ? told.body : told).items;
    return item ?? expect.unreachable('no pool was told of');
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
function ranked(topology: Topology): Topology {
  const sites = topology.sites.map((site) => {
    const isOpen = site.hasVrrp === true && site.routers.length > 2;
    return isOpen ? { ...site, routers: site.routers.map(({ name }, index) => ({ name, priority: index })) } : site;
  });
  return { ...topology, sites };
}

function domainOf({ name, provider }: Site): string {
  return provider === undefined ? `site:${name}:segment:lan0` : `provider:${name}-main:placement:${name}-routers`;
}
