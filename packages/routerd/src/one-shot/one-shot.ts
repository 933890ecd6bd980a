/** One look at this host without a daemon: configuration, stored parts, what was installed, what the kernel shows. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { EMPTY_HOST_STATE, MemoryLedger, type Host, type HostFault, type OwnershipLedger } from '@routerd/dataplane';
import { err, formatInstant, ok, type Result } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import { openStore, type Store, type StoreFault } from '@routerd/store';
import { deriveConfig, type DerivedConfig } from '../derived-config.ts';
import { nodeSettings, type SettingsFault } from '../node-settings.ts';
import type { LoadedConfig } from '../load-config.ts';
import { planHost, type HostPlan } from './host-plan.ts';

export interface OneShotOptions {
  readonly config: LoadedConfig;
  readonly stateDir: string;
  /** What is only looked at leaves no file behind. */
  readonly access: 'look' | 'change';
}

export interface OneShotPorts {
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Log;
}

export interface OneShot {
  readonly plan: HostPlan;
  readonly problems: DerivedConfig['problems'];
  /** What is left to the daemon, as full sentences. */
  readonly notes: readonly string[];
  /** Where ops are recorded before they are applied. */
  readonly ledger: OwnershipLedger;
  close(): void;
}

/** @param options.config valid. Close what is returned. */
export async function lookOnce(
  { config, stateDir, access }: OneShotOptions,
  { host, clock, log }: OneShotPorts,
): Promise<Result<OneShot, SettingsFault>> {
  const settings = nodeSettings(config.resources);
  if (!settings.ok) return settings;
  const opened = openState(path.join(stateDir, 'routerd.db'), access, log);
  if (!opened.ok) return err(stateFault(opened.error, stateDir));
  const store = opened.value;
  const ledger = store?.ledger ?? new MemoryLedger();
  const close = (): void => store?.close();
  const derived = deriveConfig(settings.value.startup, [], clock.now(), store?.parts.list());
  const observed = await host.observe(derived.host.sysctls.map((sysctl) => sysctl.path));
  if (!observed.ok) {
    close();
    return unreadable(observed.error);
  }
  const pools = settings.value.pools.map(({ name }) => name);
  const plan = planHost({
    desired: derived.host,
    observed: observed.value,
    owned: ledger.entries(),
    retainSurplus: pools.length > 0,
  });
  const notes = [
    ...(host.unsupported === undefined ? [] : [host.unsupported]),
    ...notesOn(pools),
    ...notesOnVirtualRouters(derived.virtualRouters),
    ...notesOnMasks(derived.config.suppressed),
  ];
  return ok({ plan, problems: derived.problems, notes, ledger, close });
}

/** What takes everything of ours off: the same whatever was desired, and also when nothing is known but what the kernel shows. */
export async function lookToCleanUp(
  { stateDir, access }: Omit<OneShotOptions, 'config'>,
  { host, log }: OneShotPorts,
): Promise<Result<OneShot, SettingsFault>> {
  const file = path.join(stateDir, 'routerd.db');
  const opened = existsSync(file) ? openState(file, access, log) : ok(undefined);
  if (!opened.ok) return err(stateFault(opened.error, stateDir));
  const ledger = opened.value?.ledger ?? new MemoryLedger();
  const close = (): void => opened.value?.close();
  const observed = await host.observe();
  if (!observed.ok) {
    close();
    return unreadable(observed.error);
  }
  const owned = ledger.entries();
  const plan = planHost({ desired: EMPTY_HOST_STATE, observed: observed.value, owned, retainSurplus: false });
  const notes =
    opened.value === undefined
      ? [`There is no state in ${stateDir}: only what carries our mark is known; settings, addresses and devices stay.`]
      : [];
  return ok({ plan, problems: [], notes, ledger, close });
}

function unreadable({ code, detail }: HostFault): Result<never, SettingsFault> {
  return err({ code, message: `This host cannot be read: ${detail}`, remedy: 'Run as root.' });
}

/** @returns no store where there is none yet and none may be made */
function openState(file: string, access: OneShotOptions['access'], log: Log): Result<Store | undefined, StoreFault> {
  if (access === 'look' && !existsSync(file)) return ok(undefined);
  return openStore(file, { log });
}

function stateFault(fault: StoreFault, stateDir: string): SettingsFault {
  if (fault.code !== 'store.locked') return fault;
  return {
    code: 'plan.daemon-running',
    message: `A running routerd has the state in ${stateDir} open, and keeps this host as it is desired.`,
    remedy: 'Ask it with `routerctl status` and `routerctl dynamic diff`, or stop it first.',
  };
}

/** Facts decide what a pool needs here, and only a daemon has them. */
function notesOn(pools: readonly string[]): readonly string[] {
  if (pools.length === 0) return [];
  const names = pools.map((name) => `MobilityPool/${name}`).join(', ');
  return [
    `What ${names} needs follows from facts, which only the daemon has: nothing that was installed is removed here.`,
  ];
}

/** An election takes somebody who stays. */
function notesOnVirtualRouters(routers: DerivedConfig['virtualRouters']): readonly string[] {
  return routers.map(
    ({ name, address }) =>
      `VirtualAddress/${name} (${address}) is elected among routers, which the daemon takes part in: what follows its role stays closed here.`,
  );
}

function notesOnMasks(suppressed: DerivedConfig['config']['suppressed']): readonly string[] {
  return suppressed.map(
    ({ resource, maskedBy, maskedUntil, reason }) =>
      `${resource.kind}/${resource.metadata.name} is left out: masked by ${maskedBy.join(', ')} until ${formatInstant(maskedUntil)}: ${reason}`,
  );
}
