/** One process of the executor under test: lines in, lines out, everything that it says kept. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { LineSplitter } from '../line-splitter.ts';
import { result, type ResultMessage } from '../protocol.ts';
import { RESULT_LINE_BYTES_MAX } from '../protocol-parts.ts';

export interface ProcessOptions {
  readonly argv: readonly string[];
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Gets everything that is written to either stream. */
  readonly onOutput: (text: string) => void;
}

export type Answer =
  | { readonly kind: 'result'; readonly message: ResultMessage }
  /** No result within the limit; the process has been killed. */
  | { readonly kind: 'none'; readonly why: string };

export class ExecutorProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #exited: Promise<string>;
  readonly #lines: string[] = [];
  #wake: () => void = () => undefined;
  #errors = '';

  constructor({ argv: [file = '', ...args], folder, env, onOutput }: ProcessOptions) {
    const child = spawn(file, args, {
      cwd: folder,
      env: { PATH: searchPath(), ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.#child = child;
    child.stdin.on('error', () => undefined); // EPIPE: it has ended, and its exit tells
    const splitter = new LineSplitter(RESULT_LINE_BYTES_MAX);
    child.stdout.on('data', (chunk: Buffer) => {
      onOutput(chunk.toString('utf8'));
      for (const event of splitter.push(chunk))
        this.#lines.push(event.kind === 'line' ? event.text : 'a line too long');
      this.#wake();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      onOutput(chunk.toString('utf8'));
      this.#errors = `${this.#errors}${chunk.toString('utf8')}`.slice(-500);
    });
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => resolve(`could not be started: ${error.message}`));
      child.once('exit', (code, signal) => resolve(code === null ? `was ended by ${signal}` : `ended with ${code}`));
    });
  }

  /** @param line without its line feed */
  async ask(line: string, limitMs: number): Promise<Answer> {
    this.#child.stdin.write(`${line}\n`);
    return this.answer(limitMs);
  }

  /** The answer to what was sent last. */
  async answer(limitMs: number): Promise<Answer> {
    const over = new AbortController();
    const arrived = new Promise<undefined>((resolve) => {
      this.#wake = () => resolve(undefined);
      if (this.#lines.length > 0) resolve(undefined);
    });
    const late = delay(limitMs, `gave no answer within ${limitMs / 1000} s`, { signal: over.signal });
    late.catch(() => undefined); // aborted below
    const why = await Promise.race([arrived, this.#exited, late]);
    over.abort();
    const text = this.#lines.shift();
    if (text === undefined) {
      await this.kill();
      return { kind: 'none', why: `it ${why ?? 'said nothing'}${this.#errors === '' ? '' : `: ${this.#errors}`}` };
    }
    return readAnswer(text);
  }

  send(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Kills it and whatever it started, without a word. */
  async kill(): Promise<void> {
    const { pid } = this.#child;
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // ESRCH: nobody is left
    }
    await this.#exited;
  }

  /** Ends stdin. @returns how the process ended, or undefined when it had to be killed */
  async finish(limitMs: number): Promise<string | undefined> {
    this.#child.stdin.end();
    const over = new AbortController();
    const late = delay(limitMs, undefined, { signal: over.signal });
    late.catch(() => undefined); // aborted below
    const how = await Promise.race([this.#exited, late]);
    over.abort();
    if (how === undefined) await this.kill();
    return how;
  }
}

/** `node` is the one that runs the kit. */
export function searchPath(): string {
  return `${path.dirname(process.execPath)}:${process.env['PATH'] ?? '/usr/bin:/bin'}`;
}

function readAnswer(text: string): Answer {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { kind: 'none', why: `wrote a line that is no JSON: ${text.slice(0, 80)}` };
  }
  const parsed = result.safeParse(document);
  if (parsed.success) return { kind: 'result', message: parsed.data };
  const [first] = parsed.error.issues;
  return { kind: 'none', why: `wrote a line that is no result: ${first?.path.join('.')}: ${first?.message}` };
}
