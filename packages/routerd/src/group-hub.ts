/** The hub of the group, where this machine is one: its server if that is ours to run, and the streams of the group. */
import {
  aloneSettings,
  closedToNodes,
  growthPhase,
  HubGrowth,
  isJoining,
  letNodesIn,
  ManagedHub,
  moveStoreAside,
  parseGroupName,
  provisionUntilDone,
  publishRoster,
  readSeedFile,
  signerOf,
  watchCopies,
  watchDepartures,
  type HubConfig,
  type HubSettings,
  type PublishRosterOptions,
} from '@routerd/federation';
import { err, ofKind, ok, type Resource, type ResourceOf, type Result } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import type { SettingsFault } from './node-settings.ts';

export interface GroupHub {
  /**
   * Takes over who is in the group, and the hubs, and the operator's list of them for whoever comes; what else changed needs a restart.
   * @param hubs names of all hubs by that list; where this one is not among them any more, its server is stopped
   */
  reconfigure(startup: readonly Resource[], roster?: string, hubs?: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

export interface GroupHubOptions {
  readonly startup: readonly Resource[];
  /** The operator's list of members as this machine has it: hubs that lost theirs are given it. */
  readonly roster?: string | undefined;
  /** Names of all hubs by that list; undefined where it does not count. */
  readonly hubs?: readonly string[] | undefined;
  /** For the rendered configuration of the server. */
  readonly stateDir: string;
  readonly clock: Clock;
  readonly log: Log;
}

interface HubKeys {
  readonly own: string;
  readonly operatorSeed: string;
  readonly operator: string;
}

/** @returns undefined where this machine is no hub. Does not wait for the server: nodes live without a hub, and so does this one. */
export async function startGroupHub(options: GroupHubOptions): Promise<Result<GroupHub | undefined, SettingsFault>> {
  const { startup, roster, hubs, stateDir, clock, log } = options;
  const group = groupOf(startup);
  if (group?.spec.role !== 'hub' || group.spec.hub === undefined) return ok(undefined);
  const keys = await readKeys(group.spec.identity.seedFile, group.spec.hub.operatorSeedFile);
  if (!keys.ok) return keys;
  const settings = hubSettings(startup, keys.value);
  if (!settings.ok) return settings;
  const hub = new RunningHub(keys.value, { stateDir, clock, log });
  await hub.apply(group, settings.value, { roster, hubs });
  return ok({
    async reconfigure(next, nextRoster, nextHubs) {
      const changed = groupOf(next);
      const nextSettings = hubSettings(next, keys.value);
      if (changed?.spec.hub !== undefined && nextSettings.ok)
        await hub.apply(changed, nextSettings.value, { roster: nextRoster, hubs: nextHubs });
    },
    stop: async () => hub.stop(),
  });
}

type HubPorts = Pick<GroupHubOptions, 'stateDir' | 'clock' | 'log'>;

/** The operator's list as this machine has it. */
interface KnownList {
  readonly roster?: string | undefined;
  readonly hubs?: readonly string[] | undefined;
}

/** What is to be done before the settings of the server are in force as a whole. */
interface Due {
  /** The streams of a hub alone join a cluster. */
  readonly growth?: HubGrowth;
  /** The hub joins others, and nodes are let in by these settings when it has what they have. */
  readonly open?: HubSettings;
}

/** The server, where it is ours to run, and what is done to bring it and the streams to where they should be. */
class RunningHub {
  readonly #keys: HubKeys;
  readonly #ports: HubPorts;
  #server: ManagedHub | undefined;
  /** One change after the other. */
  #turn: Promise<void> = Promise.resolve();
  #work: { readonly stop: () => Promise<void> } | undefined;

  constructor(keys: HubKeys, ports: HubPorts) {
    this.#keys = keys;
    this.#ports = ports;
  }

  /** Resolves when the server is told; the streams follow. @param settings undefined when the server is not ours to run */
  async apply(group: ResourceOf<'EventGroup'>, settings: HubSettings | undefined, list: KnownList): Promise<void> {
    const turn = this.#turn.then(async () => this.#apply(group, settings, list));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #apply(group: ResourceOf<'EventGroup'>, settings: HubSettings | undefined, list: KnownList): Promise<void> {
    await this.#work?.stop();
    this.#work = undefined;
    const { nodeName } = group.spec;
    if (list.hubs !== undefined && !list.hubs.includes(nodeName)) {
      await this.#leave(settings, nodeName);
      return;
    }
    const due = settings === undefined ? {} : await this.#serve(group, settings);
    const stopping = new AbortController();
    const done = this.#settle(group, { ...due, ...list, settings }, stopping.signal);
    this.#work = {
      stop: async () => {
        stopping.abort();
        await done;
      },
    };
  }

  /** The others go on without it. Its store is kept aside: if it is ever one of them again, it comes with an empty one, as every newcomer. */
  async #leave(settings: HubSettings | undefined, nodeName: string): Promise<void> {
    const { log } = this.#ports;
    await this.#server?.stop();
    this.#server = undefined;
    log.warn('the operator took this hub out of the group: it serves nobody', { event: 'hub.left', hub: nodeName });
    if (settings === undefined) return;
    try {
      await moveStoreAside(settings.storeDir, 'left');
    } catch (cause) {
      const event = 'hub.store.not-moved';
      log.error('the streams of a hub that has left stay where they are', { event, cause: String(cause) });
    }
  }

  async stop(): Promise<void> {
    await this.#work?.stop();
    await this.#server?.stop();
  }

  async #serve(group: ResourceOf<'EventGroup'>, settings: HubSettings): Promise<Due> {
    const { stateDir, clock, log } = this.#ports;
    const phase = await growthPhase(stateDir, settings);
    if (phase === 'none') {
      const joins = await isJoining(stateDir, settings);
      await this.#configure(joins ? closedToNodes(settings) : settings);
      return joins ? { open: settings } : {};
    }
    const growth = new HubGrowth({
      ...waysOf(group),
      seed: this.#keys.operatorSeed,
      replicas: group.spec.hub?.replicas ?? 1,
      settings,
      stateDir,
      hub: { configure: async (next, whileDown) => this.#configure(next, whileDown) },
      clock,
      log,
    });
    if (phase === 'due') await this.#configure(aloneSettings(settings));
    else await this.#configure(growth.closedSettings(), async () => growth.moveAside());
    return { growth };
  }

  async #configure(settings: HubSettings, whileDown?: () => Promise<void>): Promise<boolean> {
    if (this.#server !== undefined) return this.#server.configure(settings, whileDown);
    await whileDown?.();
    this.#server = new ManagedHub({ ...this.#ports, settings });
    this.#server.start();
    return true;
  }

  async #settle(
    group: ResourceOf<'EventGroup'>,
    { growth, open, roster, hubs, settings }: Due & KnownList & { readonly settings: HubSettings | undefined },
    signal: AbortSignal,
  ): Promise<void> {
    const name = parseGroupName(group.metadata.name);
    if (!name.ok || (growth !== undefined && !(await growth.run(signal)))) return;
    const { clock, log } = this.#ports;
    const { hub, retention, nodeName } = group.spec;
    const streams = { group: name.value, seed: this.#keys.operatorSeed, replicas: hub?.replicas ?? 1, retention };
    if (!(await provisionUntilDone({ ...waysOf(group), ...streams, clock, log }, signal))) return;
    if (open !== undefined && this.#server !== undefined)
      await letNodesIn({ ...this.#ports, ...waysOf(group), ...streams, hub: this.#server, settings: open }, signal);
    await this.#tellRoster({ ...waysOf(group), ...streams }, group.spec.rosterKey, roster);
    if (this.#server === undefined || settings?.cluster === undefined) return;
    const watched = { self: nodeName, hub: this.#server, clock, log };
    const departing = { ...this.#ports, ...watched, settings, listed: hubs ?? [] };
    await Promise.all([
      watchCopies({ ...waysOf(group), ...streams, ...watched }, signal),
      ...(hubs === undefined ? [] : [watchDepartures(departing, signal)]),
    ]);
  }

  async #tellRoster(
    hubs: Omit<PublishRosterOptions, 'text' | 'rosterKey'>,
    rosterKey: string | undefined,
    text: string | undefined,
  ): Promise<void> {
    if (text === undefined || rosterKey === undefined) return;
    const told = await publishRoster({ ...hubs, text, rosterKey });
    if (told.ok) return;
    const event = 'hub.roster.not-published';
    this.#ports.log.warn('the hubs may lack the list of members', { event, ...told.error });
  }
}

function waysOf({ spec: { servers, tls } }: ResourceOf<'EventGroup'>): HubConfig {
  return { servers, ...(tls === undefined ? {} : { caFile: tls.caFile }) };
}

function groupOf(startup: readonly Resource[]): ResourceOf<'EventGroup'> | undefined {
  return ofKind(startup, 'EventGroup')[0];
}

async function readKeys(seedFile: string, operatorSeedFile: string): Promise<Result<HubKeys, SettingsFault>> {
  const publicKeys: string[] = [];
  const seeds: string[] = [];
  for (const file of [seedFile, operatorSeedFile]) {
    const seed = await readSeedFile(file);
    const signer = seed.ok ? signerOf(seed.value) : seed;
    if (!seed.ok || !signer.ok) {
      const detail = seed.ok ? 'not a seed' : seed.error.detail;
      const code = seed.ok ? 'identity.seed-malformed' : seed.error.code;
      return err({ code, message: detail, remedy: `Check the EventGroup: ${file}.` });
    }
    seeds.push(seed.value);
    publicKeys.push(signer.value.publicKey);
  }
  const [own = '', operator = ''] = publicKeys;
  return ok({ own, operator, operatorSeed: seeds[1] ?? '' });
}

/** @returns undefined when the server is not ours to run */
function hubSettings(startup: readonly Resource[], keys: HubKeys): Result<HubSettings | undefined, SettingsFault> {
  const group = groupOf(startup);
  const name = parseGroupName(group?.metadata.name ?? '');
  if (group === undefined || !name.ok)
    return err({ code: 'group.malformed', message: 'The EventGroup has no usable name.' });
  const { nodeName, server, listen, hub, tls } = group.spec;
  if (server !== 'managed' || listen === undefined || hub === undefined) return ok(undefined);
  const peers = ofKind(startup, 'EventPeer').filter(({ spec }) => spec.groupRef === group.metadata.name);
  const next = peers.flatMap(({ spec }) =>
    spec.nextPublicKey === undefined ? [] : [[spec.nodeName, spec.nextPublicKey] as const],
  );
  return ok({
    group: name.value,
    serverName: nodeName,
    listen: { host: listen.address, port: listen.port },
    storeDir: hub.storeDir,
    ...(hub.tls === undefined ? {} : { tls: { ...hub.tls, ...(tls === undefined ? {} : { caFile: tls.caFile }) } }),
    ...(hub.cluster === undefined
      ? {}
      : {
          cluster: {
            listen: { host: hub.cluster.listen.address, port: hub.cluster.listen.port },
            routes: hub.cluster.routes,
          },
        }),
    operator: keys.operator,
    nodes: new Map([[nodeName, keys.own], ...peers.map(({ spec }) => [spec.nodeName, spec.publicKey] as const)]),
    nextKeys: new Map(next),
  });
}
