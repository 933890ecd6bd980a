/**
 * One running plugin. Requests go to it one after another; whoever calls sees to that.
 *
 * 1. It has its own process group, and every way out of here kills the whole group.
 * 2. It gets PATH and what its Plugin resource declares, nothing of our environment.
 * 3. When this process dies, however, the plugin's stdin ends, and a plugin that keeps the protocol exits.
 */
import {
  LineSplitter,
  result as resultSchema,
  RESULT_LINE_BYTES_MAX,
  type LineEvent,
  type ResultMessage,
} from '@routerd/plugin-sdk';
import { err, ok, type ResourceOf, type Result } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import { redact, shownMessage } from './redact.ts';
import {
  followStderr,
  killGroup,
  pluginEnded,
  spawnPlugin,
  STDERR_BYTES_MAX,
  type PluginChild,
} from './spawn-plugin.ts';
import { TextTail } from './text-tail.ts';

/** Of what it writes on stderr, in a second, so much goes into the log; the rest is kept for the last words alone. Bytes. */
const LOGGED_BYTES_PER_SECOND = 16 * 1024;
/** How much of it goes into an error. Characters. */
const DETAIL_CHARACTERS_MAX = 500;

export interface ProcessFault {
  readonly code: 'executor.crashed' | 'executor.timed-out' | 'executor.bad-output' | 'executor.cancelled';
  readonly detail: string;
}

export interface PluginRequest {
  readonly id: string;
  /** Without a line feed. */
  readonly line: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

interface Waiting {
  readonly id: string;
  answer(result: Result<ResultMessage, ProcessFault>): void;
}

export class PluginProcess {
  readonly #child: PluginChild;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #stderr = new TextTail(STDERR_BYTES_MAX);
  /** Resolves when the process has ended and its group is gone. */
  readonly exited: Promise<void>;
  #waiting: Waiting | undefined;
  #isAlive = true;
  #whyKilled: ProcessFault | undefined;

  constructor(plugin: ResourceOf<'Plugin'>, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = clock;
    this.#child = spawnPlugin(plugin);
    this.#log = log.child({ plugin: plugin.metadata.name, pid: this.#child.pid });
    this.exited = this.#watch();
    this.#log.debug('plugin started', { event: 'plugin.started' });
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Past the limit, on cancellation and on output that breaks the protocol the process is killed: its state is unknown. */
  async request({ id, line, timeoutMs, signal }: PluginRequest): Promise<Result<ResultMessage, ProcessFault>> {
    if (this.#waiting !== undefined) throw new Error('a plugin process answers one request at a time');
    const answered = new AbortController();
    const onAbort = (): void => this.kill({ code: 'executor.cancelled', detail: 'cancelled while it ran' });
    signal.addEventListener('abort', onAbort, { once: true });
    const result = new Promise<Result<ResultMessage, ProcessFault>>((resolve) => {
      this.#waiting = { id, answer: resolve };
    });
    void this.#limit(timeoutMs, answered.signal);
    this.#child.stdin.write(`${line}\n`);
    try {
      if (!this.#isAlive) this.#fail({ code: 'executor.crashed', detail: 'it had ended' });
      return await result;
    } finally {
      this.#waiting = undefined;
      answered.abort();
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends it: by closing its stdin, and after `graceMs` by force. */
  async stop(graceMs: number): Promise<void> {
    this.#child.stdin.end();
    const gone = new AbortController();
    const force = async (): Promise<void> => {
      await this.#clock.sleepUntil(this.#after(graceMs), gone.signal);
      if (!gone.signal.aborted) this.kill({ code: 'executor.cancelled', detail: 'stopped' });
    };
    const forced = force();
    await this.exited;
    gone.abort();
    await forced;
  }

  kill(why: ProcessFault): void {
    if (!this.#isAlive) return;
    this.#whyKilled ??= why;
    this.#log.debug('plugin is killed', { event: 'plugin.killed', code: why.code, detail: why.detail });
    killGroup(this.#child);
  }

  async #limit(timeoutMs: number, answered: AbortSignal): Promise<void> {
    await this.#clock.sleepUntil(this.#after(timeoutMs), answered);
    if (!answered.aborted) this.kill({ code: 'executor.timed-out', detail: `timed out after ${timeoutMs / 1000}s` });
  }

  #after(milliseconds: number): ReturnType<Clock['monotonic']> {
    const now = this.#clock.monotonic();
    return (now + milliseconds) as typeof now;
  }

  async #watch(): Promise<void> {
    const lines = new LineSplitter(RESULT_LINE_BYTES_MAX);
    this.#child.stdout.on('data', (chunk: Buffer) => {
      for (const event of lines.push(chunk)) {
        if (this.#whyKilled !== undefined) return; // what it wrote before it noticed
        if (event.kind === 'line') this.#onLine(event.text);
        else this.#breach(`wrote a line longer than ${event.bytesMax} bytes`);
      }
    });
    const noise = new LineSplitter(STDERR_BYTES_MAX);
    let logged = { bytes: 0, since: this.#clock.monotonic() };
    followStderr(this.#child, this.#clock, (chunk) => {
      this.#stderr.push(chunk);
      const now = this.#clock.monotonic();
      if (now - logged.since >= 1000) logged = { bytes: 0, since: now };
      const room = LOGGED_BYTES_PER_SECOND - logged.bytes;
      logged.bytes += chunk.length;
      if (room > 0) for (const event of noise.push(chunk.subarray(0, room))) this.#logNoise(event);
    });
    const { how } = await pluginEnded(this.#child);
    this.#isAlive = false;
    this.#log.debug('plugin ended', { event: 'plugin.ended', how });
    const words = redact(this.#stderr.text()).slice(-DETAIL_CHARACTERS_MAX);
    const detail = `${how}${words === '' ? '' : `: ${words}`}`;
    this.#fail(this.#whyKilled ?? { code: 'executor.crashed', detail });
  }

  #logNoise(event: LineEvent): void {
    const text = event.kind === 'line' ? redact(event.text) : `(a line longer than ${event.bytesMax} bytes)`;
    this.#log.debug('plugin wrote on standard error', { event: 'plugin.stderr', text });
  }

  #onLine(line: string): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return this.#breach('wrote a line that nobody asked for');
    const message = parsedResult(line);
    if (message === undefined)
      return this.#breach(`wrote a line that is no result: ${shownMessage(line).slice(0, 200)}`);
    if (message.id !== waiting.id) return this.#breach(`answered "${message.id}" instead of "${waiting.id}"`);
    waiting.answer(ok(message));
    this.#waiting = undefined; // a second line to the same request is one too many
  }

  #breach(detail: string): void {
    this.kill({ code: 'executor.bad-output', detail });
  }

  #fail(fault: ProcessFault): void {
    this.#waiting?.answer(err(fault));
  }
}

function parsedResult(line: string): ResultMessage | undefined {
  try {
    const parsed = resultSchema.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
