/** Plays one story from its beginning to its end, and tells what was wrong with it. */
import { cleanupHost } from '@routerd/dataplane';
import { HostInvariants } from './host-invariants.ts';
import { MoveBound } from './move-bound.ts';
import { ProviderInvariants } from './provider-invariants.ts';
import { RegistryAudit } from './registry-audit.ts';
import type { Seams } from './seams.ts';
import { capturersAt, sendersTo, unserved } from './service.ts';
import type { Story } from './story.ts';
import type { Violation } from './violation.ts';
import { VrrpInvariants } from './vrrp-invariants.ts';
import { World } from './world.ts';

export interface SimulateOptions {
  readonly seams?: Seams;
  /** Told of everything that happens, for a timeline. */
  readonly onLine?: (at: number, line: string) => void;
  /** Told when a router's NIC was switched to forward no more: which routers of other sites still send to it. */
  readonly onForwardingStopped?: (node: string, senders: readonly string[]) => void;
}

export interface Outcome {
  readonly story: Story;
  /** In the order in which they were found; the first is the cause more often than not. */
  readonly violations: readonly Violation[];
  /** Milliseconds of the simulation between the end of the faults and everybody being served; undefined: never. */
  readonly convergedAfterMs: number | undefined;
  readonly virtualMs: number;
}

/** After the first violations a story proves nothing more. */
const VIOLATIONS_MAX = 5;
const LOOK_EVERY_MS = 500;

/** So long everybody must be served, and nothing may move: members are waited for, and the last pauses of retries pass. */
function quietMsOf(story: Story): number {
  return (2 * story.topology.deadAfterMs + 5000) / slowestClockOf(story);
}

/**
 * How long after the end of the faults everybody must be served: members are waited for (twice the time of death), what nobody asserts
 * any more is noticed (TTL, and the LAN's question after a minute), its hold passes, and a provider action may be in its longest pause; each by
 * the clock of a machine.
 */
export function convergenceBoundMs(story: Story): number {
  const { ttlMs, holdMs, deadAfterMs } = story.topology;
  return (2 * deadAfterMs + ttlMs + 2 * (holdMs + 8000) + 75_000 + 40_000) / slowestClockOf(story);
}

/** How much of a second passes in a true one on the machine whose clock is the slowest: all that it waits for takes so much longer. */
function slowestClockOf({ events }: Story): number {
  return Math.min(1, ...events.map(({ happens }) => (happens.what === 'clock-drift' ? 1 + happens.ppm / 1e6 : 1)));
}

export async function simulate(story: Story, options: SimulateOptions = {}): Promise<Outcome> {
  const play = new Play(story, options);
  return play.run();
}

class Play {
  readonly #story: Story;
  readonly #world: World;
  readonly #audit = new RegistryAudit();
  readonly #violations: Violation[] = [];
  readonly #onLine: (at: number, line: string) => void;

  constructor(story: Story, { seams = {}, onLine = () => undefined, onForwardingStopped }: SimulateOptions) {
    this.#story = story;
    this.#onLine = onLine;
    const isConnected = (name: string): boolean => this.#world.hub.isConnected(name);
    const machine = (name: string) => this.#world.machine(name);
    const report = (violation: Omit<Violation, 'at'>): void => this.#report(violation);
    const vrrp = new VrrpInvariants({
      time: () => this.#world.time,
      vrrpOf: (site) => this.#world.vrrps.get(site),
      report,
    });
    const provider = new ProviderInvariants({
      audit: this.#audit,
      now: () => this.#world.time.now(),
      machine,
      isConnected,
      report,
    });
    const hosts = new HostInvariants({
      isConnected,
      machine,
      report,
      gateOf: ({ name, site }) => {
        const told = this.#world.vrrps.get(site)?.told(name);
        return told && (told.role === 'master' ? 'open' : 'closed');
      },
      capturers: (site, address) => capturersAt(this.#world, site, address),
      livesAt: (address, site) => this.#world.population.livesAt(address, site),
      livedAtSince: (address, site, since) => this.#world.population.livedAtSince(address, site, since),
    });
    this.#world = new World(
      story,
      {
        told: (line) => this.#tell(line),
        busyLoop: ({ name }) => this.#report({ invariant: 'live', what: `${name} works and never waits` }),
        planned: (of) => hosts.planned(of),
        factAppended: (fact) => {
          this.#tell(`${fact.source} tells ${fact.address} ${fact.type.split('.').at(-1)} (${fact.origin})`);
          hosts.factAppended(fact);
        },
        roleTold: (of, role) => {
          this.#tell(`${of.name} is told by VRRP: ${role}`);
          vrrp.told(of);
        },
        hostApplied: (of, ops) => {
          hosts.applied(of, ops);
          vrrp.applied(of, ops);
          for (const op of ops)
            if (op.verb === 'announce') this.#world.lans.get(of.site)?.announce(of.name, op.address);
        },
        submitted: (node, request) => {
          this.#tell(
            `${node} asks: ${request.verb} ${request.addresses.map((item) => `${item.address} epoch ${item.captureEpoch}${item.seizeFrom === undefined ? '' : ` from ${item.seizeFrom}`}`).join(', ')}`,
          );
          provider.submitted(node, request);
        },
        mutated: (_site, mutation) => {
          this.#tell(`${mutation.node} has: ${mutation.verb} ${mutation.address} epoch ${mutation.captureEpoch}`);
          provider.mutated(mutation);
          if (mutation.verb === 'ensure-forwarding-disabled')
            onForwardingStopped?.(mutation.node, sendersTo(this.#world, mutation.node));
        },
        stored: (log, message) => {
          if (log !== 'captures') return;
          const record = this.#audit.stored(message, this.#world.time.now());
          if (record !== undefined)
            this.#tell(
              `registry: ${record.address} ${record.domain} revision ${record.revision} epoch ${record.epoch} ${record.phase} ${record.holder ?? '-'} by ${record.writer}`,
            );
        },
        lost: (log, lastKept) => {
          if (log === 'captures') this.#audit.lost(lastKept, this.#world.time.now());
        },
      },
      seams,
    );
  }

  async run(): Promise<Outcome> {
    const { time } = this.#world;
    await this.#world.start();
    await this.#runUntil(this.#story.calmAt);
    await this.#world.calm();
    const convergedAfterMs = this.#isHopeless() ? undefined : await this.#converge();
    new MoveBound(this.#story, this.#audit).check((violation) => this.#report(violation));
    if (!this.#isHopeless()) await this.#checkCleanup();
    const virtualMs = time.now();
    for (const machine of this.#world.machines.values()) machine.kill();
    return { story: this.#story, violations: this.#violations, convergedAfterMs, virtualMs };
  }

  #isHopeless(): boolean {
    return this.#violations.length > 0;
  }

  /** In slices, so that a story whose outcome is known ends early. */
  async #runUntil(end: number): Promise<void> {
    const { time } = this.#world;
    while (time.now() < end && !this.#isHopeless()) await time.runUntil(Math.min(end, time.now() + 1000));
  }

  /**
   * Served once may be served by chance, while nodes that came back are still finding out: it has to stay so for a while, and nothing
   * may move in that time.
   */
  async #converge(): Promise<number | undefined> {
    const { time } = this.#world;
    const calmAt = time.now();
    const until = calmAt + convergenceBoundMs(this.#story);
    const quietMs = quietMsOf(this.#story);
    let wrong = unserved(this.#world);
    let servedAt = calmAt;
    let moves = this.#audit.moves();
    let restlessAt = calmAt;
    while (
      !this.#isHopeless() &&
      Math.min(time.now() - servedAt, time.now() - restlessAt) < quietMs &&
      servedAt < until
    ) {
      await time.runUntil(time.now() + LOOK_EVERY_MS);
      wrong = unserved(this.#world);
      if (wrong.length > 0) servedAt = time.now();
      if (moves !== this.#audit.moves()) restlessAt = time.now();
      moves = this.#audit.moves();
      if (restlessAt > until) this.#report({ invariant: 'I6', what: 'captures still change hands' });
    }
    for (const what of wrong.slice(0, VIOLATIONS_MAX)) this.#report({ invariant: 'I2', what });
    return wrong.length > 0 ? undefined : servedAt - calmAt;
  }

  /** I7: taken off again, a host is as it was. */
  async #checkCleanup(): Promise<void> {
    for (const machine of this.#world.machines.values()) {
      await Promise.race([machine.stop(), this.#world.time.runUntil(this.#world.time.now() + 10_000)]);
      if (machine.kernel === undefined) continue;
      await cleanupHost({ host: machine.kernel, ledger: machine.disk.content.ledger });
      const left = machine.kernel.render().filter((line) => !machine.bareLines.includes(line));
      const gone = machine.bareLines.filter((line) => machine.kernel?.render().includes(line) === false);
      for (const line of left) this.#report({ invariant: 'I7', what: `${machine.name} is left with: ${line}` });
      for (const line of gone) this.#report({ invariant: 'I7', what: `${machine.name} lacks: ${line}` });
    }
  }

  #report(violation: Omit<Violation, 'at'>): void {
    if (this.#violations.length >= VIOLATIONS_MAX) return;
    this.#violations.push({ ...violation, at: this.#world.time.now() });
    this.#tell(`VIOLATION ${violation.invariant}: ${violation.what}`);
  }

  #tell(line: string): void {
    this.#onLine(this.#world.time.now(), line);
  }
}
