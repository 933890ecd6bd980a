/**
 * A hub that stood alone becomes one of a cluster, with its streams. A server does not take the store of its lonely life into a cluster, so
 * what it holds is carried over: hold the nodes off, back up, start again as one of the cluster, restore, let the nodes in.
 *
 * 1. Nothing begins before every other hub answers: as long as one is missing, this one serves as before.
 * 2. From the first step to the last no node is served here, and nobody can make the streams anew: only a key of this process is let in.
 * 3. The old store is moved aside and kept, and a process that dies in between goes on where it was.
 */
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { jetstreamManager, type StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { err, ok, type Monotonic, type Result } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import type { HubConfig } from '../../federation-config.ts';
import { generateNodeIdentity } from '../../node-identity.ts';
import { captureStream, eventsStream, factsStream, rosterStream } from '../../subjects.ts';
import { writeFileAtomically } from '../file/atomic-file.ts';
import { connectHub, describe, type HubConnection, type HubFault } from '../nats/connect-hub.ts';
import { find, OPERATOR } from '../nats/provision-group.ts';
import { backUpStream, restoreStream, streamDescription, type StreamDescription } from '../nats/stream-backup.ts';
import type { HubSettings, ManagedHub } from './managed-hub.ts';

const RETRY_MS = 200;
/** A person may have to start the other hub. */
const RETRY_OTHERS_MS = 2000;

export interface HubGrowthOptions extends HubConfig {
  readonly hub: Pick<ManagedHub, 'configure'>;
  /** What is to be in force in the end, with the cluster. */
  readonly settings: HubSettings;
  /** Ours alone; holds the backups while they are needed. */
  readonly stateDir: string;
  /** NKey seed of the operator's user. Secret. */
  readonly seed: string;
  readonly replicas: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** `due`: the store is that of a hub alone, and the settings name a cluster. `begun`: the backups are there. */
export type GrowthPhase = 'none' | 'due' | 'begun';

export async function growthPhase(
  stateDir: string,
  settings: Pick<HubSettings, 'storeDir' | 'cluster'>,
): Promise<GrowthPhase> {
  if (settings.cluster === undefined) return 'none';
  if (await exists(manifestFile(stateDir))) return 'begun';
  return (await isStoreOfOneAlone(settings)) ? 'due' : 'none';
}

async function isStoreOfOneAlone({ storeDir }: Pick<HubSettings, 'storeDir'>): Promise<boolean> {
  // Where nats-server (2.9 to 2.15) keeps streams, and what a cluster decides about them.
  const [streams, decisions] = ['$G/streams', '$SYS/_js_/_meta_'].map((each) => path.join(storeDir, 'jetstream', each));
  return (await exists(streams ?? '')) && !(await exists(decisions ?? ''));
}

/** Keeps the store as `<storeDir>.<what>`, in the place of one that was kept so before. Only while no server runs on it. Nothing where there is none. */
export async function moveStoreAside(storeDir: string, what: 'alone' | 'left'): Promise<void> {
  if (!(await exists(storeDir))) return;
  await rm(`${storeDir}.${what}`, { recursive: true, force: true });
  await rename(storeDir, `${storeDir}.${what}`);
}

/** What a hub serves with until it grows. */
export function aloneSettings(settings: HubSettings): HubSettings {
  const { cluster: _, ...alone } = settings;
  return alone;
}

/** `created` is what it was where the stream was restored, and the time of that at the cluster's other servers, one of which may come to lead it. */
type SavedStream = StreamDescription & { readonly created: string };

interface Manifest {
  readonly streams: readonly SavedStream[];
}

const manifestForm = z.object({ streams: z.array(streamDescription.extend({ created: z.string() })) });

export class HubGrowth {
  readonly #options: HubGrowthOptions;
  /** Only who has this key is let in meanwhile. */
  readonly #door = generateNodeIdentity();

  constructor(options: HubGrowthOptions) {
    this.#options = options;
  }

  /** What the hub serves with from the backup to the end: nobody but this process. */
  closedSettings(): HubSettings {
    return this.#closed(this.#options.settings);
  }

  /** The store of a hub alone makes room for that of one in a cluster. Only while the server is down. Safe to repeat. */
  async moveAside(): Promise<void> {
    const { settings } = this.#options;
    if (!(await isStoreOfOneAlone(settings))) return;
    await moveStoreAside(settings.storeDir, 'alone');
  }

  /** @returns whether it was done before `signal` aborted */
  async run(signal: AbortSignal): Promise<boolean> {
    const { hub, settings, stateDir, clock, log } = this.#options;
    let manifest = await this.#manifest();
    while (manifest === undefined) {
      if (await exists(manifestFile(stateDir))) {
        log.error('the backups cannot be told apart; the hub does not grow', { event: 'hub.growth.failed' });
        return false;
      }
      if (!(await this.#untilOthersAnswer(signal))) return false;
      const began = clock.monotonic();
      log.info('the hub joins others: nodes wait until its streams are there', { event: 'hub.growth.began' });
      const saved = await this.#save(signal);
      if (saved.ok) {
        manifest = saved.value;
        await hub.configure(this.closedSettings(), async () => this.moveAside());
        log.info('the streams are backed up', { event: 'hub.growth.saved', milliseconds: clock.monotonic() - began });
        continue;
      }
      if (signal.aborted) return false;
      log.error('the streams were not backed up; the hub stays alone', { event: 'hub.growth.failed', ...saved.error });
      await hub.configure(aloneSettings(settings));
      await this.#pause(RETRY_OTHERS_MS, signal);
    }
    if (!(await this.#untilRestored(manifest, signal))) return false;
    await hub.configure(settings);
    await rm(growthFolder(stateDir), { recursive: true, force: true });
    log.info('the hub is one of a cluster, with its streams', { event: 'hub.growth.done' });
    return true;
  }

  async #untilOthersAnswer(signal: AbortSignal): Promise<boolean> {
    const { servers, log } = this.#options;
    let said = '';
    while (!signal.aborted) {
      const asked = await Promise.all(
        servers.map(async (server) => connectHub({ ...this.#options, servers: [server], ...OPERATOR })),
      );
      const obstacles = await Promise.all(
        asked.map(async (each) => (each.ok ? this.#obstacleAt(each.value) : each.error.detail)),
      );
      const missing = obstacles.filter((obstacle) => obstacle !== undefined).join('; ');
      if (missing === '') return true;
      const event = 'hub.growth.waiting';
      if (missing !== said) log.warn('the hub stays alone until the others answer', { event, detail: missing });
      said = missing;
      await this.#pause(RETRY_OTHERS_MS, signal);
    }
    return false;
  }

  /** A hub of another life of the group brings streams that are not this group's present. Closes the connection. */
  async #obstacleAt({ connection, server }: HubConnection): Promise<string | undefined> {
    try {
      const manager = await jetstreamManager(connection, { checkAPI: false });
      // Hubs that have no leader yet do not answer; what they hold is told apart when the streams are restored.
      const found = await find(manager, factsStream(this.#options.settings.group)).catch(() => undefined);
      return found?.cluster === undefined
        ? undefined
        : `${server} is in a cluster that has streams of the group already: empty the stores of the hubs that join`;
    } finally {
      await connection.close();
    }
  }

  /** Nobody writes from the first line on. Fails as a whole. */
  async #save(signal: AbortSignal): Promise<Result<Manifest, HubFault>> {
    const { hub, settings, stateDir } = this.#options;
    const closed = await hub.configure(this.#closed(aloneSettings(settings)));
    if (!closed) return err({ code: 'hub.failed', detail: 'the server did not take the settings' });
    const connection = await this.#connect(signal);
    if (connection === undefined) return err({ code: 'hub.unreachable', detail: 'the hub is stopped' });
    const saved = await this.#backUp(connection);
    await connection.close();
    if (!saved.ok) return saved;
    try {
      await writeFileAtomically(manifestFile(stateDir), JSON.stringify(saved.value), 0o600);
      return saved;
    } catch (cause) {
      return err({ code: 'hub.failed', detail: describe(cause) });
    }
  }

  async #backUp(connection: NatsConnection): Promise<Result<Manifest, HubFault>> {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    const streams: SavedStream[] = [];
    try {
      await mkdir(growthFolder(this.#options.stateDir), { recursive: true, mode: 0o700 });
      for (const name of this.#streams()) {
        // A hub that an earlier release set up has no list of members.
        if ((await find(manager, name)) === undefined) continue;
        const saved = await backUpStream(connection, name, this.#backupFile(name));
        if (!saved.ok) return saved;
        // What a node had sent just before it was cut off may have come while the backup was made.
        const { state, created } = await manager.streams.info(name);
        if (state.last_seq !== saved.value.state.last_seq) {
          return err({ code: 'hub.failed', detail: `${name} grew meanwhile` });
        }
        streams.push({ ...saved.value, created });
      }
      return ok({ streams });
    } catch (cause) {
      return err({ code: 'hub.failed', detail: describe(cause) });
    }
  }

  async #restore(connection: NatsConnection, { streams }: Manifest): Promise<Result<void, HubFault>> {
    try {
      for (const stream of streams) {
        const restored = await this.#restoreOne(connection, stream);
        if (!restored.ok) return restored;
      }
      return ok(undefined);
    } catch (cause) {
      return err({ code: 'hub.failed', detail: describe(cause) });
    }
  }

  async #restoreOne(connection: NatsConnection, stream: SavedStream): Promise<Result<void, HubFault>> {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    const { name } = stream.config;
    const there = await find(manager, name);
    if (there === undefined) {
      const restored = await restoreStream(connection, stream, this.#options.replicas, this.#backupFile(name));
      if (!restored.ok) return restored;
    } else if (there.cluster?.leader === undefined) {
      return err({ code: 'hub.failed', detail: `${name} is not in the cluster yet` });
    } else if (!isRestored(there, stream)) {
      const detail = `the cluster has another ${name} already: empty the stores of the hubs that join, and start them again`;
      return err({ code: 'hub.failed', detail });
    }
    // A hub that led it and died now would leave the others without.
    const { cluster, config } = await manager.streams.info(name);
    const current = 1 + (cluster?.replicas ?? []).filter((replica) => replica.current).length;
    if (current * 2 <= config.num_replicas) {
      return err({ code: 'hub.failed', detail: `${current} of ${config.num_replicas} hubs have ${name}` });
    }
    return ok(undefined);
  }

  async #untilRestored(manifest: Manifest, signal: AbortSignal): Promise<boolean> {
    let said = '';
    for (;;) {
      const connection = await this.#connect(signal);
      if (connection === undefined) return false;
      const done = await this.#restore(connection, manifest);
      await connection.close();
      if (done.ok) return true;
      const { detail } = done.error;
      // Hubs that are still finding each other answer so.
      if (detail !== said)
        this.#options.log.info('the streams are not there yet', { event: 'hub.growth.retried', detail });
      said = detail;
      await this.#pause(RETRY_MS, signal);
    }
  }

  /** To this hub: no other lets the key in. Tries until it succeeds or `signal` aborts. */
  async #connect(signal: AbortSignal): Promise<NatsConnection | undefined> {
    while (!signal.aborted) {
      const connected = await connectHub({ ...this.#options, seed: this.#door.seed, ...OPERATOR });
      if (connected.ok) return connected.value.connection;
      await this.#pause(RETRY_MS, signal);
    }
    return undefined;
  }

  #closed(settings: HubSettings): HubSettings {
    return { ...settings, operator: this.#door.publicKey, nodes: new Map(), nextKeys: new Map() };
  }

  async #manifest(): Promise<Manifest | undefined> {
    try {
      const parsed = manifestForm.safeParse(JSON.parse(await readFile(manifestFile(this.#options.stateDir), 'utf8')));
      return parsed.success ? parsed.data : undefined;
    } catch {
      return undefined;
    }
  }

  #streams(): readonly string[] {
    const { group } = this.#options.settings;
    return [factsStream(group), captureStream(group), eventsStream(group), rosterStream(group)];
  }

  #backupFile(stream: string): string {
    return path.join(growthFolder(this.#options.stateDir), `${stream}.backup`);
  }

  async #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    await clock.sleepUntil((clock.monotonic() + milliseconds) as Monotonic, signal);
  }
}

/** Nobody writes before the hubs let nodes in, so a stream that was restored holds to the message what was saved. */
function isRestored({ created, state }: StreamInfo, saved: SavedStream): boolean {
  if (created === saved.created) return true;
  return state.messages === saved.state.messages && state.last_seq === saved.state.last_seq;
}

function growthFolder(stateDir: string): string {
  return path.join(stateDir, 'growth');
}

/** Its presence says that the backups are whole. */
function manifestFile(stateDir: string): string {
  return path.join(growthFolder(stateDir), 'manifest.json');
}

export async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
