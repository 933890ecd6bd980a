/** One life of a nats-server: started, watched for health, stopped. Nothing of it outlives this process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, statfs } from 'node:fs/promises';
import { get } from 'node:http';
import path from 'node:path';
import type { Monotonic } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import { z } from 'zod';
import type { ClusterPeer } from './cluster-judgement.ts';
import type { StreamCopy } from './copy-judgement.ts';
import { LineSplitter, parseServerLine } from './server-log.ts';

/** How long an orderly stop may take: streams are synced, and leadership is handed on. */
const STOP_MS_MAX = 10_000;
/** With less than a block of messages free, the next may not be kept. */
const FREE_BYTES_MIN = 1_000_000;
export const NO_ROOM = 'no room for the streams';

export interface ServerProcessOptions {
  readonly program: string;
  readonly configFile: string;
  /** As in the configuration: there the server names its monitoring port. */
  readonly portsDir: string;
  /** Of its streams. */
  readonly storeDir: string;
  readonly clock: Clock;
  readonly log: Log;
}

const streamDetail = z.object({ name: z.string(), state: z.object({ last_seq: z.number() }) });
/** Of what the server says of itself at `/jsz`; what is empty it leaves out. */
const accountStreams = z.object({
  account_details: z.array(z.object({ stream_detail: z.array(streamDetail).default([]) })).default([]),
});

/** Of the same; only the hub that leads the cluster tells of the others. `active`: nanoseconds since it was last heard. */
const clusterPeers = z.object({
  meta_cluster: z.object({
    replicas: z
      .array(
        z.object({
          name: z.string(),
          peer: z.string(),
          current: z.boolean(),
          offline: z.boolean().default(false),
          active: z.number(),
        }),
      )
      .default([]),
  }),
});

/** `silent`: no answer, so it stands still or is not up yet. `unhealthy`: it says itself that it cannot keep streams. */
export type ServerHealth =
  | { readonly kind: 'healthy' }
  | { readonly kind: 'unhealthy' | 'silent'; readonly detail: string };

/**
 * The server is asked itself. `js-enabled-only`: whether it keeps streams, which it gives up for good when its disk was full; not whether it has
 * found the other hubs, since starting it again would not bring them.
 */
export class ServerProcess {
  readonly #options: ServerProcessOptions;
  readonly #child: ChildProcess;
  /** Resolves with the reason, when the process is gone. */
  readonly exited: Promise<string>;
  #monitor: string | undefined;
  #lastComplaint = '';

  constructor(options: ServerProcessOptions) {
    this.#options = options;
    const { program, configFile } = options;
    // The kernel stops the server when this process dies, however it dies: a second one could not listen.
    this.#child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', program, '-c', configFile], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    });
    const lines = new LineSplitter((line) => this.#say(line));
    this.#child.stderr?.setEncoding('utf8');
    this.#child.stderr?.on('data', (piece: string) => lines.push(piece));
    this.exited = new Promise((resolve) => {
      this.#child.once('error', (cause) => resolve(`${program} was not started: ${cause.message}`));
      this.#child.once('close', (code, signal) => {
        lines.end();
        const complaint = this.#lastComplaint === '' ? '' : `: ${this.#lastComplaint}`;
        resolve(`${program} ended (${signal ?? `exit code ${code ?? 'unknown'}`})${complaint}`);
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  async health(timeoutMs: number): Promise<ServerHealth> {
    try {
      const { status, body } = await this.#ask('/healthz?js-enabled-only=true', timeoutMs);
      if (status !== 200) return { kind: 'unhealthy', detail: body.slice(0, 200) };
      // 2.9.10 does not always notice that what it wrote was not kept, and then neither says so nor recovers from it.
      return (await hasRoom(this.#options.storeDir)) ? { kind: 'healthy' } : { kind: 'unhealthy', detail: NO_ROOM };
    } catch (cause) {
      return { kind: 'silent', detail: cause instanceof Error ? cause.message : String(cause) };
    }
  }

  /** Whether the server has found the others, and its copies of all streams that it keeps are as the others' are. */
  async isCurrent(timeoutMs: number): Promise<boolean> {
    try {
      return (await this.#ask('/healthz', timeoutMs)).status === 200;
    } catch {
      return false;
    }
  }

  /** Its own copy of each stream, by the stream's name; undefined when it does not say. */
  async copies(timeoutMs: number): Promise<ReadonlyMap<string, StreamCopy> | undefined> {
    try {
      const { body } = await this.#ask('/jsz?streams=true', timeoutMs);
      const { account_details: accounts } = accountStreams.parse(JSON.parse(body));
      const streams = accounts.flatMap(({ stream_detail: details }) => details);
      return new Map(streams.map(({ name, state }) => [name, { lastSequence: state.last_seq }]));
    } catch {
      return undefined;
    }
  }

  /** The other hubs of the cluster, if this one leads it; none otherwise. */
  async peers(timeoutMs: number): Promise<readonly ClusterPeer[]> {
    try {
      const { body } = await this.#ask('/jsz', timeoutMs);
      const { replicas } = clusterPeers.parse(JSON.parse(body)).meta_cluster;
      return replicas.map(({ name, peer, current, offline, active }) => ({
        name,
        id: peer,
        isCurrent: current && !offline,
        silentMs: offline ? Number.POSITIVE_INFINITY : active / 1_000_000,
      }));
    } catch {
      return [];
    }
  }

  async #ask(pathAndQuery: string, timeoutMs: number): ReturnType<typeof ask> {
    this.#monitor ??= await this.#findMonitor();
    return ask(`${this.#monitor}${pathAndQuery}`, timeoutMs);
  }

  /** Asks the server to read its configuration again; connections stay. */
  reload(): void {
    this.#child.kill('SIGHUP');
  }

  async stop(): Promise<void> {
    const { clock } = this.#options;
    this.#child.kill('SIGTERM');
    const gone = new AbortController();
    const late = clock.sleepUntil((clock.monotonic() + STOP_MS_MAX) as Monotonic, gone.signal).then(() => {
      if (!gone.signal.aborted) this.kill();
    });
    await this.exited;
    gone.abort();
    await late;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** `nats-server_PID.ports` appears when the server listens. */
  async #findMonitor(): Promise<string> {
    const { portsDir, program } = this.#options;
    const file = path.join(portsDir, `${path.basename(program)}_${this.#child.pid ?? 0}.ports`);
    const text = await readFile(file, 'utf8');
    const found = /"monitoring":\["(http:\/\/127\.0\.0\.1:\d+)"\]/.exec(text)?.[1];
    if (found === undefined) throw new Error(`${file} names no monitoring port`);
    return found;
  }

  #say(line: string): void {
    const { level, text } = parseServerLine(line);
    if (level === 'error') this.#lastComplaint = text;
    this.#options.log[level]('the hub server says', { event: 'hub.server.said', text });
  }
}

/** Whether a server that keeps its streams in this folder can be healthy; throws where there is no such folder. */
export async function hasRoom(folder: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize >= FREE_BYTES_MIN;
}

async function ask(url: string, timeoutMs: number): Promise<{ readonly status: number; readonly body: string }> {
  const request = get(url, { signal: AbortSignal.timeout(timeoutMs), agent: false });
  const [response] = await once(request, 'response');
  let body = '';
  for await (const piece of response) body += String(piece);
  return { status: response.statusCode, body };
}
