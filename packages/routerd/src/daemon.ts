/** The daemon: real adapters around a composed node, its API, and an orderly start and stop. */
import path from 'node:path';
import { createKeepalived, createLinuxHealthProbe, createLinuxLanWire, createUdpPathWire } from '@routerd/dataplane';
import { createFederation, readSeedFile, type Federation } from '@routerd/federation';
import { createPluginExecutor, createPluginRunner } from '@routerd/plugin-host';
import { err, ok, type Resource, type Result } from '@routerd/resources';
import { runCommand, systemClock, type Log } from '@routerd/runtime';
import { openStore, StoreError, type Store, type StoreFault } from '@routerd/store';
import { doctorRoutes } from './api/doctor-routes.ts';
import { dynamicRoutes } from './api/dynamic-routes.ts';
import { federationRoutes } from './api/federation-routes.ts';
import { serveApi } from './api/http-server.ts';
import { mobilityRoutes } from './api/mobility-routes.ts';
import { orderRoutes } from './api/order-routes.ts';
import { overlayRoutes } from './api/overlay-routes.ts';
import { pluginRoutes } from './api/plugin-routes.ts';
import { createRoutes } from './api/routes.ts';
import { composeNode, type RoutingNode } from './compose-node.ts';
import { startGroupHub } from './group-hub.ts';
import { watchLans } from './lan-watch.ts';
import { Membership } from './membership.ts';
import { nodeSettings, type NodeSettings, type SettingsFault } from './node-settings.ts';
import { createMeters, metricsRoutes, nodeMetrics, type Meters } from './metrics/node-metrics.ts';
import { platformHost } from './platform-host.ts';
import { RecentFacts } from './recent-facts.ts';
import { StatusWriter } from './status-writer.ts';
import { VERSION } from './version.ts';

export interface DaemonOptions {
  readonly settings: NodeSettings;
  readonly stateDir: string;
  readonly socketPath: string;
  /** As `process.platform` says. */
  readonly platform: string;
  readonly log: Log;
}

export interface Daemon {
  /** Takes over what can change while it runs: who is in the group, where its hubs are, and the hub on this machine. All else needs a restart. */
  reload(startup: readonly Resource[]): Promise<void>;
  /** In reverse order of the start; tries every step and reports what failed. The host stays as it is. */
  stop(): Promise<void>;
}

interface Step {
  readonly name: string;
  readonly stop: () => Promise<void> | void;
}

export async function startDaemon(given: DaemonOptions): Promise<Result<Daemon, SettingsFault>> {
  const { stateDir, log } = given;
  const steps: Step[] = [];
  const fail = async (fault: SettingsFault): Promise<Result<Daemon, SettingsFault>> => {
    await stopAll(steps, log);
    return err(fault);
  };
  const store = openStore(path.join(stateDir, 'routerd.db'), { log });
  if (!store.ok) return fail(store.error);
  steps.push({ name: 'store', stop: () => store.value.close() });
  const membership = await Membership.open(given.settings.startup, stateDir, log);
  const joined = nodeSettings(membership.effective(), given.settings.reconcile);
  if (!joined.ok) return fail(joined.error);
  const options = { ...given, settings: joined.value };
  const { settings } = options;
  const starts = recordedStart(store.value);
  if (!starts.ok) return fail(starts.error);

  const executor = createPluginExecutor({ plugins: settings.plugins, clock: systemClock, log });
  steps.push({ name: 'plugins', stop: async () => executor.stop() });
  const hub = await startGroupHub({
    startup: settings.startup,
    roster: membership.text,
    hubs: membership.hubs,
    stateDir: path.join(stateDir, 'hub-server'),
    clock: systemClock,
    log,
  });
  if (!hub.ok) return fail(hub.error);
  steps.push({ name: 'hub', stop: async () => hub.value?.stop() });
  const clock = systemClock;
  const meters = createMeters(
    { clock, host: platformHost(given.platform, { clock, log }), executor, leases: store.value.leases },
    VERSION,
  );
  steps.push({ name: 'metrics', stop: () => meters.process.stop() });
  const node = await buildNode(options, store.value, meters);
  if (!node.ok) return fail(node.error);

  const { observers } = node.value;
  const recent = new RecentFacts();
  node.value.federation.facts.onAccepted((facts) => recent.add(facts));
  const routes = [
    ...federationRoutes({
      federation: node.value.federation,
      recent,
      within: (milliseconds) => AbortSignal.timeout(milliseconds),
    }),
    ...metricsRoutes(nodeMetrics(node.value, meters)),
    ...createRoutes(node.value.view, node.value.orders),
    ...mobilityRoutes(node.value.view),
    ...overlayRoutes(node.value.view),
    ...orderRoutes({
      node: node.value.view,
      registry: node.value.federation.orders,
      onChange: (listener) => node.value.reconciler.onChange(listener),
      within: (milliseconds) => AbortSignal.timeout(milliseconds),
    }),
    ...dynamicRoutes(node.value.view),
    ...doctorRoutes({
      node: node.value.view,
      peers: () => node.value.federation.peers(),
      reader: { host: platformHost(given.platform, { clock: systemClock, log }), run: runCommand },
      now: () => systemClock.now(),
    }),
    ...(observers === undefined ? [] : pluginRoutes(settings.startup, observers)),
  ];
  const api = await serveApi(options.socketPath, routes, log);
  if (!api.ok) return fail(api.error);
  steps.push({ name: 'api', stop: async () => api.value.close() });
  const status = new StatusWriter(node.value.view, store.value.objects, { clock: systemClock, log });
  steps.push({ name: 'status', stop: () => status.stop() });
  node.value.reconciler.onChange(() => status.changed());
  node.value.paths.onChange(() => status.changed());
  observers?.onChange(() => status.changed());
  const rejoin = async (): Promise<void> => {
    const told = membership.effective();
    await hub.value?.reconfigure(told, membership.text, membership.hubs);
    takeMembers(told, node.value.federation, log);
  };
  node.value.federation.onRoster((received) => {
    const taken = membership.takeRoster(received).then(async (isNewer) => (isNewer ? rejoin() : undefined));
    taken.catch((cause: unknown) => {
      log.error('the list of members was not taken over', { event: 'routerd.roster.failed', cause: String(cause) });
    });
  });
  await node.value.start();
  steps.push({ name: 'node', stop: async () => node.value.stop() });
  const lans = watchLans(settings, node.value, {
    wire: createLinuxLanWire({ clock: systemClock, log }),
    clock: systemClock,
    log,
  });
  steps.push({ name: 'lan observers', stop: async () => lans.stop() });
  log.info('routerd is up', {
    event: 'routerd.started',
    node: settings.federation?.self,
    starts: starts.value,
    socket: options.socketPath,
  });
  return ok({
    reload: async (startup) => {
      membership.takeStartup(startup);
      await rejoin();
    },
    stop: async () => stopAll(steps, log),
  });
}

async function buildNode(
  { settings, stateDir, log }: DaemonOptions,
  store: Store,
  { host, executor, leases }: Meters,
): Promise<Result<RoutingNode, SettingsFault>> {
  const seed = settings.federation === undefined ? ok('') : await readSeedFile(settings.federation.seedFile);
  if (!seed.ok)
    return err({
      code: seed.error.code,
      message: seed.error.detail,
      remedy: `Check spec.identity.seedFile of the EventGroup (${seed.error.path}).`,
    });
  return composeNode(settings, {
    clock: systemClock,
    log,
    random: Math.random,
    host,
    executor,
    leases,
    ledger: store.ledger,
    vrrp: createKeepalived({ clock: systemClock, log, directory: path.join(path.resolve(stateDir), 'vrrp') }),
    healthProbe: createLinuxHealthProbe({ clock: systemClock }),
    pathWire: createUdpPathWire({ clock: systemClock, log }),
    journal: store.journal,
    parts: store.parts,
    observing: { runner: createPluginRunner({ clock: systemClock, log }), runs: store.runs },
    highWater: store.highWater,
    federation: (config, isCapturedHere) => {
      const built = createFederation({
        config: { ...config, seed: seed.value },
        clock: systemClock,
        log,
        factStore: store.facts,
        highWaterStore: store.highWater,
        eventStore: store.events,
        orderStore: store.orders,
        isCapturedHere,
      });
      return built.ok ? built : err({ code: built.error.code, message: built.error.detail });
    },
  });
}

/** Who else is in the group, and where its hubs are, changes without a restart. */
function takeMembers(startup: readonly Resource[], federation: Federation, log: Log): void {
  const settings = nodeSettings(startup);
  if (settings.ok && settings.value.federation === undefined) return;
  const done = settings.ok && settings.value.federation ? federation.reconfigure(settings.value.federation) : settings;
  if (done.ok) return;
  log.error('the changed members were not taken over', { event: 'routerd.reload.refused', ...done.error });
}

async function stopAll(steps: Step[], log: Log): Promise<void> {
  for (const { name, stop } of steps.splice(0).toReversed()) {
    try {
      await stop();
    } catch (cause) {
      log.error('a part did not stop cleanly', { event: 'routerd.stop.failed', part: name, cause: String(cause) });
    }
  }
}

/** The first thing that is written: on a full disk this is where it shows. */
function recordedStart({ meta }: Store): Result<number, StoreFault> {
  try {
    return ok(meta.recordStart());
  } catch (cause) {
    if (cause instanceof StoreError) return err(cause.fault);
    throw cause;
  }
}
