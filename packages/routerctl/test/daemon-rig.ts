/** A daemon in a network namespace of its own, and routerctl to ask it. Everything is gone after the test, also when it fails. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

const ROUTERD = path.join(import.meta.dirname, '../../routerd/src/main.ts');
const ROUTERCTL = path.join(import.meta.dirname, '../src/main.ts');
const DEADLINE_MS = 30_000;
let made = 0;

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class DaemonRig {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'routerctl-'));
  readonly namespace = `rig${process.pid}-${(made += 1)}`;
  #daemon: ChildProcess | undefined;

  static async make(): Promise<DaemonRig> {
    const rig = new DaemonRig();
    onTestFinished(async () => rig.#dispose());
    await rig.#must('ip', ['netns', 'add', rig.namespace]);
    await rig.#must('ip', ['-n', rig.namespace, 'link', 'set', 'lo', 'up']);
    return rig;
  }

  configure(...documents: readonly string[]): void {
    writeFileSync(path.join(this.folder, 'router.yaml'), documents.join('---\n'));
  }

  async start(): Promise<void> {
    const args = ['netns', 'exec', this.namespace, process.execPath, ROUTERD, 'serve', ...this.#flags()];
    const log = openSync(this.#logFile(), 'a');
    this.#daemon = spawn('ip', [...args, '--socket', this.#socket()], { stdio: ['ignore', log, log] });
    closeSync(log);
    await this.eventually('an answer of the daemon', async () => (await this.routerctl('dynamic', 'list')).code === 0);
  }

  async stop(): Promise<void> {
    const stopping = this.#daemon;
    this.#daemon = undefined;
    if (stopping === undefined || stopping.exitCode !== null) return;
    const ended = new Promise((resolve) => {
      stopping.once('exit', resolve);
    });
    stopping.kill('SIGTERM');
    await ended;
  }

  async routerctl(...args: readonly string[]): Promise<Ended> {
    return this.#run(process.execPath, [ROUTERCTL, ...args, '--socket', this.#socket()]);
  }

  /** What the daemon answers, asked without a program in between: for looking again and again. */
  async get(url: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const asking = request({ socketPath: this.#socket(), path: url }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        answer.on('end', () => resolve(JSON.parse(text)));
      });
      asking.on('error', reject);
      asking.end();
    });
  }

  /** A command that goes on until the test ends, and the whole lines that it has written. */
  watch(...args: readonly string[]): { readonly lines: () => readonly string[] } {
    const child = spawn(process.execPath, [ROUTERCTL, ...args, '--socket', this.#socket()], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    return { lines: () => said.split('\n').slice(0, -1) };
  }

  async routerd(...args: readonly string[]): Promise<Ended> {
    return this.#run('ip', ['netns', 'exec', this.namespace, process.execPath, ROUTERD, ...args, ...this.#flags()]);
  }

  /** Destinations of the routes of ours that the kernel has. */
  async routes(): Promise<readonly string[]> {
    const { stdout } = await this.#must('ip', ['-n', this.namespace, '-j', 'route', 'show', 'proto', '84']);
    const routes: readonly { readonly dst: string }[] = JSON.parse(stdout);
    return routes.map(({ dst }) => dst).toSorted();
  }

  /** Asks again until it holds; fails with what the daemon said when it takes too long. */
  async eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const end = performance.now() + DEADLINE_MS;
    while (!(await holds())) {
      if (performance.now() > end) throw new Error(`${what} did not happen; the daemon said: ${this.#said()}`);
      await delay(20);
    }
  }

  async #dispose(): Promise<void> {
    await this.stop();
    await this.#must('ip', ['netns', 'del', this.namespace]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #flags(): readonly string[] {
    return ['--config', path.join(this.folder, 'router.yaml'), '--state-dir', path.join(this.folder, 'state')];
  }

  #socket(): string {
    return path.join(this.folder, 'sock');
  }

  #logFile(): string {
    return path.join(this.folder, 'log');
  }

  #said(): string {
    return existsSync(this.#logFile()) ? readFileSync(this.#logFile(), 'utf8').slice(-2000) : 'nothing';
  }

  async #run(file: string, args: readonly string[]): Promise<Ended> {
    return new Promise((resolve) => {
      execFile(file, args, { encoding: 'utf8', timeout: DEADLINE_MS }, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
      });
    });
  }

  async #must(file: string, args: readonly string[]): Promise<Ended> {
    const ended = await this.#run(file, args);
    if (ended.code !== 0) throw new Error(`${file} ${args.join(' ')}: ${ended.stderr}`);
    return ended;
  }
}
