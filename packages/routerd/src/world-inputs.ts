/**
 * What a reconciler hears and knows of the world: facts, records, members, orders, roles, the host and this node's NIC.
 *
 * 1. Every input marks the addresses that it touched, and nothing else; whoever plans takes the marks.
 * 2. Nothing is decided here. What plans are made with (`situation`, `newsOf`) is read when it is asked for.
 */
import type { ActionRow } from '@routerd/actions';
import type { HealthChecker, Vrrp } from '@routerd/dataplane';
import type { Federation, OrderRegistry } from '@routerd/federation';
import {
  captureKeyOf,
  type AddressNews,
  type AddressPlan,
  type CaptureKey,
  type NicObservation,
  type Order,
  type OuterSituation,
  type PoolContext,
  type PoolMember,
} from '@routerd/mobility';
import type { DurationMs, HostAddress, Instant, NodeName } from '@routerd/resources';
import { Alarm, type Clock, type Log } from '@routerd/runtime';
import { addressesConcernedBy, symmetricDifference } from './nic-news.ts';
import { MastershipDoubt } from './mastership-doubt.ts';
import { NicTrust } from './nic-trust.ts';
import type { PoolState } from './pool-state.ts';
import { surroundingsOf } from './pool-surroundings.ts';
import { RefusalBook } from './refusal-book.ts';
import { after, memberWait, waitingFor } from './readiness.ts';
import { StandingOrders } from './standing-orders.ts';
import { roleForPool, type RoleOf } from './vrrp-gates.ts';

/** Provider actions as far as they are news. */
export interface ActionNews {
  /** Looks again at what waits, because the registry changed. */
  sweepStale(): void;
  nic(context: PoolContext): NicObservation;
  /** Asks for a new reading of this node's NIC; `onChange` tells. */
  observe(context: PoolContext): void;
  /** Assigns that wait because another NIC holds the address. */
  heldElsewhere(): readonly ActionRow[];
  onChange(listener: () => void): () => void;
}

export interface HostNews {
  /** Addresses that the kernel answers ARP for on our behalf; undefined until the host was read. */
  captured(): ReadonlySet<HostAddress> | undefined;
  onChange(listener: () => void): () => void;
}

export interface WorldInputsPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly federation: Pick<Federation, 'facts' | 'members' | 'registry' | 'status' | 'onStatus'>;
  readonly host: HostNews;
  readonly vrrp: Pick<Vrrp, 'role' | 'onChange'>;
  readonly health: Pick<HealthChecker, 'onChange'>;
  readonly actions: ActionNews;
  readonly orders: OrderRegistry;
}

export interface WorldInputsOptions {
  readonly pools: readonly PoolState[];
  readonly deadAfter: DurationMs;
  /** Facts, holds and leases run by this: the wall clock may jump, and no jump is news of any machine. */
  readonly steady: Clock;
  /** Something is to be planned again; told as often as it is marked. */
  readonly onTouched: () => void;
  readonly signal: AbortSignal;
}

export class WorldInputs {
  readonly #ports: WorldInputsPorts;
  readonly #pools: readonly PoolState[];
  readonly #deadAfter: DurationMs;
  readonly #onTouched: () => void;
  readonly #signal: AbortSignal;
  readonly #unsubscribe: (() => void)[] = [];
  readonly #dirty = new Map<PoolState, Set<HostAddress>>();
  readonly #steady: Clock;
  readonly #nextLook: Alarm;
  readonly #nicTrust = new NicTrust();
  readonly #doubt = new MastershipDoubt();
  readonly #doubtEnds: Alarm;
  readonly #orders: StandingOrders;
  readonly #refusals = new RefusalBook();
  readonly #lastNic = new Map<PoolState, NicObservation>();
  readonly #roleOf: RoleOf = (name) => this.#ports.vrrp.role(name);
  #gateChanged = false;
  #membersWaited = false;
  #membersWaiting = false;
  #worldSeen = false;
  #lastCaptured: ReadonlySet<HostAddress> | undefined;
  #lastWaiting: string | undefined;
  #lastFederation = '';

  /** Starts nothing. */
  constructor(ports: WorldInputsPorts, { pools, deadAfter, steady, onTouched, signal }: WorldInputsOptions) {
    this.#ports = ports;
    this.#pools = pools;
    this.#deadAfter = deadAfter;
    this.#onTouched = onTouched;
    this.#signal = signal;
    this.#steady = steady;
    this.#nextLook = new Alarm(this.#steady, () => this.#lookAgain());
    this.#doubtEnds = new Alarm(this.#steady, () => this.#onDoubtOver());
    this.#orders = new StandingOrders(
      {
        log: ports.log,
        registry: ports.orders,
        who: `routerd on ${pools[0]?.context.self ?? 'a node without a group'}`,
      },
      signal,
    );
  }

  /** Takes in what the ports already know, and subscribes to their news. */
  start(): void {
    const { federation, host, actions, vrrp, health } = this.#ports;
    for (const pool of this.#pools) {
      pool.accept(federation.facts.accepted());
      for (const [key, record] of federation.registry.records()) pool.acceptRecord(key, record);
    }
    this.#unsubscribe.push(
      federation.facts.onAccepted((facts) => {
        for (const pool of this.#pools) this.touch(pool, pool.accept(facts));
      }),
      federation.registry.onChange((keys) => this.#onRecords(keys)),
      federation.members.onChange(() => this.touchAll()),
      federation.members.onRead?.(() => this.#onRead()) ?? nothing,
      federation.onStatus(() => this.#onFederationStatus()),
      host.onChange(() => this.#onHostChange()),
      vrrp.onChange(() => this.#onRoleChange()),
      health.onChange(() => this.#onHealthChange()),
      actions.onChange(() => this.#onActionsChange()),
      this.#orders.start(({ orders, hasNodes }) => this.#onOrders(orders, hasNodes)),
    );
    this.#onFederationStatus();
  }

  stop(): void {
    this.#nextLook.setInstant(undefined);
    this.#doubtEnds.setInstant(undefined);
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
  }

  /** Facts and registry were read to their end once. */
  get worldSeen(): boolean {
    return this.#worldSeen;
  }

  /** What is marked; it is marked no more. */
  takeDirty(): ReadonlyMap<PoolState, ReadonlySet<HostAddress>> {
    const dirty = new Map(this.#dirty);
    this.#dirty.clear();
    return dirty;
  }

  /** Whether a role of VRRP or the health of something changed since this was asked last: the host may have to look otherwise. */
  takeGateChange(): boolean {
    const changed = this.#gateChanged;
    this.#gateChanged = false;
    return changed;
  }

  /** After a pass: freezes that its plans ask for are ordered, and time alone touches an address when its plan said so. */
  planned(plans: readonly AddressPlan[]): void {
    this.#orders.ask(plans);
    this.#nextLook.setInstant(earliestLook(this.#pools));
  }

  /** Has them planned again. */
  touch(pool: PoolState, addresses: Iterable<HostAddress>): void {
    const dirty = this.#dirty.get(pool) ?? new Set<HostAddress>();
    for (const address of addresses) dirty.add(address);
    if (dirty.size === 0) return;
    this.#dirty.set(pool, dirty);
    this.#onTouched();
  }

  touchAll(): void {
    for (const pool of this.#pools) this.touch(pool, pool.addresses());
    this.#onTouched();
  }

  #onRecords(keys: readonly CaptureKey[]): void {
    const { federation, actions } = this.#ports;
    const records = federation.registry.records();
    for (const pool of this.#pools) {
      const nic = actions.nic(pool.context);
      for (const key of keys) this.#nicTrust.accept(pool, records.get(key), nic);
      const now = this.#steady.now();
      if (keys.filter((key) => this.#doubt.accept(pool, records.get(key), this.#roleOf, now)).length > 0)
        this.#onDoubt(pool);
      if (keys.some((key) => this.#nicTrust.isOvertaken(pool, records.get(key), nic))) actions.observe(pool.context);
      this.touch(
        pool,
        keys.flatMap((key) => pool.acceptRecord(key, records.get(key))),
      );
      this.touch(pool, this.#roomConcernedBeside(pool));
    }
    for (const key of keys) this.#refusals.settle(key, records.get(key));
    actions.sweepStale();
  }

  /** Pools that share NICs share their room: what waits for a place in one may have got it from another. */
  #roomConcernedBeside(pool: PoolState): Iterable<HostAddress> {
    return this.#pools.length > 1 ? pool.roomConcerned() : [];
  }

  #onOrders(orders: readonly Order[], hasNodes: boolean): void {
    if (hasNodes) return this.touchAll();
    for (const pool of this.#pools)
      this.touch(
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
    this.touchAll();
  }

  async #waitForMembers(): Promise<void> {
    const { clock } = this.#ports;
    this.#membersWaiting = true;
    await clock.sleepUntil(after(clock, memberWait(this.#deadAfter)), this.#signal);
    this.#membersWaiting = false;
    this.#membersWaited = true;
    this.touchAll();
  }

  #onHostChange(): void {
    const captured = this.#ports.host.captured();
    const before = this.#lastCaptured;
    this.#lastCaptured = captured;
    if (before === undefined || captured === undefined) return this.touchAll();
    const changed = symmetricDifference(before, captured);
    for (const pool of this.#pools)
      this.touch(
        pool,
        changed.filter((address) => pool.plan(address) !== undefined),
      );
  }

  #onRead(): void {
    for (const pool of this.#pools) this.touch(pool, pool.overlapping());
  }

  #onDoubt(pool: PoolState): void {
    this.#ports.log.info('another router claims what this master held: its role is doubted', {
      event: 'routerd.vrrp.doubted',
      pool: pool.context.name,
    });
    this.#doubtEnds.setInstant(this.#doubt.endsAt());
    this.touch(pool, pool.addresses());
  }

  #onDoubtOver(): void {
    this.#doubt.forget(this.#steady.now());
    this.#doubtEnds.setInstant(this.#doubt.endsAt());
    this.touchAll();
  }

  #onRoleChange(): void {
    this.#doubt.clear();
    this.#doubtEnds.setInstant(undefined);
    this.#gateChanged = true;
    this.touchAll();
  }

  /** No plan of an address depends on it. */
  #onHealthChange(): void {
    this.#gateChanged = true;
    this.#onTouched();
  }

  #onActionsChange(): void {
    for (const pool of this.#pools) {
      const nic = this.#ports.actions.nic(pool.context);
      const before = this.#lastNic.get(pool);
      if (nic === before) continue;
      this.#lastNic.set(pool, nic);
      this.touch(pool, addressesConcernedBy(pool, before, nic));
    }
    for (const { pool: name, address } of this.#refusals.note(this.#ports.actions.heldElsewhere()))
      for (const pool of this.#pools) if (pool.context.name === name) this.touch(pool, [address]);
  }

  #lookAgain(): void {
    const now = this.#steady.now();
    for (const pool of this.#pools) this.touch(pool, pool.dueAt(now));
  }

  /** What must still be read before captures may change, in words; empty when ready. */
  waitingFor(): readonly string[] {
    return [...new Set(this.#pools.flatMap((pool) => this.#waitingForPool(pool)))];
  }

  /** What is known of one address beside facts and records. */
  newsOf({ context: { name, selfMember } }: PoolState, address: HostAddress): AddressNews {
    const order = this.#orders.about(name, address);
    if (selfMember === undefined) return { order };
    return { order, refusals: this.#refusals.of(captureKeyOf(name, address, selfMember.domain)) };
  }

  #waitingForPool(pool: PoolState): readonly string[] {
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
    const now = this.#steady.now();
    const role = roleForPool(pool.context, this.#roleOf);
    const vrrp = role !== undefined && this.#doubt.has(pool, now) ? 'unknown' : role;
    const liveness = federation.members.members();
    const members = [...pool.context.members.values()].map(
      ({ node, spec }) =>
        [
          node,
          {
            node,
            liveness: liveness.get(node) ?? ('unheard' as const),
            draining: this.#orders.isDrained(node) || this.#isDeclaredDrained(pool.context, node, spec),
          },
        ] as const,
    );
    return {
      now,
      members: new Map(members),
      membersWaited: this.#membersWaited,
      waitingFor: this.#waitingForPool(pool),
      registryConnected: federation.status().connected,
      nic: this.#nicTrust.trusted(pool, actions.nic(pool.context)),
      hostCaptures: host.captured(),
      unread: federation.members.unread?.() ?? NOBODY,
      ...(vrrp === undefined ? {} : { vrrp }),
      ...surroundingsOf(pool, this.#pools),
    };
  }

  /**
   * While a changed pool document is rolled out nodes have different ones: whether a node drains its own says, and its heartbeats tell
   * everybody. Ours is taken for it only while it has told nothing.
   */
  #isDeclaredDrained({ name, self }: PoolContext, node: NodeName, { maintenance }: PoolMember['spec']): boolean {
    const told = node === self ? undefined : this.#ports.federation.members.drains?.(node, name);
    return told ?? maintenance?.drain === true;
  }

  /** Says once what is waited for, and once that it is over. */
  reportReadiness(): void {
    const waiting = this.waitingFor().join('; ');
    if (waiting === this.#lastWaiting) return;
    this.#lastWaiting = waiting;
    if (waiting !== '')
      return this.#ports.log.info('observing before acting', { event: 'routerd.waiting', waitingFor: waiting });
    this.#membersWaited = true; // everybody was heard, or waited for: later silence is a matter of liveness
    this.#ports.log.info('ready: captures may change', { event: 'routerd.ready' });
    this.touchAll();
  }
}

/** The earliest instant that any plan of the pools named. */
function earliestLook(pools: readonly PoolState[]): Instant | undefined {
  let next: Instant | undefined;
  for (const pool of pools) {
    const at = pool.nextLookAt();
    if (at !== undefined && (next === undefined || at < next)) next = at;
  }
  return next;
}

const NOBODY: ReadonlySet<NodeName> = new Set();

function nothing(): void {
  // There is nobody who tells.
}
