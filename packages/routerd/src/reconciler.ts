/**
 * The one reconciler of a node: `World → plan → effects`, driven by events alone.
 *
 * 1. Every input marks the addresses it touched dirty; one pass plans them together and hands each effect to its adapter.
 * 2. Nothing is decided here: `planAddress` (mobility) and `lower` (dataplane) decide; adapters are level-triggered.
 * 3. Until facts and registry were read to their end once, the host only gains: what an earlier run installed stays.
 * 4. Time alone re-plans an address only at the instant its plan named (`lookAgainAt`).
 */
import type { DiffOptions, HealthChecker, HostState, PathProber, Vrrp } from '@routerd/dataplane';
import type { HighWaterStore } from '@routerd/federation';
import type {
  ActionProposal,
  AddressNews,
  AddressPlan,
  HighWaterMarks,
  OuterSituation,
  PoolContext,
  StaticDuty,
} from '@routerd/mobility';
import type { DurationMs, HostAddress, Resource } from '@routerd/resources';
import { steadyClock } from '@routerd/runtime';
import { ActionGathering } from './action-gathering.ts';
import { recordAtOwnSite } from './capture-guard.ts';
import { CaptureWriter } from './capture-writer.ts';
import { deriveConfig, isSameToHost, type DerivedConfig } from './derived-config.ts';
import { rememberLeases, type LeaseMemory } from './lease-memory.ts';
import { PartWatch, type PartWatchPorts } from './part-watch.ts';
import { PoolState } from './pool-state.ts';
import { resumedLease } from './resumed-lease.ts';
import { closedInterfaces, PRIORITY_YIELDED, yieldedGates, type RoleOf } from './vrrp-gates.ts';
import { WorldInputs, type ActionNews, type HostNews, type WorldInputsPorts } from './world-inputs.ts';

/** The host as the reconciler uses it. */
export interface HostControl extends HostNews {
  /** Removes nothing yet while the view of the world is not complete, but what VRRP does not allow. */
  setDesired(state: HostState, options: DiffOptions): void;
}

/** Provider actions as the reconciler uses them. */
export interface ActionControl extends ActionNews {
  /** The whole set that is wanted now. */
  propose(proposals: readonly ActionProposal[]): void;
}

export type { LeaseMemory } from './lease-memory.ts';

export interface ReconcilerPorts extends WorldInputsPorts {
  readonly host: HostControl;
  readonly vrrp: Pick<Vrrp, 'setDesired' | 'role' | 'onChange'>;
  readonly health: Pick<HealthChecker, 'setDesired' | 'verdict' | 'onChange'>;
  readonly paths: Pick<PathProber, 'setDesired'>;
  readonly actions: ActionControl;
  readonly leases: LeaseMemory;
  readonly parts: PartWatchPorts['store'];
  readonly highWater: Pick<HighWaterStore, 'epochOf'>;
  /** Told what pools and orders have this node say about addresses, whenever that changes. */
  readonly onStaticDuties: (pool: PoolState, duties: readonly (readonly [HostAddress, StaticDuty])[]) => void;
  /** Told of addresses that a router of this site captures, each time they are planned. */
  readonly onCaptured: (pool: PoolState, addresses: readonly HostAddress[]) => void;
}

export interface ReconcilerOptions {
  readonly startup: readonly Resource[];
  readonly pools: readonly PoolContext[];
  readonly deadAfter: DurationMs;
}

interface PlanChange {
  readonly pool: PoolState;
  readonly before: AddressPlan | undefined;
  readonly after: AddressPlan;
}

export class Reconciler {
  readonly pools: readonly PoolState[];
  readonly #ports: ReconcilerPorts;
  readonly #options: ReconcilerOptions;
  readonly #stopping = new AbortController();
  readonly #listeners = new Set<() => void>();
  readonly #inputs: WorldInputs;
  readonly #writer: CaptureWriter;
  readonly #gathering: ActionGathering;
  readonly #parts: PartWatch;
  readonly #roleOf: RoleOf = (name) => this.#ports.vrrp.role(name);
  readonly #toldDuties = new Map<PoolState, Map<HostAddress, StaticDuty['verb']>>();
  #derived: DerivedConfig | undefined;
  #passQueued = false;
  #retaining = true;
  /** Since everything was read once this node may take a mastership that another router has. */
  #wasReady = false;
  /** VirtualAddresses whose mastership this node leaves to others, since it drains. */
  #yielded: ReadonlySet<string> = new Set();
  #lastProblems: ReadonlySet<string> = new Set();

  /** Starts nothing. */
  constructor(ports: ReconcilerPorts, options: ReconcilerOptions) {
    this.#ports = ports;
    this.#options = options;
    const { clock, log } = ports;
    const { signal } = this.#stopping;
    const steady = steadyClock(clock);
    const leases = ports.leases.loadLeases().map((lease) => resumedLease(lease, steady.now()));
    this.pools = options.pools.map((context) => new PoolState(context, leases));
    const onTouched = (): void => this.#queuePass();
    this.#inputs = new WorldInputs(ports, {
      pools: this.pools,
      deadAfter: options.deadAfter,
      steady,
      onTouched,
      signal,
    });
    this.#parts = new PartWatch({ store: ports.parts, clock, log }, onTouched);
    this.#gathering = new ActionGathering(clock);
    this.#writer = new CaptureWriter(
      {
        clock,
        log,
        registry: ports.federation.registry,
        onAnswered: (transitions) => {
          for (const pool of this.pools)
            this.#inputs.touch(
              pool,
              transitions.filter((transition) => transition.pool === pool.context.name).map(({ address }) => address),
            );
          this.#queuePass();
        },
      },
      signal,
    );
  }

  /** Takes in what the ports already know, subscribes to their news, and plans everything once. */
  start(): void {
    this.#inputs.start();
    this.#parts.start();
    this.#queuePass();
  }

  /** Stops deciding; the host stays as it is. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#parts.stop();
    this.#inputs.stop();
    await this.#writer.idle();
  }

  /** What the last pass derived; undefined before the first. */
  derived(): DerivedConfig | undefined {
    return this.#derived;
  }

  /** What must still be read before captures may change, in words; empty when ready. */
  waitingFor(): readonly string[] {
    return this.#inputs.waitingFor();
  }

  /** What all addresses of the pool are planned with now. */
  situation(pool: PoolState): OuterSituation {
    return this.#inputs.situation(pool);
  }

  /** What is known of one address beside facts and records. */
  newsOf(pool: PoolState, address: HostAddress): AddressNews {
    return this.#inputs.newsOf(pool, address);
  }

  /** True while no input waits to be planned and no append is under way. */
  isSettled(): boolean {
    return !this.#passQueued && this.#writer.isIdle();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #queuePass(): void {
    if (this.#passQueued || this.#stopping.signal.aborted) return;
    this.#passQueued = true;
    queueMicrotask(() => {
      this.#passQueued = false;
      if (!this.#stopping.signal.aborted) this.#pass();
    });
  }

  // ---- the pass ----

  /** Host first, so that delivery stands before anything is captured; then the registry; then the provider. */
  #pass(): void {
    const changes = this.#replanDirty();
    const retain = !this.#inputs.worldSeen;
    const partsChanged = this.#parts.takeChange();
    const gateChanged = this.#inputs.takeGateChange();
    if (
      partsChanged ||
      gateChanged ||
      this.#derived === undefined ||
      retain !== this.#retaining ||
      changes.some(({ before, after: plan }) => !isSameToHost(before, plan))
    ) {
      this.#retaining = retain;
      this.#applyToHost();
    }
    this.#letPreempt();
    this.#letYield();
    this.#writer.append(changes.flatMap(({ after: plan }) => plan.transition ?? []));
    if (this.#gathering.isOver(this.#writer.isWriting()))
      this.#ports.actions.propose(this.pools.flatMap((pool) => pool.actingPlans().flatMap(({ actions }) => actions)));
    rememberLeases(this.#ports, changes);
    this.#inputs.planned(changes.map(({ after: plan }) => plan));
    this.#tellStaticDuties(changes);
    this.#tellCaptured(changes);
    this.#inputs.reportReadiness();
    for (const listener of this.#listeners) listener();
  }

  /** Not before facts and registry were read: until then nobody knows whether the address is captured at this very site. */
  #tellStaticDuties(changes: readonly PlanChange[]): void {
    if (!this.#inputs.worldSeen) return;
    const duties = new Map<PoolState, [HostAddress, StaticDuty][]>();
    for (const { pool, after: plan } of changes) {
      const { address, staticDuty } = plan;
      const told = this.#toldDuties.get(pool) ?? new Map<HostAddress, StaticDuty['verb']>();
      this.#toldDuties.set(pool, told);
      // An address may be handed away, come back, and be handed away again.
      if (staticDuty === undefined) told.delete(address);
      if (staticDuty === undefined || (staticDuty.verb !== 'assert' && told.get(address) === staticDuty.verb)) continue;
      told.set(address, staticDuty.verb);
      const ofPool = duties.get(pool) ?? [];
      duties.set(pool, ofPool);
      ofPool.push([address, staticDuty]);
    }
    for (const [pool, ofPool] of duties) this.#ports.onStaticDuties(pool, ofPool);
  }

  #tellCaptured(changes: readonly PlanChange[]): void {
    const captured = changes.filter(({ pool, after }) => recordAtOwnSite(pool, after.address) !== undefined);
    for (const [pool, ofPool] of Map.groupBy(captured, (change) => change.pool))
      this.#ports.onCaptured(
        pool,
        ofPool.map(({ after }) => after.address),
      );
  }

  #replanDirty(): readonly PlanChange[] {
    const { highWater: store } = this.#ports;
    const highWater: HighWaterMarks = { get: (key) => store.epochOf(key) };
    return [...this.#inputs.takeDirty()].flatMap(([pool, addresses]) => {
      const situation = this.situation(pool);
      const newsOf = (address: HostAddress): AddressNews => this.newsOf(pool, address);
      return pool.replanAll(addresses, situation, highWater, newsOf).map((change) => ({ pool, ...change }));
    });
  }

  #applyToHost(): void {
    this.#derived = deriveConfig(
      this.#options.startup,
      this.pools,
      this.#ports.clock.now(),
      this.#parts.list(),
      this.#roleOf,
      (name) => this.#ports.health.verdict(name).state === 'unhealthy',
    );
    this.#parts.merged(this.#derived.config.nextExpiry);
    this.#reportProblems(this.#derived.problems);
    this.#ports.host.setDesired(this.#derived.host, {
      retainSurplus: this.#retaining,
      retainRoutes: this.#retaining,
      closedInterfaces: closedInterfaces(this.#options.pools, this.#derived.effective, this.#roleOf),
    });
    this.#tellVrrp(this.#derived);
    this.#ports.health.setDesired(this.#derived.healthChecks);
    this.#ports.paths.setDesired(this.#derived.overlayPaths);
  }

  /** Until it can capture itself, a better priority must not end what a living master captures; with nobody there it wins all the same. */
  #tellVrrp({ virtualRouters }: DerivedConfig): void {
    const now = virtualRouters.map((router) => ({
      ...router,
      preempt: router.preempt && this.#wasReady,
      priority: this.#yielded.has(router.name) ? PRIORITY_YIELDED : router.priority,
    }));
    this.#ports.vrrp.setDesired(now);
  }

  #letYield(): void {
    const yielded = yieldedGates(
      this.pools.map((pool) => ({ context: pool.context, members: () => this.situation(pool).members })),
    );
    if (this.#derived === undefined || yielded.symmetricDifference(this.#yielded).size === 0) return;
    this.#yielded = yielded;
    this.#tellVrrp(this.#derived);
  }

  #letPreempt(): void {
    if (this.#wasReady || this.#derived === undefined || this.waitingFor().length > 0) return;
    this.#wasReady = true;
    this.#tellVrrp(this.#derived);
  }

  /** What stays the same is said once, however often it is derived. */
  #reportProblems(problems: DerivedConfig['problems']): void {
    const known = this.#lastProblems;
    this.#lastProblems = new Set(problems.map(({ subject, reason }) => `${subject}: ${reason}`));
    for (const problem of problems)
      if (!known.has(`${problem.subject}: ${problem.reason}`))
        this.#ports.log.warn('part of the configuration is set aside', { event: 'config.quarantined', ...problem });
  }
}
