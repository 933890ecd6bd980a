/** A nats-server in a namespace of its own, and what may happen to it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { renderHubConfig, type HubConfigOptions } from '@routerd/federation';
import { keeperState, type KeeperOptions, type KeeperState } from './chaos-words.ts';

export class ChaosHub {
  readonly address: string;
  readonly storeDir: string;
  readonly #namespace: string;
  readonly #folder: string;
  #process: ChildProcess | undefined;
  #settings: Omit<HubConfigOptions, 'listen' | 'storeDir'> | undefined;
  /** Every state that the keeper has told, where one keeps the server. */
  readonly kept: KeeperState[] = [];

  constructor(namespace: string, address: string, folder: string) {
    this.#namespace = namespace;
    this.#folder = folder;
    this.address = address;
    this.storeDir = path.join(folder, 'streams');
    mkdirSync(this.storeDir, { recursive: true });
  }

  get pid(): number | undefined {
    return this.#process?.exitCode === null && this.#process.signalCode === null ? this.#process.pid : undefined;
  }

  configure(settings: Omit<HubConfigOptions, 'listen' | 'storeDir'>): void {
    this.#settings = settings;
    const text = renderHubConfig({ ...settings, listen: { host: this.address, port: 4222 }, storeDir: this.storeDir });
    writeFileSync(this.#configFile(), text, { mode: 0o600 });
  }

  start(): void {
    const log = path.join(this.#folder, 'server.log');
    // The kernel ends it with the test, however that ends.
    const argv = [
      'netns',
      'exec',
      this.#namespace,
      'setpriv',
      '--pdeathsig',
      'KILL',
      'nats-server',
      '-c',
      this.#configFile(),
      '-l',
      log,
    ];
    this.#process = spawn('ip', argv, { stdio: 'ignore' });
  }

  /** As routerd runs a hub: supervised, and started again when it fails. Instead of `start`, with the same streams. */
  startKept(): void {
    const { serverName = '', operator = '', nodes, cluster } = this.#settings ?? {};
    const told: KeeperOptions = {
      stateDir: path.join(this.#folder, 'keeper'),
      storeDir: this.storeDir,
      serverName,
      address: this.address,
      operator,
      nodes: Object.fromEntries(nodes ?? []),
      routes: [...(cluster?.routes ?? [])],
    };
    const program = path.join(import.meta.dirname, 'hub-keeper.ts');
    const argv = ['netns', 'exec', this.#namespace, 'setpriv', '--pdeathsig', 'KILL', process.execPath, program];
    const child = spawn('ip', [...argv, JSON.stringify(told)], { stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface({ input: child.stdout }).on('line', (line) => this.kept.push(keeperState.parse(JSON.parse(line))));
    this.#process = child;
  }

  signal(name: NodeJS.Signals): void {
    this.#process?.kill(name);
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || this.pid === undefined) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  wipe(): void {
    rmSync(this.storeDir, { recursive: true });
    mkdirSync(this.storeDir);
  }

  /** Only while it is down. */
  saveDisk(): void {
    rmSync(`${this.storeDir}.saved`, { recursive: true, force: true });
    cpSync(this.storeDir, `${this.storeDir}.saved`, { recursive: true });
  }

  restoreDisk(): void {
    this.wipe();
    cpSync(`${this.storeDir}.saved`, this.storeDir, { recursive: true });
  }

  #configFile(): string {
    return path.join(this.#folder, 'nats.conf');
  }
}
