/**
 * A hub that joins others with nothing on its disk serves no node until it has what they have: a node that reads the log of captures before it
 * is whole takes what is missing for lost. The operator's key is let in, since the others look whether this one answers.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import type { Monotonic } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import type { HubConfig } from '../../federation-config.ts';
import { captureStream, eventsStream, factsStream } from '../../subjects.ts';
import { connectHub, type HubConnection } from '../nats/connect-hub.ts';
import { find, OPERATOR } from '../nats/provision-group.ts';
import { exists } from './hub-growth.ts';
import type { HubSettings, ManagedHub } from './managed-hub.ts';

const LOOK_AGAIN_MS = 200;
/** Readers find out themselves what a copy lacks, so a hub that still says so is of more use open. */
const PATIENCE_MS = 120_000;

/**
 * Whether the store is new among others, or was when the hub last started and it never got so far as to be told open. Says so to the next start.
 * @param stateDir ours alone
 */
export async function isJoining(
  stateDir: string,
  { cluster, storeDir }: Pick<HubSettings, 'cluster' | 'storeDir'>,
): Promise<boolean> {
  if (cluster === undefined) return false;
  if (await exists(markOf(stateDir))) return true;
  if (await exists(path.join(storeDir, 'jetstream'))) return false;
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  await writeFile(markOf(stateDir), '', { mode: 0o600 });
  return true;
}

/** What it serves with until it has joined. */
export function closedToNodes(settings: HubSettings): HubSettings {
  return { ...settings, nodes: new Map(), nextKeys: new Map() };
}

export interface HubJoiningOptions extends HubConfig {
  readonly hub: Pick<ManagedHub, 'configure' | 'isCurrent'>;
  /** What is to be in force in the end, with the nodes. */
  readonly settings: HubSettings;
  readonly stateDir: string;
  /** NKey seed of the operator's user. Secret. */
  readonly seed: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Lets the nodes in when the cluster has the streams and this server all that it keeps of them; changes nothing when `signal` aborts. */
export async function letNodesIn(options: HubJoiningOptions, signal: AbortSignal): Promise<void> {
  const { hub, settings, stateDir, clock, log } = options;
  const until = clock.monotonic() + PATIENCE_MS;
  const isReady = async (): Promise<boolean> => (await isClusterWhole(options)) && hub.isCurrent();
  let ready = await isReady();
  while (!ready && !signal.aborted && clock.monotonic() < until) {
    await clock.sleepUntil((clock.monotonic() + LOOK_AGAIN_MS) as Monotonic, signal);
    ready = await isReady();
  }
  if (signal.aborted) return;
  // What is wrong was logged; the mark stays, so that the next start tries again.
  if (!(await hub.configure(settings))) return;
  await rm(markOf(stateDir), { force: true });
  if (ready) log.info('the hub has what the others have, and serves nodes', { event: 'hub.joined' });
  else log.error('the hub serves nodes without what the others have', { event: 'hub.joined-behind' });
}

/**
 * Every hub that answers is in the cluster, and sees the streams there. One that refuses the operator's key is just carrying its streams into the
 * cluster; one that is dead is not waited for.
 */
async function isClusterWhole(options: HubJoiningOptions): Promise<boolean> {
  const asked = await Promise.all(
    options.servers.map(async (server) => connectHub({ ...options, servers: [server], ...OPERATOR })),
  );
  const isRefused = asked.some((each) => !each.ok && each.error.code === 'hub.identity-refused');
  const answers = await Promise.all(
    asked.map(async (each) => (each.ok ? seesStreams(each.value, options) : undefined)),
  );
  const told = answers.filter((answer) => answer !== undefined);
  return !isRefused && told.length > 0 && told.every(Boolean);
}

/** Closes the connection. */
async function seesStreams(
  { connection }: HubConnection,
  { settings: { group } }: HubJoiningOptions,
): Promise<boolean> {
  try {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    for (const stream of [factsStream(group), captureStream(group), eventsStream(group)]) {
      if ((await find(manager, stream))?.cluster?.leader === undefined) return false;
    }
    return true;
  } catch {
    return false;
  } finally {
    await connection.close();
  }
}

function markOf(stateDir: string): string {
  return path.join(stateDir, 'joining');
}
