/** What the events of a story do to the world. */
import type { Machine } from './machine.ts';
import { hostAddress, type Population } from './population.ts';
import type { SeededRandom } from './random.ts';
import type { SimCloud } from './sim-cloud.ts';
import type { Operator } from './operator.ts';
import type { SimHub } from './sim-hub.ts';
import type { SimVrrp } from './sim-vrrp.ts';
import type { Happening, Rules } from './story.ts';
import type { VirtualTime } from './virtual-time.ts';

/** The world, as events act on it. */
export interface Stage {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly hub: SimHub;
  readonly clouds: ReadonlyMap<string, SimCloud>;
  readonly machines: ReadonlyMap<string, Machine>;
  /** Of the LANs that have VRRP. */
  readonly vrrps: ReadonlyMap<string, SimVrrp>;
  readonly population: Population;
  readonly draining: Set<string>;
  readonly rules: Map<string, Rules>;
  readonly operator: Operator;
  machine(name: string): Machine;
  boot(machine: Machine): Promise<void>;
  restart(machine: Machine): Promise<void>;
  rollOut(withinMs: number): void;
  tell(line: string): void;
  clipped(forMs: number): number;
  lasting(forMs: number, end: () => void): void;
}

type Of<What extends Happening['what']> = Extract<Happening, { readonly what: What }>;

export function happen(stage: Stage, it: Happening): void {
  const act: (stage: Stage, it: never) => void = ACTS[it.what];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the table pairs each kind with its own handler
  act(stage, it as never);
}

/** One line, for the timeline. */
export function describe({ what, ...rest }: Happening): string {
  const details = Object.entries(rest).map(
    ([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return [what, ...details].join(' ');
}

const ACTS: { readonly [What in Happening['what']]: (stage: Stage, it: Of<What>) => void } = {
  appear: ({ population }, { address, site }) => population.appear(address, site),
  vanish: ({ population }, { address }) => population.vanish(address),
  move: ({ population }, { address, site, gapMs }) => population.move(address, site, gapMs),
  duplicate: (stage, { address, site, forMs }) => stage.population.duplicate(address, site, stage.clipped(forMs)),

  crash: (stage, { node, calls, downMs }) => {
    const machine = stage.machine(node);
    const { running } = machine;
    running?.life.endAfterCalls(calls);
    stage.lasting(downMs, () => {
      // A process that did not come to its fatal call by then dies now.
      running?.life.end();
      void stage.boot(machine);
    });
  },
  'power-cut': (stage, { node, downMs }) => {
    const machine = stage.machine(node);
    stage.tell(`${node} loses ${machine.cutPower()} writes`);
    stage.lasting(downMs, () => void stage.boot(machine));
  },
  restart: (stage, { node, downMs }) => {
    const machine = stage.machine(node);
    void machine.stop();
    stage.lasting(downMs, () => void stage.boot(machine));
  },
  'clock-jump': (stage, { node, toMs }) => {
    stage.machine(node).clock.skew = toMs;
  },
  'clock-drift': (stage, { node, ppm }) => stage.machine(node).clock.drift(ppm),
  drain: (stage, { node, forMs, rollOutMs }) => {
    stage.draining.add(node);
    stage.rollOut(rollOutMs);
    stage.lasting(forMs, () => {
      stage.draining.delete(node);
      stage.rollOut(rollOutMs);
    });
  },
  'ordered-drain': (stage, { node, forMs }) => {
    stage.operator.drain(node);
    stage.lasting(forMs, () => stage.operator.undrain(node));
  },
  'other-rules': (stage, { node, rules, forMs }) => {
    stage.rules.set(node, rules);
    void stage.restart(stage.machine(node));
    stage.lasting(forMs, () => {
      stage.rules.delete(node);
      void stage.restart(stage.machine(node));
    });
  },
  'false-fact': (stage, { node, address, says }) => {
    if (stage.population.isDeclared(address)) return;
    const type = `routerd.client.ipv4.${says}` as const;
    stage
      .machine(node)
      .running?.node.orders.emit({ type, address: hostAddress(address), pool: undefined, ttl: undefined });
  },
  'kernel-meddling': (stage, { node, address, kind }) => {
    const { kernel, site } = stage.machine(node);
    const of = hostAddress(address);
    if (kind === 'route-deleted') kernel?.deleteRoute(of);
    // The guest agent of a cloud configures what the provider assigned.
    else if (stage.clouds.get(site)?.capturer(of) === node) kernel?.addAddress('eth0', of);
  },

  partition: (stage, { node, forMs }) => partition(stage, [node], forMs),
  'site-partition': (stage, { site, forMs }) => {
    const there = [...stage.machines.values()].filter((machine) => machine.site === site);
    partition(
      stage,
      there.map(({ name }) => name),
      forMs,
    );
  },
  'one-way': (stage, { node, deaf, forMs }) => {
    const wire = stage.hub.wire(node);
    const until = stage.time.now() + stage.clipped(forMs);
    if (deaf === 'node') wire.nodeDeafUntil = until;
    else wire.hubDeafUntil = until;
    // Nothing is lost until the client notices, by the silence of its pings, and gives the connection up.
    const noticed = stage.random.between(3000, 12_000);
    if (stage.time.now() + noticed < until) stage.time.after(noticed, () => stage.hub.cut(node, 'no answer to pings'));
  },
  'slow-link': (stage, { node, latencyMs, forMs }) => {
    const wire = stage.hub.wire(node);
    wire.latencyMs = latencyMs;
    stage.lasting(forMs, () => {
      wire.latencyMs = 0;
    });
  },
  'lossy-heartbeats': (stage, { loss, forMs }) => {
    stage.hub.trouble.heartbeatLoss = loss;
    stage.lasting(forMs, () => {
      stage.hub.trouble.heartbeatLoss = 0;
    });
  },
  'read-again': ({ hub }, { node }) => hub.readAgain(node),
  'hub-down': (stage, { forMs }) => hubDown(stage, 'the hub is down', forMs),
  'hub-paused': (stage, { forMs }) => {
    stage.hub.trouble.pausedUntil = stage.time.now() + stage.clipped(forMs);
  },
  'hub-rolled-back': (stage, { facts, captures, downMs }) => {
    hubDown(stage, 'the hub died', downMs);
    stage.hub.lose({ facts, captures });
  },
  'hub-wiped': (stage, { downMs }) => {
    hubDown(stage, 'the hub died', downMs);
    stage.hub.wipe();
  },
  'ambiguous-writes': (stage, { share, forMs }) => {
    stage.hub.trouble.ambiguousShare = share;
    stage.lasting(forMs, () => {
      stage.hub.trouble.ambiguousShare = 0;
    });
  },
  'stale-hub-reads': (stage, { forMs }) => {
    stage.hub.trouble.readsAreStale = true;
    stage.lasting(forMs, () => {
      stage.hub.trouble.readsAreStale = false;
    });
  },

  vrrp: (stage, { site, kind, forMs }) => {
    const end = stage.vrrps.get(site)?.trouble(kind);
    if (end !== undefined) stage.lasting(forMs, end);
  },

  throttled: (stage, { site, share, forMs }) => troubleCloud(stage, site, forMs, { throttledShare: share }),
  'lost-responses': (stage, { site, share, forMs }) => troubleCloud(stage, site, forMs, { lostShare: share }),
  'half-moves': (stage, { site, share, forMs }) => troubleCloud(stage, site, forMs, { halfMoveShare: share }),
  'slow-cloud': (stage, { site, latencyMs, forMs }) => troubleCloud(stage, site, forMs, { latencyMs }),
  'stale-cloud-reads': ({ clouds }, { site, reads }) => clouds.get(site)?.inner.delayReads(reads),
  'nic-meddling': ({ clouds }, { site, address, kind }) => {
    const cloud = clouds.get(site);
    const capturer = cloud?.capturer(hostAddress(address));
    if (cloud === undefined || capturer === undefined) return;
    if (kind === 'forwarding-switched-off') cloud.inner.setForwarding(`nic-${capturer}`, false);
    else cloud.inner.place(hostAddress(address), undefined);
  },
};

function partition(stage: Stage, nodes: readonly string[], forMs: number): void {
  for (const node of nodes) {
    stage.hub.wire(node).isCut = true;
    stage.hub.cut(node, 'partitioned');
  }
  stage.lasting(forMs, () => {
    for (const node of nodes) stage.hub.wire(node).isCut = false;
  });
}

function hubDown(stage: Stage, detail: string, forMs: number): void {
  stage.hub.trouble.isUp = false;
  stage.hub.die(detail);
  stage.lasting(forMs, () => {
    stage.hub.trouble.isUp = true;
  });
}

function troubleCloud(stage: Stage, site: string, forMs: number, trouble: Partial<SimCloud['trouble']>): void {
  const cloud = stage.clouds.get(site);
  if (cloud === undefined) return;
  Object.assign(cloud.trouble, trouble);
  stage.lasting(forMs, () => {
    for (const name of Object.keys(trouble)) Object.assign(cloud.trouble, { [name]: 0 });
  });
}
