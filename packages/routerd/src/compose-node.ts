/** One node put together from its adapters. The daemon brings the real ones, tests and simulation the in-memory twins: all else is the same. */
import { createActionEngine, nicKeyOf, type ActionEngine, type Journal, type ProviderExecutor } from '@routerd/actions';
import { createMemoryPartStore, type PartStore } from '@routerd/config';
import {
  createHealthChecker,
  createHostReconciler,
  createMemoryHealthProbe,
  createPathProber,
  MemoryVrrp,
  unmeasuredPath,
  type DesiredOptions,
  type HealthChecker,
  type HealthProbe,
  type Host,
  type HostReconciler,
  type OwnershipLedger,
  type PathProber,
  type PathWire,
  type Vrrp,
} from '@routerd/dataplane';
import type { Federation, HighWaterStore } from '@routerd/federation';
import type { NicObservation, PoolContext } from '@routerd/mobility';
import {
  addressRange,
  durationMs,
  err,
  prefixContains,
  type HostAddress,
  type Ipv4Prefix,
  type NodeName,
  type Result,
} from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import type { Observers } from '@routerd/observers';
import { actionOrders, type NodeOrders } from './api/orders.ts';
import { capturedHere } from './capture-guard.ts';
import type { DerivedConfig } from './derived-config.ts';
import { LocalFacts } from './local-facts.ts';
import { withholding } from './management-access.ts';
import type { NodeSettings, SettingsFault } from './node-settings.ts';
import { providerNicOf } from './provider-nic.ts';
import { observersOf, type ObservingAdapters } from './observing.ts';
import { Reconciler, type LeaseMemory } from './reconciler.ts';
import { solitaryFederation } from './solitary-federation.ts';
import type { NodeView } from './views/node-view.ts';

export interface NodeAdapters {
  readonly clock: Clock;
  readonly log: Log;
  /** Evenly between 0 and 1, 1 excluded. */
  readonly random: () => number;
  readonly host: Host;
  readonly ledger: OwnershipLedger;
  /** Without it nobody speaks VRRP here, and what follows a role of it stays closed. */
  readonly vrrp?: Vrrp;
  /** Without it HealthChecks are asked of a network in which everybody answers. */
  readonly healthProbe?: HealthProbe;
  /** Without it no overlay path is measured. */
  readonly pathWire?: PathWire;
  readonly executor: ProviderExecutor;
  readonly journal: Journal;
  readonly leases: LeaseMemory;
  /** Parts that outlive the process. Without it only the planner adds to startup-config. */
  readonly parts?: PartStore;
  /** Without it no plugin observes. */
  readonly observing?: ObservingAdapters;
  readonly highWater: HighWaterStore;
  /** Builds the federation; told why an address may not be observed here. */
  readonly federation: (
    config: NonNullable<NodeSettings['federation']>,
    isCapturedHere: (address: HostAddress) => string | undefined,
  ) => Result<Federation, SettingsFault>;
}

/** A node that exists and does nothing until `start`. */
export interface RoutingNode {
  readonly reconciler: Reconciler;
  readonly federation: Federation;
  readonly host: HostReconciler;
  readonly engine: ActionEngine;
  readonly paths: PathProber;
  /** Undefined where nothing can run a plugin. */
  readonly observers: Observers | undefined;
  /** Why an address may not be observed at this node: a router of its site captures it, or has it. */
  readonly isCapturedHere: (address: HostAddress) => string | undefined;
  /** Addresses that this node last said were here, by its own memory, from that origin. */
  readonly lastOwnObservations: (origin: string) => readonly HostAddress[];
  /** Facts of this node, by pool name; one for each pool that it is a member of. */
  readonly localFacts: ReadonlyMap<string, LocalFacts>;
  readonly view: NodeView;
  readonly orders: NodeOrders;
  /** Host first, so that tunnels stand before anything else needs them; the federation last, when everybody listens. */
  start(): Promise<void>;
  /** The host stays as it is. */
  stop(): Promise<void>;
}

/** Measures nothing. */
const NO_PATHS: PathProber = {
  setDesired: () => undefined,
  status: () => unmeasuredPath('nothing measures paths on this node'),
  onChange: () => () => undefined,
  stop: async () => undefined,
};

function pathProberOf({ clock, log, random, pathWire }: NodeAdapters): PathProber {
  return pathWire === undefined ? NO_PATHS : createPathProber({ clock, log, random, wire: pathWire });
}

/** Executors and journals of a node that belongs to no group are asked for nothing. */
const NOBODY = 'nobody' as NodeName;

export function composeNode(settings: NodeSettings, adapters: NodeAdapters): Result<RoutingNode, SettingsFault> {
  const { clock, log, random, ledger, executor, journal, leases, highWater } = adapters;
  const parts = adapters.parts ?? createMemoryPartStore();
  const vrrp = adapters.vrrp ?? new MemoryVrrp();
  const health = createHealthChecker({ clock, log, random, probe: adapters.healthProbe ?? createMemoryHealthProbe() });
  const paths = pathProberOf(adapters);
  const host = createHostReconciler({ host: adapters.host, ledger, clock, log });
  let reconciler: Reconciler | undefined;
  let actions: ActionEngine | undefined;
  const isCapturedHere = (address: HostAddress): string | undefined =>
    capturedHere(address, {
      pools: reconciler?.pools ?? [],
      captured: host.captured(),
      nic: (context) => (actions === undefined ? NO_NIC : nicOf(actions, context)),
      own: ownAddresses(settings, host),
      claims: settings.handWrittenClaims,
    });
  const federation =
    settings.federation === undefined
      ? { ok: true as const, value: solitaryFederation() }
      : adapters.federation(settings.federation, isCapturedHere);
  if (!federation.ok) return federation;
  const engine = createActionEngine({
    self: settings.federation?.self ?? NOBODY,
    journal,
    executor,
    fence: federation.value.registry,
    clock,
    random,
    log,
  });
  actions = engine;
  engine.setPolicies(settings.policies);
  const localFacts = new Map(
    settings.pools.flatMap((context) => localFactsOf(context, { clock, log, facts: federation.value.facts })),
  );
  reconciler = new Reconciler(
    {
      clock,
      log,
      federation: federation.value,
      host: {
        setDesired: (state, options) => host.setDesired(state, { ...options, ...guardOf(settings, reconciler) }),
        captured: () => host.captured(),
        onChange: (listener) => host.onChange(listener),
      },
      vrrp,
      health,
      paths,
      actions: {
        propose: (proposals) => engine.propose(proposals),
        sweepStale: () => engine.sweepStale(),
        nic: (context) => nicOf(engine, context),
        observe: (context) => observeNic(engine, context),
        heldElsewhere: () => engine.heldElsewhere(),
        onChange: (listener) => engine.onChange(listener),
      },
      leases,
      parts,
      highWater,
      orders: federation.value.orders,
      onStaticDuties: (pool, duties) => localFacts.get(pool.context.name)?.follow(duties),
      onCaptured: (pool, addresses) => localFacts.get(pool.context.name)?.hush(addresses),
    },
    { startup: settings.startup, pools: settings.pools, deadAfter: settings.federation?.deadAfter ?? durationMs(0) },
  );
  return {
    ok: true,
    value: assemble(settings, {
      clock,
      log,
      reconciler,
      federation: federation.value,
      host,
      vrrp,
      health,
      paths,
      engine,
      localFacts,
      isCapturedHere,
      parts,
      observing: adapters.observing,
    }),
  };
}

/** Zones may come and go with dynamic parts; what protects management is asked of what is in effect. */
function guardOf(
  { startup, reconcile }: NodeSettings,
  reconciler: Reconciler | undefined,
): Pick<DesiredOptions, 'withhold'> {
  const withhold = withholding(reconciler?.derived()?.effective ?? startup, reconcile);
  return withhold === undefined ? {} : { withhold };
}

type Parts = Pick<
  RoutingNode,
  'reconciler' | 'federation' | 'host' | 'engine' | 'paths' | 'localFacts' | 'isCapturedHere'
> & {
  readonly clock: Clock;
  readonly log: Log;
  readonly vrrp: Vrrp;
  readonly health: HealthChecker;
  readonly parts: PartStore;
  readonly observing: ObservingAdapters | undefined;
};

function assemble(settings: NodeSettings, parts: Parts): RoutingNode {
  const { reconciler, federation, host, vrrp, health, paths, engine, localFacts, isCapturedHere } = parts;
  const orders = ordersOf(settings, parts);
  const observers = observersFor(settings, parts, orders);
  return {
    reconciler,
    federation,
    host,
    engine,
    paths,
    observers,
    localFacts,
    isCapturedHere,
    lastOwnObservations: (origin) =>
      federation.facts
        .accepted()
        .filter(({ fact }) => fact.source === settings.federation?.self && fact.origin === origin)
        .filter(({ fact }) => fact.type === 'routerd.client.ipv4.observed')
        .map(({ fact }) => fact.address),
    view: viewOf(settings, parts, observers),
    orders,
    async start() {
      host.start();
      engine.start();
      reconciler.start();
      for (const context of settings.pools) observeNic(engine, context);
      await federation.start();
      for (const context of settings.pools) withdrawUndeclared(context, localFacts.get(context.name));
      observers?.start();
    },
    async stop() {
      await observers?.stop();
      for (const facts of localFacts.values()) facts.stop();
      await reconciler.stop();
      await vrrp.stop();
      await health.stop();
      await paths.stop();
      await engine.stop();
      await federation.stop();
      await host.stop();
    },
  };
}

/** What the pool declared to be here before, and declares no more, is gone from here. What it declares now the plans say. */
function withdrawUndeclared({ pool, self, selfMember }: PoolContext, facts: LocalFacts | undefined): void {
  const declared = new Set(selfMember?.spec.staticOwnedAddresses);
  for (const { address, toNodeRef } of pool.spec.staticHandovers) if (toNodeRef === self) declared.add(address);
  for (const address of facts?.lastAsserted('static') ?? [])
    if (!declared.has(address)) facts?.release(address, 'static');
}

function observersFor(
  settings: NodeSettings,
  { clock, log, parts, observing, federation, reconciler }: Parts,
  orders: NodeOrders,
): Observers | undefined {
  if (observing === undefined) return undefined;
  const { startup } = settings;
  const derived = (): DerivedConfig | undefined => reconciler.derived();
  return observersOf({
    ...observing,
    self: settings.federation?.self,
    clock,
    log,
    parts,
    startup,
    facts: federation.facts,
    events: federation.events,
    derived,
    orders,
  });
}

function localFactsOf(
  context: PoolContext,
  ports: ConstructorParameters<typeof LocalFacts>[0],
): readonly (readonly [string, LocalFacts])[] {
  if (context.selfMember === undefined) return [];
  const options = {
    self: context.self,
    pool: context.name,
    site: context.selfMember.site,
    ttl: context.pool.spec.leasePolicy.ttl,
    isMobile: (address: HostAddress) => excludedBy(context, address) === undefined,
  };
  return [[context.name, new LocalFacts(ports, options)]];
}

/** The part of the pool's prefix that the pool excludes and the address lies in. */
function excludedBy({ pool }: PoolContext, address: HostAddress): Ipv4Prefix | undefined {
  return pool.spec.excludedAddresses.find((prefix) => prefixContains(prefix, address));
}

function ownAddresses(settings: NodeSettings, host: HostReconciler): ReadonlySet<HostAddress> {
  const observed = host.status().observed?.addresses ?? [];
  return new Set([
    ...settings.ownAddresses,
    ...observed.map(({ address }) => `${address.split('/')[0] ?? ''}/32` as HostAddress),
  ]);
}

/** One object, since a reading is known to be new by its identity. */
const NO_NIC = { kind: 'unknown' } as const;

function observeNic(engine: ActionEngine, context: PoolContext): void {
  const nic = providerNicOf(context);
  if (nic !== undefined) engine.requestObservation(nic);
}

function nicOf(engine: ActionEngine, context: PoolContext): NicObservation {
  const target = providerNicOf(context);
  return target === undefined ? NO_NIC : engine.nic(nicKeyOf(target));
}

function viewOf(
  settings: NodeSettings,
  { clock, reconciler, federation, host, vrrp, health, paths, engine }: Parts,
  observers: Observers | undefined,
): NodeView {
  const startedAt = clock.now();
  return {
    node: settings.federation?.self,
    startedAt,
    startup: settings.startup,
    pools: reconciler.pools,
    derived: () => reconciler.derived(),
    waitingFor: () => reconciler.waitingFor(),
    situation: (pool) => reconciler.situation(pool),
    newsOf: (pool, address) => reconciler.newsOf(pool, address),
    federation: () => ({ ...federation.status(), members: federation.members.members() }),
    facts: () => federation.facts.accepted(),
    actions: () => engine.rows(),
    vrrp: { role: (name) => vrrp.role(name), fault: () => vrrp.fault() },
    health: (name) => health.verdict(name),
    path: (peer) => paths.status(peer),
    ...(observers === undefined
      ? {}
      : { observing: () => ({ plugins: observers.plugins(), subscriptions: observers.subscriptions() }) }),
    host: () => {
      const { observed, residuals, withheld, unsupported, owned, addressesTakenOff } = host.status();
      return {
        observed,
        owned,
        addressesTakenOff,
        settled: residuals.length === 0 && withheld.length === 0 && unsupported === undefined,
        withheld,
        unsupported,
        residuals: residuals.map(({ op, fault }) => ({ op, code: fault.code, detail: fault.detail })),
      };
    },
  };
}

/** No machine has these (RFC 922, section 7); of two addresses, or of one, each is a machine's (RFC 3021). */
function isEndOf(prefix: Ipv4Prefix, address: HostAddress): boolean {
  const { first, last, length } = addressRange(prefix);
  const own = addressRange(address).first;
  return length < 31 && (own === first || own === last);
}

function ordersOf(settings: NodeSettings, { federation, engine, host }: Parts): NodeOrders {
  return {
    emit({ type, address, pool, ttl, origin = 'operator' }) {
      const named = pool === undefined ? settings.pools : settings.pools.filter((context) => context.name === pool);
      const [context, ...others] = named;
      if (context === undefined)
        return err({
          code: 'fact.unknown-pool',
          message: `This node has no pool${pool === undefined ? '' : ` "${pool}"`}.`,
          remedy: 'List them with `routerctl get mobilitypools`.',
        });
      if (others.length > 0)
        return err({
          code: 'fact.pool-missing',
          message: 'This node has several pools; say which.',
          remedy: `Pass --pool, one of ${named.map(({ name }) => name).join(', ')}.`,
        });
      if (context.selfMember === undefined)
        return err({
          code: 'fact.not-a-member',
          message: `${context.self} is no member of pool ${context.name}, so it speaks for no site.`,
        });
      const excluded = excludedBy(context, address);
      if (excluded !== undefined)
        return err({
          code: 'fact.excluded',
          message: `Pool ${context.name} excludes ${excluded}, so ${address} never moves.`,
          remedy: 'Change spec.excludedAddresses of the pool, on every node, if it should.',
        });
      if (type === 'routerd.client.ipv4.observed' && isEndOf(context.prefix, address))
        return err({
          code: 'fact.no-machine',
          message: `${address} is the first or the last address of ${context.prefix}: it names the network or all of its machines.`,
          remedy: 'Say the address of one machine.',
        });
      return federation.facts.record({
        type,
        address,
        pool: context.name,
        site: context.selfMember.site,
        ttl: ttl ?? context.pool.spec.leasePolicy.ttl,
        origin,
      });
    },
    ...actionOrders(engine),
    refreshHost: async () => host.refresh(),
  };
}
