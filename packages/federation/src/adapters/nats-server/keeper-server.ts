/** A server without streams that joins the hubs for a second and asks them, as the system's account, to count a hub no more. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Monotonic } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import { z } from 'zod';
import { generateNodeIdentity } from '../../node-identity.ts';
import { connectHub, describe, type HubConnection } from '../nats/connect-hub.ts';
import { renderKeeperConfig } from '../nats/hub-config.ts';
import type { HubSettings } from './managed-hub.ts';
import { ServerProcess } from './server-process.ts';

const LOOK_AGAIN_MS = 100;
/** To start, and to find the hub that leads. */
const PATIENCE_MS = 15_000;
const ANSWER_MS_MAX = 2000;
const KEEPER = { name: 'routerd keeper', inboxPrefix: '_INBOX_KEEPER' } as const;

export interface KeeperOptions {
  /** Of this machine's hub. */
  readonly settings: Pick<HubSettings, 'group' | 'serverName' | 'tls' | 'cluster'>;
  /** Ours alone. */
  readonly stateDir: string;
  /** `nats-server` on the PATH unless told. */
  readonly program?: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** @param id of the hub, as the cluster counts it. @returns why it is still counted; undefined when it is not */
export async function askAsKeeper(options: KeeperOptions, id: string): Promise<string | undefined> {
  const { settings, stateDir, program = 'nats-server', clock, log } = options;
  const folder = path.join(stateDir, 'keeper');
  const configFile = path.join(folder, 'nats.conf');
  const identity = generateNodeIdentity();
  const { group, serverName, tls, cluster } = settings;
  if (cluster === undefined) return 'this hub is in no cluster';
  // To itself too: it may be the one that leads.
  const { host, port } = cluster.listen;
  const routes = [`${tls === undefined ? 'nats' : 'tls'}://${host}:${port}`, ...cluster.routes];
  let server: ServerProcess | undefined;
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const named = { group, serverName: `${serverName}-keeper`, ...(tls === undefined ? {} : { tls }) };
    const text = renderKeeperConfig({ ...named, routes, keeper: identity.publicKey, portsDir: folder });
    await writeFile(configFile, text, { mode: 0o600 });
    server = new ServerProcess({ program, configFile, portsDir: folder, storeDir: folder, clock, log });
    return await askUntilAnswered(options, id, identity.seed, path.join(folder, portsFile(program, server.pid)));
  } catch (cause) {
    return describe(cause);
  } finally {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Where the server names its ports when it listens. */
function portsFile(program: string, pid: number | undefined): string {
  return `${path.basename(program)}_${pid ?? 0}.ports`;
}

const ports = z.object({ nats: z.array(z.string()).min(1) });
const answerForm = z.object({
  success: z.boolean().default(false),
  error: z.object({ description: z.string() }).optional(),
});

async function askUntilAnswered(
  { clock }: KeeperOptions,
  id: string,
  seed: string,
  file: string,
): Promise<string | undefined> {
  const until = clock.monotonic() + PATIENCE_MS;
  for (;;) {
    const why = await askOnce(id, seed, file);
    if (why === undefined || clock.monotonic() >= until) return why;
    await clock.sleepUntil((clock.monotonic() + LOOK_AGAIN_MS) as Monotonic, new AbortController().signal);
  }
}

async function askOnce(id: string, seed: string, file: string): Promise<string | undefined> {
  let connected: HubConnection | undefined;
  try {
    const { nats } = ports.parse(JSON.parse(await readFile(file, 'utf8')));
    const made = await connectHub({ servers: nats, seed, ...KEEPER });
    if (!made.ok) return made.error.detail;
    connected = made.value;
    // By its id: the name of one that was not heard since the leader was started is forgotten.
    const request = JSON.stringify({ peer_id: id });
    const options = { timeout: ANSWER_MS_MAX };
    const told = await connected.connection.request('$JS.API.SERVER.REMOVE', request, options);
    const { success, error } = answerForm.parse(told.json());
    return success ? undefined : (error?.description ?? 'refused');
  } catch (cause) {
    return describe(cause);
  } finally {
    await connected?.connection.close();
  }
}
