/**
 * The one reconciler of a node: `World → plan → effects`, driven by events alone.
 *
 * 1. Every input marks the addresses it touched dirty; one pass plans them together and hands each effect to its adapter.
 * 2. Nothing is decided here: `planAddress` (mobility) and `lower` (dataplane) decide; adapters are level-triggered.
 * 3. Until facts and registry were read to their end once, the host only gains: what an earlier run installed stays.
 * 4. Time alone re-plans an address only at the instant its plan named (`lookAgainAt`).
 */
import type { ActionRow } from '@routerd/actions';
import type { DiffOptions, HostState, Vrrp } from '@routerd/dataplane';
import type { Federation, HighWaterStore, OrderRegistry } from '@routerd/federation';
import {
  captureKeyOf,
  type ActionProposal,
  type AddressNews,
  type AddressPlan,
  type CaptureKey,
  type NicObservation,
  type Order,
  type OuterSituation,
  type PoolContext,
  type StaticDuty,
} from '@routerd/mobility';
import type { DurationMs, HostAddress, Resource } from '@routerd/resources';
import { steadyClock, type Clock, type Log } from '@routerd/runtime';
import { CaptureWriter } from './capture-writer.ts';
import { deriveConfig, hostViewOf, type DerivedConfig } from './derived-config.ts';
import { rememberLeases, type LeaseMemory } from './lease-memory.ts';
import { earliestLook, NextLook } from './next-look.ts';
import { addressesConcernedBy, symmetricDifference } from './nic-news.ts';
import { NicTrust } from './nic-trust.ts';
import { PartWatch, type PartWatchPorts } from './part-watch.ts';
import { PoolState } from './pool-state.ts';
import { surroundingsOf } from './pool-surroundings.ts';
import { RefusalBook } from './refusal-book.ts';
import { resumedLease } from './resumed-lease.ts';
import { after, memberWait, waitingFor } from './readiness.ts';
import { StandingOrders } from './standing-orders.ts';
import { closedInterfaces, roleForPool, type RoleOf } from './vrrp-gates.ts';

/** The host as the reconciler uses it. */
export interface HostControl {
  /** Removes nothing yet while the view of the world is not complete, but what VRRP does not allow. */
  setDesired(state: HostState, options: DiffOptions): void;
  /** Addresses that the kernel answers ARP for on our behalf; undefined until the host was read. */
  captured(): ReadonlySet<HostAddress> | undefined;
  onChange(listener: () => void): () => void;
}

/** Provider actions as the reconciler uses them. */
export interface ActionControl {
  /** The whole set that is wanted now. */
  propose(proposals: readonly ActionProposal[]): void;
  /** Looks again at what waits, because the registry changed. */
  sweepStale(): void;
  nic(context: PoolContext): NicObservation;
  /** Asks for a new reading of this node's NIC; `onChange` tells. */
  observe(context: PoolContext): void;
  /** Assigns that wait because another NIC holds the address. */
  heldElsewhere(): readonly ActionRow[];
  onChange(listener: () => void): () => void;
}

export type { LeaseMemory } from './lease-memory.ts';

export interface ReconcilerPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly federation: Pick<Federation, 'facts' | 'members' | 'registry' | 'status' | 'onStatus'>;
  readonly host: HostControl;
  readonly vrrp: Pick<Vrrp, 'setDesired' | 'role' | 'onChange'>;
  readonly actions: ActionControl;
  readonly leases: LeaseMemory;
  readonly parts: PartWatchPorts['store'];
  readonly highWater: Pick<HighWaterStore, 'all'>;
  readonly orders: OrderRegistry;
  /** Told what the pools have this node say about addresses, whenever that changes. */
  readonly onStaticDuty: (pool: PoolState, address: HostAddress, duty: StaticDuty) => void;
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
  readonly #unsubscribe: (() => void)[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #dirty = new Map<PoolState, Set<HostAddress>>();
  readonly #writer: CaptureWriter;
  /** Facts, holds and leases run by this: the wall clock may jump, and no jump is news of any machine. */
  readonly #steady: Clock;
  readonly #nextLook: NextLook;
  readonly #nicTrust = new NicTrust();
  readonly #parts: PartWatch;
  readonly #orders: StandingOrders;
  readonly #refusals = new RefusalBook();
  readonly #roleOf: RoleOf = (name) => this.#ports.vrrp.role(name);
  readonly #toldDuties = new Map<PoolState, Map<HostAddress, StaticDuty['verb']>>();
  readonly #lastNic = new Map<PoolState, NicObservation>();
  #derived: DerivedConfig | undefined;
  #roleChanged = false;
  #passQueued = false;
  #membersWaited = false;
  #membersWaiting = false;
  #worldSeen = false;
  #retaining = true;
  #lastCaptured: ReadonlySet<HostAddress> | undefined;
  #lastWaiting: string | undefined;
  #lastFederation = '';
  #lastProblems: ReadonlySet<string> = new Set();

  /** Starts nothing. */
  constructor(ports: ReconcilerPorts, options: ReconcilerOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#steady = steadyClock(ports.clock);
    const leases = ports.leases.loadLeases().map((lease) => resumedLease(lease, this.#steady.now()));
    this.pools = options.pools.map((context) => new PoolState(context, leases));
    const { clock, log } = ports;
    this.#nextLook = new NextLook(this.#steady, () => this.#lookAgain());
    this.#orders = new StandingOrders(
      { log, registry: ports.orders, who: `routerd on ${options.pools[0]?.self ?? 'a node without a group'}` },
      this.#stopping.signal,
    );
    this.#parts = new PartWatch({ store: ports.parts, clock, log }, () => this.#queuePass());
    this.#writer = new CaptureWriter(
      {
        clock,
        log,
        registry: ports.federation.registry,
        onAnswered: (transitions) => {
          for (const pool of this.pools)
            this.#touch(
              pool,
              transitions.filter((transition) => transition.pool === pool.context.name).map(({ address }) => address),
            );
        },
      },
      this.#stopping.signal,
    );
  }

  /** Takes in what the ports already know, subscribes to their news, and plans everything once. */
  start(): void {
    const { federation, host, actions, vrrp } = this.#ports;
    for (const pool of this.pools) {
      pool.accept(federation.facts.accepted());
      for (const [key, record] of federation.registry.records()) pool.acceptRecord(key, record);
    }
    this.#unsubscribe.push(
      federation.facts.onAccepted((facts) => {
        for (const pool of this.pools) this.#touch(pool, pool.accept(facts));
      }),
      federation.registry.onChange((keys) => this.#onRecords(keys)),
      federation.members.onChange(() => this.#touchAll()),
      federation.onStatus(() => this.#onFederationStatus()),
      host.onChange(() => this.#onHostChange()),
      vrrp.onChange(() => this.#onRoleChange()),
      actions.onChange(() => this.#onActionsChange()),
      this.#orders.start(({ orders, hasNodes }) => this.#onOrders(orders, hasNodes)),
    );
    this.#parts.start();
    this.#onFederationStatus();
    this.#queuePass();
  }

  /** Stops deciding; the host stays as it is. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#nextLook.schedule(undefined);
    this.#parts.stop();
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    await this.#writer.idle();
  }

  /** What the last pass derived; undefined before the first. */
  derived(): DerivedConfig | undefined {
    return this.#derived;
  }

  /** What must still be read before captures may change, in words; empty when ready. */
  waitingFor(): readonly string[] {
    return [...new Set(this.pools.flatMap((pool) => this.#waitingFor(pool)))];
  }

  /** True while no input waits to be planned and no append is under way. */
  isSettled(): boolean {
    return !this.#passQueued && this.#writer.isIdle();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // ---- inputs: each marks what it touched ----

  #touch(pool: PoolState, addresses: Iterable<HostAddress>): void {
    const dirty = this.#dirty.get(pool) ?? new Set<HostAddress>();
    for (const address of addresses) dirty.add(address);
    if (dirty.size === 0) return;
    this.#dirty.set(pool, dirty);
    this.#queuePass();
  }

  #touchAll(): void {
    for (const pool of this.pools) this.#touch(pool, pool.addresses());
    this.#queuePass();
  }

  #onRecords(keys: readonly CaptureKey[]): void {
    const { federation, actions } = this.#ports;
    const records = federation.registry.records();
    for (const pool of this.pools) {
      const nic = actions.nic(pool.context);
      for (const key of keys) this.#nicTrust.accept(pool, records.get(key), nic);
      if (keys.some((key) => this.#nicTrust.isOvertaken(pool, records.get(key), nic))) actions.observe(pool.context);
      this.#touch(
        pool,
        keys.flatMap((key) => pool.acceptRecord(key, records.get(key))),
      );
      this.#touch(pool, this.#roomConcernedBeside(pool));
    }
    for (const key of keys) this.#refusals.settle(key, records.get(key));
    actions.sweepStale();
  }

  /** Pools that share NICs share their room: what waits for a place in one may have got it from another. */
  #roomConcernedBeside(pool: PoolState): Iterable<HostAddress> {
    return this.pools.length > 1 ? pool.roomConcerned() : [];
  }

  #onOrders(orders: readonly Order[], hasNodes: boolean): void {
    if (hasNodes) return this.#touchAll();
    for (const pool of this.pools)
      this.#touch(
        pool,
        orders.flatMap((order) => ('address' in order && order.pool === pool.context.name ? [order.address] : [])),
      );
  }

  #onFederationStatus(): void {
    const { connected, factsCaughtUp, registryCaughtUp } = this.#ports.federation.status();
    if (factsCaughtUp && registryCaughtUp) this.#worldSeen = true;
    if (connected && !this.#membersWaited && !this.#membersWaiting) void this.#waitForMembers();
    // Depth of the outbox and counts of refusals are for people: they change no plan.
    const seen = `${connected} ${factsCaughtUp} ${registryCaughtUp}`;
    if (seen === this.#lastFederation) return;
    this.#lastFederation = seen;
    this.#touchAll();
  }

  async #waitForMembers(): Promise<void> {
    const { clock } = this.#ports;
    this.#membersWaiting = true;
    await clock.sleepUntil(after(clock, memberWait(this.#options.deadAfter)), this.#stopping.signal);
    this.#membersWaiting = false;
    this.#membersWaited = true;
    this.#touchAll();
  }

  #onHostChange(): void {
    const captured = this.#ports.host.captured();
    const before = this.#lastCaptured;
    this.#lastCaptured = captured;
    if (before === undefined || captured === undefined) return this.#touchAll();
    const changed = symmetricDifference(before, captured);
    for (const pool of this.pools)
      this.#touch(
        pool,
        changed.filter((address) => pool.plan(address) !== undefined),
      );
  }

  #onRoleChange(): void {
    this.#roleChanged = true;
    this.#touchAll();
  }

  #onActionsChange(): void {
    for (const pool of this.pools) {
      const nic = this.#ports.actions.nic(pool.context);
      const before = this.#lastNic.get(pool);
      if (nic === before) continue;
      this.#lastNic.set(pool, nic);
      this.#touch(pool, addressesConcernedBy(pool, before, nic));
    }
    for (const { pool: name, address } of this.#refusals.note(this.#ports.actions.heldElsewhere()))
      for (const pool of this.pools) if (pool.context.name === name) this.#touch(pool, [address]);
  }

  #lookAgain(): void {
    const now = this.#steady.now();
    for (const pool of this.pools) this.#touch(pool, pool.dueAt(now));
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
    const retain = !this.#worldSeen;
    const partsChanged = this.#parts.takeChange();
    if (
      partsChanged ||
      this.#roleChanged ||
      this.#derived === undefined ||
      retain !== this.#retaining ||
      changes.some(({ before, after: plan }) => hostViewOf(before) !== hostViewOf(plan))
    ) {
      this.#retaining = retain;
      this.#applyToHost();
    }
    this.#writer.append(changes.flatMap(({ after: plan }) => plan.transition ?? []));
    this.#ports.actions.propose(this.pools.flatMap((pool) => pool.actingPlans().flatMap(({ actions }) => actions)));
    rememberLeases(this.#ports, changes);
    this.#orders.ask(changes.map(({ after: plan }) => plan));
    this.#tellStaticDuties(changes);
    this.#nextLook.schedule(earliestLook(this.pools));
    this.#reportReadiness();
    for (const listener of this.#listeners) listener();
  }

  /** Not before facts and registry were read: until then nobody knows whether the address is captured at this very site. */
  #tellStaticDuties(changes: readonly PlanChange[]): void {
    if (!this.#worldSeen) return;
    for (const { pool, after: plan } of changes) {
      const { address, staticDuty } = plan;
      const told = this.#toldDuties.get(pool) ?? new Map<HostAddress, StaticDuty['verb']>();
      this.#toldDuties.set(pool, told);
      if (staticDuty === undefined || (staticDuty.verb !== 'assert' && told.get(address) === staticDuty.verb)) continue;
      told.set(address, staticDuty.verb);
      this.#ports.onStaticDuty(pool, address, staticDuty);
    }
  }

  #replanDirty(): readonly PlanChange[] {
    const dirty = new Map(this.#dirty);
    this.#dirty.clear();
    const highWater = this.#ports.highWater.all();
    return [...dirty].flatMap(([pool, addresses]) => {
      const situation = this.situation(pool);
      const newsOf = (address: HostAddress): AddressNews => this.newsOf(pool, address);
      return pool.replanAll(addresses, situation, highWater, newsOf).map((change) => ({ pool, ...change }));
    });
  }

  newsOf({ context: { name, selfMember } }: PoolState, address: HostAddress): AddressNews {
    const order = this.#orders.about(name, address);
    if (selfMember === undefined) return { order };
    return { order, refusals: this.#refusals.of(captureKeyOf(name, address, selfMember.domain)) };
  }

  #waitingFor(pool: PoolState): readonly string[] {
    const { host, actions, federation } = this.#ports;
    const isCloud = pool.context.selfMember?.role === 'cloud';
    return waitingFor(
      {
        federation,
        hostObserved: host.captured() !== undefined,
        nicKnown: !isCloud || actions.nic(pool.context).kind === 'known',
        membersWaited: this.#membersWaited,
      },
      pool.context,
    );
  }

  /** What all addresses of the pool are planned with now. */
  situation(pool: PoolState): OuterSituation {
    const { federation, host, actions } = this.#ports;
    const vrrp = roleForPool(pool.context, this.#roleOf);
    const liveness = federation.members.members();
    const members = [...pool.context.members.values()].map(
      ({ node, spec }) =>
        [
          node,
          {
            node,
            liveness: liveness.get(node) ?? ('unheard' as const),
            draining: spec.maintenance?.drain === true || this.#orders.isDrained(node),
          },
        ] as const,
    );
    return {
      now: this.#steady.now(),
      members: new Map(members),
      membersWaited: this.#membersWaited,
      waitingFor: this.#waitingFor(pool),
      registryConnected: federation.status().connected,
      nic: this.#nicTrust.trusted(pool, actions.nic(pool.context)),
      hostCaptures: host.captured(),
      ...(vrrp === undefined ? {} : { vrrp }),
      ...surroundingsOf(pool, this.pools),
    };
  }

  #applyToHost(): void {
    this.#roleChanged = false;
    this.#derived = deriveConfig(
      this.#options.startup,
      this.pools,
      this.#ports.clock.now(),
      this.#parts.list(),
      this.#roleOf,
    );
    this.#parts.merged(this.#derived.config.nextExpiry);
    this.#reportProblems(this.#derived.problems);
    this.#ports.host.setDesired(this.#derived.host, {
      retainSurplus: this.#retaining,
      retainRoutes: this.#retaining,
      closedInterfaces: closedInterfaces(this.#options.pools, this.#derived.effective, this.#roleOf),
    });
    this.#ports.vrrp.setDesired(this.#derived.virtualRouters);
  }

  /** What stays the same is said once, however often it is derived. */
  #reportProblems(problems: DerivedConfig['problems']): void {
    const known = this.#lastProblems;
    this.#lastProblems = new Set(problems.map(({ subject, reason }) => `${subject}: ${reason}`));
    for (const problem of problems)
      if (!known.has(`${problem.subject}: ${problem.reason}`))
        this.#ports.log.warn('part of the configuration is set aside', { event: 'config.quarantined', ...problem });
  }

  #reportReadiness(): void {
    const waiting = this.waitingFor().join('; ');
    if (waiting === this.#lastWaiting) return;
    this.#lastWaiting = waiting;
    if (waiting !== '')
      return this.#ports.log.info('observing before acting', { event: 'routerd.waiting', waitingFor: waiting });
    this.#membersWaited = true; // everybody was heard, or waited for: later silence is a matter of liveness
    this.#ports.log.info('ready: captures may change', { event: 'routerd.ready' });
    this.#touchAll();
  }
}
