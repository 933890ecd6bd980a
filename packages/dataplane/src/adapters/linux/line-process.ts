/** A program whose lines are news (`ip monitor`, `tcpdump`), kept running until stopped. */
import { spawn, type ChildProcess } from 'node:child_process';
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
  /** Above this rate the program is not read any more until the second is over: it, or the kernel, drops what does not fit. */
  readonly linesPerSecondMax: number;
}

/** From start of process to its subscription, generously: both programs need about 3 ms. */
const SUBSCRIBED_AFTER_MS = 50;
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
    void this.#sleep(SUBSCRIBED_AFTER_MS).then(() => {
      if (
        startsWith === undefined &&
        this.#child === child &&
        child.exitCode === null &&
        !this.#stopping.signal.aborted
      )
        onStarted();
      return undefined;
    });
    await ended;
    this.#child = undefined;
    return said;
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
