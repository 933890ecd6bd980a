/** A program whose lines are news (`ip monitor`, `tcpdump`), kept running until stopped. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Monotonic } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';

export interface LineProcessOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Without a shell; it dies with this process, even when that is killed (`setpriv --pdeathsig`). */
  readonly argv: readonly string[];
  readonly onLine: (line: string) => void;
  /** The program runs and has had time to subscribe; what came before was not seen. */
  readonly onStarted: () => void;
  /** How the program begins when it says on stderr that it has subscribed; without it, it is given a moment. */
  readonly startsWith?: string;
  /** The netlink family that it subscribes to, by which its subscription is seen. */
  readonly subscribesTo?: NetlinkFamily;
  /** Above this rate the program is not read any more until the second is over: it, or the kernel, drops what does not fit. */
  readonly linesPerSecondMax: number;
}

export type NetlinkFamily = 'route' | 'netfilter';
/** NETLINK_ROUTE and NETLINK_NETFILTER of linux/netlink.h. */
const FAMILY_NUMBERS: Readonly<Record<NetlinkFamily, string>> = { route: '0', netfilter: '12' };

/** From start of process to its subscription where it cannot be seen; 3 ms, if nothing else is going on. */
const SUBSCRIBED_AFTER_MS = 50;
/** How often, and for how long, the subscription is looked for; a busy machine may take its time to start a program. */
const LOOK_EVERY_MS = 5;
const SUBSCRIBED_WITHIN_MS = 2000;
const RESTART_AFTER_MS_MIN = 100;
const RESTART_AFTER_MS_MAX = 5000;

export class LineProcess {
  readonly #options: LineProcessOptions;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  #child: ChildProcess | undefined;
  #linesThisSecond = 0;

  /** Starts at once. */
  constructor(options: LineProcessOptions) {
    this.#options = options;
    this.#ended = this.#keepRunning();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  async #keepRunning(): Promise<void> {
    const { clock, log, argv } = this.#options;
    const { signal } = this.#stopping;
    let wait = RESTART_AFTER_MS_MIN;
    while (!signal.aborted) {
      const startedAt = clock.monotonic();
      const said = await this.#runOnce();
      if (signal.aborted) return;
      wait = clock.monotonic() - startedAt > RESTART_AFTER_MS_MAX ? RESTART_AFTER_MS_MIN : wait;
      log.warn('a source of kernel news ended; it is started again', {
        event: 'dataplane.source.ended',
        program: argv.join(' '),
        detail: said,
        retryAfterMs: wait,
      });
      await this.#sleep(wait);
      wait = Math.min(wait * 2, RESTART_AFTER_MS_MAX);
    }
  }

  /** @returns the last thing it said on stderr */
  async #runOnce(): Promise<string> {
    const { argv, onStarted, startsWith } = this.#options;
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    });
    this.#child = child;
    let said = '';
    const { stdout } = child;
    createInterface({ input: stdout }).on('line', (line) => this.#onLine(line, stdout));
    createInterface({ input: child.stderr }).on('line', (line) => {
      said = line;
      // `ip monitor` goes on after the kernel dropped messages (ENOBUFS): everything may have changed.
      if (line.includes('receive error') || (startsWith !== undefined && line.startsWith(startsWith))) onStarted();
    });
    const ended = new Promise<void>((resolve) => {
      child.once('error', (error) => {
        said = error.message;
        resolve();
      });
      child.once('close', () => resolve());
    });
    if (startsWith === undefined) void this.#tellWhenSubscribed(child);
    await ended;
    this.#child = undefined;
    return said;
  }

  async #tellWhenSubscribed(child: ChildProcess): Promise<void> {
    const { clock, subscribesTo, onStarted } = this.#options;
    const isRunning = (): boolean => this.#child === child && child.exitCode === null && !this.#stopping.signal.aborted;
    if (subscribesTo === undefined) await this.#sleep(SUBSCRIBED_AFTER_MS);
    else {
      const deadline = clock.monotonic() + SUBSCRIBED_WITHIN_MS;
      do await this.#sleep(LOOK_EVERY_MS);
      while (isRunning() && clock.monotonic() < deadline && !hasSubscribed(child.pid, subscribesTo));
    }
    if (isRunning()) onStarted();
  }

  #onLine(line: string, source: Readable): void {
    const { linesPerSecondMax, onLine } = this.#options;
    if (this.#linesThisSecond === 0) {
      void this.#sleep(1000).then(() => {
        if (this.#linesThisSecond > linesPerSecondMax) source.resume();
        this.#linesThisSecond = 0;
        return undefined;
      });
    }
    this.#linesThisSecond += 1;
    if (this.#linesThisSecond === linesPerSecondMax + 1) source.pause();
    onLine(line);
  }

  async #sleep(milliseconds: number): Promise<void> {
    const { clock } = this.#options;
    await clock.sleepUntil((clock.monotonic() + milliseconds) as Monotonic, this.#stopping.signal);
  }
}

/** `sk Eth Pid Groups …`: a socket of the process that listens to any group. Its network namespace is the program's own. */
function hasSubscribed(pid: number | undefined, family: NetlinkFamily): boolean {
  try {
    return readFileSync(`/proc/${pid ?? 0}/net/netlink`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .some(
        ([, number, owner, groups]) =>
          number === FAMILY_NUMBERS[family] && owner === `${pid}` && !/^0*$/.test(groups ?? ''),
      );
  } catch {
    return false; // it has ended, or is about to begin
  }
}
