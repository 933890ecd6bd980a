/**
 * `ip -batch` that stays open for a while: many changes, and a burst of single ones, for the price of one process.
 * Starting one takes 5 ms, more on a busy machine; a line takes 10 µs.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { HostFault } from '../../ports.ts';
import { faultOfText } from './host-command.ts';

/** What became of one line: undefined when it landed, else what `ip` said about it. */
export type LineOutcome = { readonly text: string } | { readonly fault: HostFault } | undefined;

export interface BatchOutcome {
  /** One a line, in their order. */
  readonly lines: readonly LineOutcome[];
  /** `ip neigh` ends the whole program when the kernel refuses (exit(2) in ipneigh.c): lines from the first `neigh` on may not have been tried. */
  readonly endedEarly: boolean;
}

/**
 * Runs every line; one that fails does not keep the next from being tried (`-force`), but for `neigh` lines.
 * @param lines without the leading `ip`; at most a few ten thousand
 */
export type RunIpBatch = (lines: readonly string[]) => Promise<BatchOutcome>;

/** Past this the program is killed: it hangs. */
const BATCH_MS_MAX = 60_000;
/** A program without work is kept this long for the next change, then ended: a host at rest has none. */
const LINGER_MS = 5000;
/** No object of `ip`; that it is unknown is said after what came before was done, without asking the kernel anything. */
const END_MARK = 'end-of-batch';

export class IpBatch {
  readonly #argv: readonly string[];
  #turn: Promise<unknown> = Promise.resolve();
  #process: IpProcess | undefined;
  #lingering: NodeJS.Timeout | undefined;

  /** @param prefix as of `hostCommandRunner` */
  constructor(prefix: readonly string[]) {
    this.#argv = [...prefix, 'ip', '-force', '-batch', '-'];
  }

  readonly run: RunIpBatch = async (lines) => {
    const outcome = this.#turn.then(async () => this.#runNow(lines));
    this.#turn = outcome;
    return outcome;
  };

  /**
   * The next batch asks the kernel anew for the devices behind names, which `ip` remembers while it runs. To be called when devices may
   * have come or gone; a batch that failed in part does it by itself. (A name that is remembered wrongly fails: the kernel does not give
   * the index of a device that has gone to another.)
   */
  forgetDevices(): void {
    this.#process?.end();
    this.#process = undefined;
  }

  async #runNow(lines: readonly string[]): Promise<BatchOutcome> {
    if (lines.length === 0) return { lines: [], endedEarly: false };
    clearTimeout(this.#lingering);
    if (this.#process?.hasEnded !== false) this.#process = new IpProcess(this.#argv);
    const answer = await this.#process.say(lines);
    if (answer.failed.size > 0 || answer.ended) this.forgetDevices();
    this.#lingering = setTimeout(() => this.forgetDevices(), LINGER_MS).unref();
    return outcomeOf(lines, answer);
  }
}

/** What a program said about the lines that it was given. */
export interface Answer {
  /** By position in the batch. */
  readonly failed: ReadonlyMap<number, string>;
  /** The program ended before it came to the end of the batch. */
  readonly ended: boolean;
  /** What it said last, about no line that it named. */
  readonly said: string;
}

export function outcomeOf(lines: readonly string[], { failed, ended, said }: Answer): BatchOutcome {
  const endedEarly = ended && lines.some((line) => line.startsWith('neigh '));
  const fault = ended && !endedEarly ? faultOfText(said === '' ? 'ip ended without a word' : said) : undefined;
  const outcomes = lines.map((_, index): LineOutcome => {
    const text = failed.get(index);
    if (text !== undefined) return { text };
    return fault === undefined ? undefined : { fault };
  });
  return { lines: outcomes, endedEarly };
}

/** One running program. It ends with its input, so with this process however that ends. */
class IpProcess {
  readonly #child: ChildProcessByStdio<Writable, null, Readable>;
  /** Lines that it was given so far; it counts them from 1. */
  #linesGiven = 0;
  #said: string[] = [];
  #onVerdict: ((line: number, text: string) => void) | undefined;
  #onEnd: (() => void) | undefined;
  #hasEnded = false;

  constructor([file = 'ip', ...rest]: readonly string[]) {
    this.#child = spawn(file, rest, {
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    });
    this.#child.stdin.on('error', () => undefined); // EPIPE: its end says so
    const { stderr } = this.#child;
    createInterface({ input: stderr }).on('line', (line) => this.#hear(line));
    this.#child.once('error', (error: NodeJS.ErrnoException) =>
      this.#finish(error.code === 'ENOENT' ? `${file}: the program is not installed` : error.message),
    );
    this.#child.once('close', () => this.#finish(undefined));
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  async say(lines: readonly string[]): Promise<Answer> {
    const base = this.#linesGiven + 1;
    this.#linesGiven += lines.length + 1;
    this.#hold(true);
    const failed = new Map<number, string>();
    const answer = await new Promise<Answer>((resolve) => {
      const limit = setTimeout(() => this.#child.kill('SIGKILL'), BATCH_MS_MAX);
      const answerWith = (ended: boolean): void => {
        clearTimeout(limit);
        resolve({ failed, ended, said: this.#said.join(' ') });
      };
      this.#onEnd = () => answerWith(true);
      this.#onVerdict = (line, text) => {
        if (line - base < lines.length) failed.set(line - base, text);
        else answerWith(false);
      };
      if (this.#hasEnded) return answerWith(true);
      this.#child.stdin.write(`${lines.join('\n')}\n${END_MARK}\n`);
    });
    this.#hold(false);
    return answer;
  }

  end(): void {
    this.#child.stdin.end();
  }

  #hear(line: string): void {
    const number = verdictOn(line);
    if (number === undefined) {
      if (line.trim() !== '') this.#said.push(line.trim());
      return;
    }
    const text = this.#said.join(' ');
    this.#said = [];
    this.#onVerdict?.(number, text);
  }

  #finish(error: string | undefined): void {
    if (error !== undefined) this.#said.push(error);
    this.#hasEnded = true;
    this.#onEnd?.();
  }

  /** At rest it does not keep this process from ending. */
  #hold(isHeld: boolean): void {
    const { stdin, stderr } = this.#child;
    for (const part of [this.#child, stdin, stderr]) {
      if (part !== this.#child && !(part instanceof Socket)) continue;
      if (isHeld) part.ref();
      else part.unref();
    }
  }
}

/** What was said before `Command failed -:LINE` is about that line, counted from 1. */
export function verdictOn(line: string): number | undefined {
  const number = /^Command failed [^:]*:(\d+)$/.exec(line)?.[1];
  return number === undefined ? undefined : Number(number);
}
