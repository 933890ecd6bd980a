/** One router: what of it outlives its process (disk, kernel, keys, clock), and the process, which is the daemon's own code. */
import { hash } from 'node:crypto';
import { createMemoryHost, type Host, type MemoryHost } from '@routerd/dataplane';
import { generateNodeIdentity, type NodeIdentity } from '@routerd/federation';
import { federationOver, signerOf, type ReadWire, type verifierOf } from '@routerd/federation/internal';
import { durationMs, instant, type Resource } from '@routerd/resources';
import {
  composeNode,
  nodeSettings,
  watchLans,
  type LanWatch,
  type NodeAdapters,
  type NodeSettings,
  type RoutingNode,
} from '@routerd/routerd';
import type { Clock, Log } from '@routerd/runtime';
import { Life, MachineClock, never } from './life.ts';
import { valueOf } from './node-documents.ts';
import type { SeededRandom } from './random.ts';
import type { Seams } from './seams.ts';
import type { SimCloud } from './sim-cloud.ts';
import { SimDisk, type DiskWatch } from './sim-disk.ts';
import type { SimHub } from './sim-hub.ts';
import type { SimLan } from './sim-lan.ts';
import type { SimVrrp } from './sim-vrrp.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Where a machine stands. */
export interface Surroundings {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly hub: SimHub;
  readonly seams: Seams;
  readonly log: Log;
  readonly cloud: SimCloud | undefined;
  /** Asked late: the LAN knows its machines, and the machines their LAN. */
  readonly lan: () => SimLan | undefined;
  readonly vrrp: SimVrrp | undefined;
  readonly watch: MachineWatch;
}

/** What of a machine the invariants look at. */
export interface MachineWatch extends DiskWatch {
  readonly hostApplied: (machine: Machine, ops: Parameters<Host['apply']>[0]) => void;
  readonly planned: (machine: Machine) => void;
  readonly busyLoop: (machine: Machine) => void;
}

interface Running {
  readonly life: Life;
  readonly node: RoutingNode;
  readonly lans: LanWatch;
  readonly clock: Clock;
  readonly startup: readonly Resource[];
  /** Milliseconds of the simulation. */
  readonly startedAt: number;
}

const EPOCH = instant(1_790_000_000_000);
/** Keys are dear to make and tell a story nothing: every simulation uses the same ones. */
const KEYS: NodeIdentity[] = [];

export function keyOf(index: number): NodeIdentity {
  while (KEYS.length <= index) KEYS.push(generateNodeIdentity());
  return KEYS[index] ?? generateNodeIdentity();
}

export class Machine {
  readonly name: string;
  readonly site: string;
  readonly disk = new SimDisk();
  readonly clock: MachineClock;
  readonly log: Log;
  readonly #around: Surroundings;
  readonly #identity: NodeIdentity;
  readonly #random: SeededRandom;
  kernel: MemoryHost | undefined;
  /** What its kernel shows when nothing of ours is on it. */
  readonly bareLines = bareKernel().render();
  running: Running | undefined;
  /** Of a process that is ending in order: nobody starts another beside it. */
  #ending: Life | undefined;

  constructor(name: string, site: string, identity: NodeIdentity, around: Surroundings) {
    this.name = name;
    this.site = site;
    this.#identity = identity;
    this.#around = around;
    this.#random = around.random.fork(name);
    this.clock = new MachineClock(around.time, EPOCH);
    this.log = around.log;
    this.powerOn();
  }

  powerOn(): void {
    this.clock.powerOn();
    this.kernel ??= bareKernel();
  }

  async boot(startup: readonly Resource[]): Promise<void> {
    if (this.running !== undefined || this.#ending !== undefined) return;
    this.powerOn();
    const { kernel } = this;
    if (kernel === undefined) throw new Error(`${this.name} has no kernel`);
    const { time, watch, hub } = this.#around;
    let node: RoutingNode | undefined;
    const life = new Life(time, {
      over: () => {
        hub.drop(this.name, life);
        if (this.running?.life === life) this.running = undefined;
        bury(node);
      },
      busyLoop: () => watch.busyLoop(this),
    });
    const clock = this.clock.forLife(life);
    const settings = settingsOf(startup);
    const composed = valueOf(composeNode(settings, this.#adapters(life, clock, kernel, startup)));
    node = composed;
    composed.reconciler.onChange(() => {
      if (!life.isOver()) watch.planned(this);
    });
    const lan = this.#around.lan();
    // The process exists from here on, and may die at any call that its start makes.
    const lans = { stop: async () => lanWatch?.stop() } satisfies LanWatch;
    let lanWatch: LanWatch | undefined;
    this.running = { life, node: composed, lans, clock, startup, startedAt: time.now() };
    await Promise.race([composed.start(), life.over]);
    if (life.isOver() || lan === undefined) return;
    lanWatch = watchLans(settings, composed, { wire: lan.wire(this.name, life), clock, log: this.log });
  }

  /** The process ends in order; the kernel stays as it is. */
  async stop(): Promise<void> {
    const { running } = this;
    if (running === undefined) return;
    const { time } = this.#around;
    this.running = undefined;
    this.#ending = running.life;
    await Promise.race([running.lans.stop().then(async () => running.node.stop()), time.sleep(6000)]);
    if (this.#ending === running.life) this.#ending = undefined;
    running.life.end();
  }

  kill(): void {
    this.running?.life.end();
    this.#ending?.end();
    this.#ending = undefined;
  }

  /** @returns how many writes of the disk were lost */
  cutPower(): number {
    this.kill();
    this.kernel = undefined;
    this.#around.vrrp?.losePower(this.name);
    return this.disk.cutPower(this.#random);
  }

  #adapters(life: Life, clock: Clock, kernel: MemoryHost, startup: readonly Resource[]): NodeAdapters {
    const { cloud, seams, watch, hub, time } = this.#around;
    const context = { node: this.name, time, startup };
    const stores = this.disk.stores(life, watch);
    const vrrp = this.#around.vrrp?.port(this.name, life);
    const executor = cloud?.executor(this.name, life) ?? NO_CLOUD;
    const host = mortalHost(kernel, life, (ops) => watch.hostApplied(this, ops));
    return {
      clock,
      log: this.log,
      random: this.#random.fraction,
      leases: stores.leases,
      highWater: stores.highWater,
      ledger: seams.ledger?.(stores.ledger, context) ?? stores.ledger,
      journal: seams.journal?.(stores.journal, context) ?? stores.journal,
      executor: seams.executor?.(executor, context) ?? executor,
      host: seams.host?.(host, context) ?? host,
      ...(vrrp === undefined ? {} : { vrrp: seams.vrrp?.(vrrp, context) ?? vrrp }),
      federation: (config, isCapturedHere) => {
        const ports = {
          clock,
          log: this.log,
          random: (count: number) => this.#random.bytes(count),
          signerOf: cheapSignerOf,
          verifierOf: cheapVerifierOf,
          readWire: seams.readWire?.(rememberedReading, context) ?? rememberedReading,
          factStore: stores.factStore,
          highWaterStore: stores.highWater,
          orderStore: stores.orders,
          isCapturedHere: seams.captureGuard?.(isCapturedHere, context) ?? isCapturedHere,
        };
        const built = federationOver(
          hub.transport(this.name, life),
          { ...config, seed: this.#identity.seed, appendDeadline: durationMs(5000) },
          ports,
        );
        if (!built.ok) return { ok: false, error: { code: built.error.code, message: built.error.detail } };
        return { ok: true, value: seams.federation?.(built.value, context) ?? built.value };
      },
    };
  }
}

/** Nodes start often, and of the same documents follows the same. */
const SETTINGS = new WeakMap<readonly Resource[], NodeSettings>();

function settingsOf(startup: readonly Resource[]): NodeSettings {
  const known = SETTINGS.get(startup) ?? valueOf(nodeSettings(startup));
  SETTINGS.set(startup, known);
  return known;
}

/** A kernel as it comes up, with things on it that are nobody's business but the operator's. */
function bareKernel(): MemoryHost {
  const kernel = createMemoryHost({
    links: [{ name: 'lan0' }, { name: 'eth0' }],
    addresses: [{ interface: 'eth0', address: '192.0.2.10/24' }],
    sysctls: { 'net/ipv4/conf/all/send_redirects': '1' },
  });
  kernel.addForeignRoute(FOREIGN_ROUTE);
  return kernel;
}

export const FOREIGN_ROUTE = {
  destination: '198.51.100.0/24' as never,
  device: 'eth0',
  gateway: undefined,
  preferredSource: undefined,
  metric: 5,
  blackhole: false,
} as const;

function mortalHost(kernel: MemoryHost, life: Life, applied: (ops: Parameters<Host['apply']>[0]) => void): Host {
  return {
    observe: async () => life.ask(async () => kernel.observe()),
    apply: async (ops) =>
      life.ask(async () => {
        applied(ops);
        return kernel.apply(ops);
      }),
    watch: (listener) =>
      kernel.watch((event) => {
        if (!life.isOver()) listener(event);
      }),
  };
}

const NO_CLOUD: NodeAdapters['executor'] = {
  execute: async () => never(),
  observe: async () => never(),
};

/**
 * What is left of a process that died changes nothing any more, but it waits for signals that would never come: they are given, so that
 * its memory becomes free.
 */
function bury(node: RoutingNode | undefined): void {
  if (node === undefined) return;
  for (const facts of node.localFacts.values()) facts.stop();
  for (const part of [node.reconciler, node.engine, node.federation, node.host]) void part.stop();
}

/**
 * Nobody forges anything in a simulation, and real signatures are a tenth of its time: a digest of key and content stands for one. That
 * what was changed on its way is refused stays so, and the real ones have tests of their own.
 */
const cheapSignerOf: typeof signerOf = (seed) => {
  const known = SIGNERS.get(seed) ?? signerOf(seed);
  SIGNERS.set(seed, known);
  if (!known.ok) return known;
  const { publicKey } = known.value;
  return { ok: true, value: { publicKey, sign: (content) => digestOf(publicKey, content) } };
};

const cheapVerifierOf: typeof verifierOf = (publicKey) => ({
  ok: true,
  value: (content, signature) => digestOf(publicKey, content).equals(signature),
});

/** Keys are worked out slowly, and nodes start often. */
const SIGNERS = new Map<string, ReturnType<typeof signerOf>>();

/** As long as a signature: 64 bytes. */
function digestOf(publicKey: string, content: Uint8Array): Buffer {
  return hash('sha512', Buffer.concat([Buffer.from(publicKey), content]), 'buffer');
}

const READINGS = new WeakMap<Uint8Array, { readonly parse: unknown; readonly is: unknown }>();

/** The hub gives every node the very same bytes, which nobody changes. */
const rememberedReading: ReadWire = <T>(data: Uint8Array, parse: (data: Uint8Array) => T): T => {
  const known = READINGS.get(data);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- kept beside the parser that made it
  if (known?.parse === parse) return known.is as T;
  const is = parse(data);
  READINGS.set(data, { parse, is });
  return is;
};
