/**
 * The one reconciler of a node: `World → plan → effects`, driven by events alone.
 *
 * 1. Every input marks the addresses it touched dirty; one pass plans them together and hands each effect to its adapter.
 * 2. Nothing is decided here: `planAddress` (mobility) and `lower` (dataplane) decide; adapters are level-triggered.
 * 3. Until facts and registry were read to their end once, the host only gains: what an earlier run installed stays.
 * 4. Time alone re-plans an address only at the instant its plan named (`lookAgainAt`).
 */
import type { HostState } from '@routerd/dataplane';
import type { Federation, HighWaterStore } from '@routerd/federation';
import type {
  ActionProposal,
  AddressLease,
  AddressPlan,
  CaptureKey,
  NicObservation,
  PoolContext,
  PoolSituation,
} from '@routerd/mobility';
import type { DurationMs, HostAddress, Instant, Resource } from '@routerd/resources';
import { steadyClock, type Clock, type Log } from '@routerd/runtime';
import { CaptureWriter } from './capture-writer.ts';
import { deriveConfig, hostViewOf, type DerivedConfig } from './derived-config.ts';
import { NextLook } from './next-look.ts';
import { PartWatch, type PartWatchPorts } from './part-watch.ts';
import { PoolState } from './pool-state.ts';
import { resumedLease } from './resumed-lease.ts';
import { after, memberWait, waitingFor } from './readiness.ts';

/** The host as the reconciler uses it. */
export interface HostControl {
  /** `retainSurplus`: remove nothing yet, the view of the world is not complete. */
  setDesired(state: HostState, options: { readonly retainSurplus: boolean }): void;
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
  onChange(listener: () => void): () => void;
}

export interface LeaseMemory {
  loadLeases(): readonly AddressLease[];
  saveLeases(changed: readonly AddressLease[], gone: readonly AddressLease[]): void;
}

export interface ReconcilerPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly federation: Pick<Federation, 'facts' | 'members' | 'registry' | 'status' | 'onStatus'>;
  readonly host: HostControl;
  readonly actions: ActionControl;
  readonly leases: LeaseMemory;
  readonly parts: PartWatchPorts['store'];
  readonly highWater: Pick<HighWaterStore, 'all'>;
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
  readonly #parts: PartWatch;
  readonly #lastNic = new Map<PoolState, NicObservation>();
  #derived: DerivedConfig | undefined;
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
    const { federation, host, actions } = this.#ports;
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
      actions.onChange(() => this.#onActionsChange()),
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
    const records = this.#ports.federation.registry.records();
    for (const pool of this.pools) {
      this.#touch(
        pool,
        keys.flatMap((key) => pool.acceptRecord(key, records.get(key)) ?? []),
      );
    }
    this.#ports.actions.sweepStale();
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

  #onActionsChange(): void {
    for (const pool of this.pools) {
      const nic = this.#ports.actions.nic(pool.context);
      const before = this.#lastNic.get(pool);
      if (nic === before) continue;
      this.#lastNic.set(pool, nic);
      this.#touch(pool, addressesConcernedBy(pool, before, nic));
    }
  }

  #lookAgain(): void {
    const now = this.#steady.now();
    for (const pool of this.pools) {
      const due = [...pool.plans()].filter(({ lookAgainAt }) => lookAgainAt !== undefined && lookAgainAt <= now);
      this.#touch(
        pool,
        due.map(({ address }) => address),
      );
    }
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
      this.#derived === undefined ||
      retain !== this.#retaining ||
      changes.some(({ before, after: plan }) => hostViewOf(before) !== hostViewOf(plan))
    ) {
      this.#retaining = retain;
      this.#applyToHost();
    }
    this.#writer.append(changes.flatMap(({ after: plan }) => plan.transition ?? []));
    this.#ports.actions.propose(this.pools.flatMap((pool) => [...pool.plans()].flatMap((plan) => plan.actions)));
    this.#rememberLeases(changes);
    this.#nextLook.schedule(earliest(this.pools));
    this.#reportReadiness();
    for (const listener of this.#listeners) listener();
  }

  #replanDirty(): readonly PlanChange[] {
    const dirty = new Map(this.#dirty);
    this.#dirty.clear();
    const highWater = this.#ports.highWater.all();
    return [...dirty].flatMap(([pool, addresses]) => {
      const situation = this.#situation(pool);
      return [...addresses].map((address) => ({ pool, ...pool.replan(address, situation, highWater) }));
    });
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

  #situation(pool: PoolState): PoolSituation {
    const { federation, host, actions } = this.#ports;
    const liveness = federation.members.members();
    const members = [...pool.context.members.values()].map(
      ({ node, spec }) =>
        [
          node,
          { node, liveness: liveness.get(node) ?? ('unheard' as const), draining: spec.maintenance?.drain ?? false },
        ] as const,
    );
    return {
      now: this.#steady.now(),
      members: new Map(members),
      membersWaited: this.#membersWaited,
      waitingFor: this.#waitingFor(pool),
      registryConnected: federation.status().connected,
      nic: actions.nic(pool.context),
      hostCaptures: host.captured(),
      heldBySelf: pool.heldBySelf(),
    };
  }

  #applyToHost(): void {
    const { clock, host } = this.#ports;
    this.#derived = deriveConfig(this.#options.startup, this.pools, clock.now(), this.#parts.list());
    this.#parts.merged(this.#derived.config.nextExpiry);
    this.#reportProblems(this.#derived.problems);
    host.setDesired(this.#derived.host, { retainSurplus: this.#retaining });
  }

  /** What stays the same is said once, however often it is derived. */
  #reportProblems(problems: DerivedConfig['problems']): void {
    const known = this.#lastProblems;
    this.#lastProblems = new Set(problems.map(({ subject, reason }) => `${subject}: ${reason}`));
    for (const problem of problems)
      if (!known.has(`${problem.subject}: ${problem.reason}`))
        this.#ports.log.warn('part of the configuration is set aside', { event: 'config.quarantined', ...problem });
  }

  #rememberLeases(changes: readonly PlanChange[]): void {
    const changed = changes.filter(({ before, after: plan }) => leaseViewOf(before?.lease) !== leaseViewOf(plan.lease));
    if (changed.length === 0) return;
    for (const { after: plan } of changed) {
      const { status = 'none', site, ownerNode, leaseEpoch } = plan.lease ?? {};
      this.#ports.log.info('lease changed', {
        event: 'mobility.lease.changed',
        address: plan.address,
        status,
        site,
        ownerNode,
        leaseEpoch,
      });
    }
    this.#ports.leases.saveLeases(
      changed.flatMap(({ after: plan }) => plan.lease ?? []),
      changed.flatMap(({ before, after: plan }) =>
        plan.lease === undefined && before?.lease !== undefined ? [before.lease] : [],
      ),
    );
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

function earliest(pools: readonly PoolState[]): Instant | undefined {
  let next: Instant | undefined;
  for (const pool of pools) {
    for (const { lookAgainAt } of pool.plans())
      if (lookAgainAt !== undefined && (next === undefined || lookAgainAt < next)) next = lookAgainAt;
  }
  return next;
}

function leaseViewOf(lease: AddressLease | undefined): string {
  if (lease === undefined) return '';
  return [
    lease.status,
    lease.site,
    lease.ownerNode,
    lease.leaseEpoch,
    lease.expiresAt,
    lease.challenger?.site ?? '',
  ].join('|');
}

function symmetricDifference<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): readonly T[] {
  return [...a].filter((item) => !b.has(item)).concat([...b].filter((item) => !a.has(item)));
}

/** A NIC reading concerns the addresses it added or lost, and those whose capture by this node is still moving. */
function addressesConcernedBy(
  pool: PoolState,
  before: NicObservation | undefined,
  nic: NicObservation,
): Iterable<HostAddress> {
  if (before?.kind !== 'known' || nic.kind !== 'known' || before.forwarding !== nic.forwarding) return pool.addresses();
  return new Set([...symmetricDifference(before.addresses, nic.addresses), ...pool.movingOnSelf()]);
}
