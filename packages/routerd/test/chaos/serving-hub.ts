/** A hub as a user has it: `routerd serve` on a machine of its own, which joined with its token and runs its nats-server. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { joinGroup } from '@routerd/federation';

const PROGRAM = path.join(import.meta.dirname, '..', '..', 'src', 'main.ts');

export class ServingHub {
  readonly address: string;
  readonly folder: string;
  readonly #namespace: string;
  #process: ChildProcess | undefined;

  /** @param folder holds its configuration, its state and its streams */
  constructor(namespace: string, address: string, folder: string) {
    this.#namespace = namespace;
    this.address = address;
    this.folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** With the folder of the streams in its own, which on a machine of its own needs no word. */
  async join(token: string): Promise<void> {
    const joined = await joinGroup(path.join(this.folder, 'config'), token);
    if (!joined.ok) throw new Error(`${joined.error.code}: ${joined.error.detail}`);
    const { configFile } = joined.value;
    const text = readFileSync(configFile, 'utf8');
    writeFileSync(configFile, text.replace('  hub:\n', `  hub:\n    storeDir: ${path.join(this.folder, 'streams')}\n`));
  }

  start(): void {
    const at = (name: string): string => path.join(this.folder, name);
    const options = ['--config', at('config'), '--state-dir', at('state'), '--socket', at('routerd.sock')];
    const owned = ['netns', 'exec', this.#namespace, 'setpriv', '--pdeathsig', 'KILL', process.execPath];
    const log = openSync(at('routerd.log'), 'a');
    this.#process = spawn('ip', [...owned, PROGRAM, 'serve', ...options], { stdio: ['ignore', 'ignore', log] });
    closeSync(log);
  }

  /** Whether its log has a line of that event. */
  hasSaid(event: string): boolean {
    const file = path.join(this.folder, 'routerd.log');
    return existsSync(file) && readFileSync(file, 'utf8').includes(`"event":"${event}"`);
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}
