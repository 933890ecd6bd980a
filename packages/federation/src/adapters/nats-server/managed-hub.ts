/** A hub that routerd runs: configured, started, watched, started again when it fails, and stopped with us. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { durationMs, type DurationMs, type Instant, type Monotonic } from '@routerd/resources';
import { runCommand, type Clock, type Log } from '@routerd/runtime';
import { Listeners } from '../../listeners.ts';
import { renderHubConfig, type HubConfigOptions } from '../nats/hub-config.ts';
import type { ClusterPeer } from './cluster-judgement.ts';
import type { StreamCopy } from './copy-judgement.ts';
import { HealthWatch } from './health-watch.ts';
import { fileIdentity } from './file-identity.ts';
import { endLeftovers } from './leftover-servers.ts';
import { hasRoom, NO_ROOM, ServerProcess } from './server-process.ts';

export type HubSettings = Omit<HubConfigOptions, 'portsDir' | 'pidFile' | 'logFile'>;

export interface ManagedHubOptions {
  /** Ours alone; made 0700. Holds the rendered configuration, not the streams. */
  readonly stateDir: string;
  readonly settings: HubSettings;
  /** `nats-server` on the PATH unless told. */
  readonly program?: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly times?: Partial<HubTimes>;
}

export interface HubTimes {
  readonly probeInterval: DurationMs;
  /** A server that does not answer in this time, three times in a row, is killed. */
  readonly probeTimeout: DurationMs;
  readonly restartFirst: DurationMs;
  readonly restartMax: DurationMs;
  /** A server that was healthy for this long is restarted without delay when it fails. */
  readonly settledAfter: DurationMs;
}

const TIMES: HubTimes = {
  probeInterval: durationMs(1000),
  probeTimeout: durationMs(2000),
  restartFirst: durationMs(100),
  restartMax: durationMs(10_000),
  settledAfter: durationMs(30_000),
};

export interface HubState {
  /** `waiting`: it failed, and is started again after a pause. */
  readonly phase: 'stopped' | 'starting' | 'healthy' | 'unhealthy' | 'waiting';
  readonly pid: number | undefined;
  readonly since: Instant;
  /** How often it was started again. */
  readonly restarts: number;
  readonly lastError: string | undefined;
}

interface StartedFrom {
  readonly program: string;
  /** What a running server does not take over. */
  readonly fixed: string;
}

export class ManagedHub {
  readonly #options: ManagedHubOptions;
  readonly #times: HubTimes;
  readonly #listeners = new Listeners<HubState>();
  readonly #stopping = new AbortController();
  #settings: HubSettings;
  #written = '';
  #process: ServerProcess | undefined;
  #running: Promise<void> | undefined;
  #changing: Promise<void> = Promise.resolve();
  #reloadDue = false;
  /** What the running server was started from. */
  #startedFrom: StartedFrom = { program: '', fixed: '' };
  /** Set while the server is stopped on purpose: done before it is started again. */
  #whileDown: (() => Promise<void>) | undefined;
  #state: HubState;

  constructor(options: ManagedHubOptions) {
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
    this.#settings = options.settings;
    const since = options.clock.now();
    this.#state = { phase: 'stopped', pid: undefined, since, restarts: 0, lastError: undefined };
  }

  state(): HubState {
    return this.#state;
  }

  onState(listener: (state: HubState) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Whether the server has found the other hubs and has what they have; never while it does not run. */
  async isCurrent(): Promise<boolean> {
    return (await this.#process?.isCurrent(this.#times.probeTimeout)) ?? false;
  }

  /** The server's own copy of each stream; undefined when it does not say. */
  async copies(): Promise<ReadonlyMap<string, StreamCopy> | undefined> {
    return this.#process?.copies(this.#times.probeTimeout);
  }

  /** The other hubs of the cluster, if the server leads it; none otherwise. */
  async peers(): Promise<readonly ClusterPeer[]> {
    return (await this.#process?.peers(this.#times.probeTimeout)) ?? [];
  }

  /** Stops the server in order, and starts it again. */
  async restart(): Promise<void> {
    await this.configure(this.#settings, async () => Promise.resolve());
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /**
   * Takes new settings over into the running server: a node that was added may connect, one that was removed is cut off.
   * Settings that the server itself does not accept change nothing, and are told in the state.
   *
   * The server is stopped and started again where it must be: for another place to listen at, when it becomes one of a cluster, or when
   * its program was replaced. Streams stay.
   *
   * @param whileDown done between a stop and a start, which it brings about; tried again until it succeeds
   * @returns whether the settings are in force, or will be as soon as the server runs. One that had to be stopped is gone by then.
   */
  async configure(settings: HubSettings, whileDown?: () => Promise<void>): Promise<boolean> {
    this.#settings = settings;
    return this.#inTurn(async () => {
      const before = this.#written;
      const written = await this.#write();
      if (!written) return false;
      if (this.#process === undefined) {
        this.#whileDown = whileDown ?? this.#whileDown;
        return true;
      }
      const { program, fixed } = await this.#origin();
      if (whileDown !== undefined || program !== this.#startedFrom.program || fixed !== this.#startedFrom.fixed) {
        this.#whileDown = whileDown ?? (async () => Promise.resolve());
        // Started again by `#run`. Whoever goes on from here meets the server of before no more.
        await this.#process.stop();
      } else if (this.#written !== before) {
        // A server that is only starting does not know the signal yet, and would die of it.
        if (this.#state.phase === 'starting') this.#reloadDue = true;
        else this.#reload();
      }
      return true;
    });
  }

  async #origin(): Promise<StartedFrom> {
    const { serverName, listen, storeDir, cluster } = this.#settings;
    return {
      program: await fileIdentity(this.#options.program ?? 'nats-server'),
      fixed: JSON.stringify([serverName, listen, storeDir, cluster?.listen]),
    };
  }

  #reload(): void {
    this.#reloadDue = false;
    this.#process?.reload();
    this.#options.log.info('the hub reads its configuration again', { event: 'hub.reloaded' });
  }

  /** One after another: what is written, and who has read it, must not be mixed up. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#changing.then(work);
    this.#changing = turn.then(
      () => undefined,
      () => undefined,
    );
    return turn;
  }

  /** Resolves when the server is gone. Streams stay on disk. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#process?.stop();
    await this.#running;
    this.#set({ phase: 'stopped', pid: undefined });
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    const { restartFirst, restartMax, settledAfter } = this.#times;
    let pause: number = restartFirst;
    while (!this.#stopping.signal.aborted) {
      const began = clock.monotonic();
      const failure = await this.#live();
      if (this.#stopping.signal.aborted) return;
      if (await this.#restartedOnPurpose()) continue;
      if (clock.monotonic() - began >= settledAfter) pause = restartFirst;
      log.error('the hub failed, and is started again', { event: 'hub.failed', detail: failure, pauseMs: pause });
      this.#set({ phase: 'waiting', pid: undefined, lastError: failure });
      await clock.sleepUntil((clock.monotonic() + pause) as Monotonic, this.#stopping.signal);
      pause = Math.min(pause * 2, restartMax);
      this.#set({ restarts: this.#state.restarts + 1 });
    }
  }

  /** @returns whether the server ended because it was to, and may be started again at once */
  async #restartedOnPurpose(): Promise<boolean> {
    const work = this.#whileDown;
    if (work === undefined) return false;
    try {
      await work();
    } catch (cause) {
      this.#set({ lastError: cause instanceof Error ? cause.message : String(cause) });
      return false;
    }
    this.#whileDown = undefined;
    this.#options.log.info('the hub is started again, as it was asked to', { event: 'hub.restarted' });
    return true;
  }

  /**
   * One life of the server. On a full disk it has none: started there, it could not even say where it is to be asked, and would be taken for one that
   * reads a large store long after there is room again.
   * @returns why it ended
   */
  async #live(): Promise<string> {
    const { stateDir, program = 'nats-server', clock, log } = this.#options;
    for (const folder of [stateDir, this.#settings.storeDir]) {
      // A folder that is not there yet is made by who writes into it.
      if (!(await hasRoom(folder).catch(() => true))) return NO_ROOM;
    }
    const process = await this.#inTurn(async () => {
      // What cannot be written or is not accepted it does not start with, unless it has an earlier configuration.
      await this.#write();
      if (this.#written === '' || this.#whileDown !== undefined || this.#stopping.signal.aborted) return undefined;
      this.#startedFrom = await this.#origin();
      const [configFile, portsDir] = [this.#configFile(), path.join(stateDir, 'ports')];
      await endLeftovers({ configFile, portsDir, clock, log });
      const { storeDir } = this.#settings;
      this.#process = new ServerProcess({ program, configFile, portsDir, storeDir, clock, log });
      this.#set({ phase: 'starting', pid: this.#process.pid });
      return this.#process;
    });
    if (process === undefined) return this.#state.lastError ?? 'it was not started';
    const watch = new HealthWatch(process, this.#times, clock, (health) => {
      // While it is being stopped on purpose, what it says of itself is no news.
      if (this.#whileDown !== undefined) return;
      if (health.kind === 'healthy') this.#set({ phase: 'healthy' });
      else this.#set({ phase: 'unhealthy', lastError: health.detail });
      if (this.#reloadDue) this.#reload();
    });
    const why = await Promise.race([process.exited, watch.givenUp]);
    watch.end();
    this.#process = undefined;
    await process.exited;
    return why;
  }

  /** Complete or not at all, and never what the server would refuse. */
  async #write(): Promise<boolean> {
    const { stateDir, program = 'nats-server' } = this.#options;
    const text = renderHubConfig({ ...this.#settings, portsDir: path.join(stateDir, 'ports') });
    if (text === this.#written) return true;
    const [next, file] = [`${this.#configFile()}.next`, this.#configFile()];
    try {
      await mkdir(path.join(stateDir, 'ports'), { recursive: true, mode: 0o700 });
      await writeFile(next, text, { mode: 0o600 });
      const checked = await runCommand([program, '-t', '-c', next], { timeoutMs: 10_000 });
      if (!checked.ok) throw new Error(checked.error.stderr.trim() || checked.error.code);
      await rename(next, file);
    } catch (cause) {
      const detail = `hub configuration: ${cause instanceof Error ? cause.message : String(cause)}`;
      this.#options.log.error('the hub configuration was not taken over', { event: 'hub.config.refused', detail });
      this.#set({ lastError: detail });
      return false;
    }
    this.#written = text;
    return true;
  }

  #configFile(): string {
    return path.join(this.#options.stateDir, 'nats.conf');
  }

  #set(change: Partial<HubState>): void {
    const before = this.#state;
    const next = { ...before, ...change };
    const isSame = (['phase', 'pid', 'restarts', 'lastError'] as const).every((name) => next[name] === before[name]);
    if (isSame) return;
    this.#state = { ...next, since: next.phase === before.phase ? before.since : this.#options.clock.now() };
    this.#listeners.tell(this.#state);
  }
}
