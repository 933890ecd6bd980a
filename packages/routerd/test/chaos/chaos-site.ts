/** A node process in a namespace of its own, and all that it has ever said. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { report, type NodeOptions, type NodeState, type Order, type WonRecord } from './chaos-words.ts';

const PROGRAM = path.join(import.meta.dirname, 'chaos-node.ts');

export class ChaosSite {
  readonly name: string;
  readonly namespace: string;
  /** Address → highest sequence that the node has acknowledged. */
  readonly recorded = new Map<string, number>();
  /** `forgotten`: how often the hubs had lost records before. `at`: when it was heard, milliseconds of this process. */
  readonly won: (WonRecord & { readonly forgotten: number; readonly at: number })[] = [];
  #forgotten = 0;
  /** Codes of drafts that were not acknowledged, counted. */
  readonly notRecorded = new Map<string, number>();
  readonly #options: NodeOptions;
  readonly #asking: ((state: NodeState) => void)[] = [];
  #process: ChildProcess | undefined;

  constructor(namespace: string, options: NodeOptions) {
    this.name = options.self;
    this.namespace = namespace;
    this.#options = options;
  }

  async start(): Promise<void> {
    const argv = ['netns', 'exec', this.namespace, 'setpriv', '--pdeathsig', 'KILL', process.execPath, PROGRAM];
    const child = spawn('ip', [...argv, JSON.stringify(this.#options)], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#process = child;
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
    child.once('close', (code, signal) => reject(new Error(`${this.name} ended: ${signal ?? `exit code ${code}`}`)));
    createInterface({ input: child.stdout }).on('line', (line) => this.#heard(line, resolve));
    child.stdin.on('error', () => undefined); // it was killed; what was asked of it stays unanswered
    await ready;
  }

  tell(order: Order): void {
    this.#process?.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  async state(): Promise<NodeState> {
    const { promise, resolve } = Promise.withResolvers<NodeState>();
    this.#asking.push(resolve);
    this.tell({ kind: 'state' });
    return promise;
  }

  signal(name: NodeJS.Signals): void {
    this.#process?.kill(name);
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'close'); // after the last line was read
    child.kill('SIGKILL');
    await gone;
    this.#asking.splice(0);
  }

  /** The hubs come back with an older log: revisions may be given out again from here on. */
  forgetRevisions(): void {
    this.#forgotten += 1;
  }

  #heard(line: string, onReady: () => void): void {
    const said = report.parse(JSON.parse(line));
    switch (said.kind) {
      case 'ready':
        onReady();
        return;
      case 'recorded':
        for (const [address, sequence] of said.facts) this.recorded.set(address, sequence);
        return;
      case 'refused':
        this.notRecorded.set(said.code, (this.notRecorded.get(said.code) ?? 0) + 1);
        return;
      case 'won':
        this.won.push({ ...said.record, forgotten: this.#forgotten, at: performance.now() });
        return;
      case 'state':
        this.#asking.shift()?.(said);
        return;
    }
  }
}
