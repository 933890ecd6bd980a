/** One keepalived of ours: its folder, its files, whether it runs. It is nobody's child, so that it outlives the daemon. */
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { err, ok, type Monotonic, type Result } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';
import { ROUTE_PROTOCOL } from '../../host-state.ts';
import { renderWithdrawScript, type KeepalivedPaths } from '../../vrrp/keepalived-conf.ts';
import type { Election, VirtualRouter, VrrpFault } from '../../vrrp/virtual-router.ts';
import type { RunHostCommand } from './host-command.ts';
import { ipAnswerOf } from './host-command.ts';

/** It says farewell to the other routers and takes its addresses off. */
const FAREWELL_MS = 3000;
const LOOK_EVERY_MS = 20;
const PASSWORD = /^[\w.~+/=@%^:,-]+$/;

/** What a keepalived runs with. */
export interface Told {
  readonly configuration: string;
  readonly elections: readonly Election[];
}

const toldFile = z.object({
  configuration: z.string(),
  elections: z.array(
    z.object({
      name: z.string(),
      interface: z.string(),
      address: z.string(),
      virtualRouterId: z.number(),
      passwordFile: z.string().optional(),
    }),
  ),
});

function toldIn(text: string | undefined): Told | undefined {
  try {
    const { configuration, elections } = toldFile.parse(JSON.parse(text ?? ''));
    return { configuration, elections: elections.map((each) => ({ passwordFile: undefined, ...each })) };
  } catch {
    return undefined; // none, or of another version of this program
  }
}

export class KeepalivedProcess {
  readonly paths: KeepalivedPaths;
  readonly #run: RunHostCommand;
  readonly #clock: Clock;
  readonly #directory: string;
  readonly #configuration: string;
  /** What it was told last: written once it was started with it or asked to read it. */
  readonly #runningFile: string;
  readonly #pidFile: string;
  readonly #childPidFile: string;

  /** @param directory of its own; made with mode 700 */
  constructor(run: RunHostCommand, clock: Clock, directory: string) {
    this.#run = run;
    this.#clock = clock;
    this.#directory = directory;
    this.#configuration = path.join(directory, 'keepalived.conf');
    this.#runningFile = path.join(directory, 'running.json');
    this.#pidFile = path.join(directory, 'keepalived.pid');
    this.#childPidFile = path.join(directory, 'vrrp.pid');
    this.paths = {
      fifo: path.join(directory, 'roles'),
      withdrawScript: path.join(directory, 'withdraw'),
    };
  }

  /** What it was told last, while it runs; `unknown` where it runs and nobody wrote that down. */
  async running(): Promise<Told | 'unknown' | undefined> {
    if ((await this.#pid()) === undefined) return undefined;
    return toldIn(await readOrNothing(this.#runningFile)) ?? 'unknown';
  }

  /** Writes what it needs, and has keepalived check it. Nothing of it runs meanwhile. */
  async prepare(configuration: string): Promise<VrrpFault | undefined> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await chmod(this.#directory, 0o700);
    // keepalived does not start while a process of a number that it finds there exists, whichever that is.
    for (const file of [this.paths.fifo, this.#pidFile, this.#childPidFile, this.#runningFile])
      await rm(file, { force: true });
    await this.#write(this.paths.withdrawScript, renderWithdrawScript(ROUTE_PROTOCOL), 0o700);
    await this.#write(this.#configuration, configuration, 0o600);
    const made = await this.#run(['mkfifo', '-m', '600', this.paths.fifo]);
    if (!made.ok) return { code: 'vrrp.failed', detail: made.error.stderr.trim() };
    return this.#test(this.#configuration);
  }

  async #test(file: string): Promise<VrrpFault | undefined> {
    const tested = await this.#run(['keepalived', '-t', '-f', file]);
    if (tested.ok) return undefined;
    if (tested.error.code === 'command.not-found')
      return { code: 'vrrp.unsupported', detail: 'keepalived is not installed' };
    return { code: 'vrrp.refused', detail: `keepalived refuses its configuration: ${tested.error.stderr.trim()}` };
  }

  /** It goes into the background by itself, and ends as a whole when one of its processes does (`-R`). */
  async start(told: Told): Promise<VrrpFault | undefined> {
    const files = ['-f', this.#configuration, '-p', this.#pidFile, '-r', this.#childPidFile];
    const started = await this.#run(['keepalived', '-P', '-R', ...files]);
    if (!started.ok) return { code: 'vrrp.failed', detail: `keepalived: ${started.error.stderr.trim()}` };
    await writeWhole(this.#runningFile, JSON.stringify(told), 0o600);
    return undefined;
  }

  /**
   * Has it read another configuration while it goes on: elections that stay keep their state, and others begin or end.
   * @returns why it goes on with the one that it has
   */
  async reload(told: Told): Promise<VrrpFault | undefined> {
    const next = `${this.#configuration}.next`;
    await writeWhole(next, told.configuration, 0o600);
    const refused = await this.#test(next);
    if (refused !== undefined) return refused;
    await rename(next, this.#configuration);
    const pid = await this.#pid();
    if (pid === undefined) return { code: 'vrrp.ended', detail: 'keepalived ended' };
    signal(pid, 'SIGHUP');
    await writeWhole(this.#runningFile, JSON.stringify(told), 0o600);
    return undefined;
  }

  /** Ends it, gently at first. Its files stay: they say what ran last. */
  async end(): Promise<void> {
    const pid = await this.#pid();
    if (pid === undefined) return;
    signal(pid, 'SIGTERM');
    if (await this.#isGoneWithin(FAREWELL_MS)) return;
    signal(pid, 'SIGKILL'); // what it started ends with it
    await this.#isGoneWithin(FAREWELL_MS);
  }

  async removeFiles(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** The addresses that a keepalived which died has left behind. */
  async takeOff(routers: readonly Election[]): Promise<VrrpFault | undefined> {
    for (const { address, interface: name } of routers) {
      const removed = await this.#run(['ip', 'address', 'del', address, 'dev', name]);
      if (!removed.ok && !['absent', 'no-device'].includes(ipAnswerOf(removed.error.stderr)))
        return { code: 'vrrp.failed', detail: `${address} stays on ${name}: ${removed.error.stderr.trim()}` };
    }
    return undefined;
  }

  async has({ address, interface: name }: Election): Promise<boolean> {
    const shown = await this.#run(['ip', '-4', '-o', 'address', 'show', 'dev', name, 'to', address]);
    return shown.ok && shown.value.stdout.trim() !== '';
  }

  async #isGoneWithin(milliseconds: number): Promise<boolean> {
    const { signal: never } = new AbortController();
    const deadline = this.#clock.monotonic() + milliseconds;
    while ((await this.#pid()) !== undefined) {
      if (this.#clock.monotonic() > deadline) return false;
      await this.#clock.sleepUntil((this.#clock.monotonic() + LOOK_EVERY_MS) as Monotonic, never);
    }
    return true;
  }

  /** A number in a file may be somebody else's by now; its command line has the name of our configuration. */
  async #pid(): Promise<number | undefined> {
    const pid = Number((await readOrNothing(this.#pidFile))?.trim());
    if (!Number.isInteger(pid) || pid < 2) return undefined;
    const commandLine = await readOrNothing(`/proc/${pid}/cmdline`);
    return commandLine?.split('\0').includes(this.#configuration) === true ? pid : undefined;
  }

  async #write(file: string, text: string, mode: number): Promise<void> {
    await rm(file, { force: true });
    await writeFile(file, text, { mode, flag: 'wx' });
  }
}

/** Passwords by file. keepalived takes eight characters; the file must be its owner's alone. */
export async function readPasswords(
  routers: readonly VirtualRouter[],
): Promise<Result<ReadonlyMap<string, string>, VrrpFault>> {
  const passwords = new Map<string, string>();
  for (const file of new Set(routers.flatMap(({ passwordFile }) => passwordFile ?? []))) {
    const refused = (detail: string): Result<never, VrrpFault> => err({ code: 'vrrp.refused', detail });
    try {
      const { mode } = await stat(file);
      if ((mode & 0o077) !== 0) return refused(`${file} may be read by others; set its mode to 600`);
      const password = (await readFile(file, 'utf8')).trim();
      if (!PASSWORD.test(password))
        return refused(`${file} holds no password that keepalived takes: letters, digits and . ~ + / = @ % ^ : , _ -`);
      passwords.set(file, password.slice(0, 8));
    } catch (cause) {
      return refused(`${file}: ${cause instanceof Error ? cause.message : 'error'}`);
    }
  }
  return ok(passwords);
}

/** Whole or not at all, also for who reads meanwhile. */
async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  await rm(`${file}.new`, { force: true });
  await writeFile(`${file}.new`, text, { mode, flag: 'wx' });
  await rename(`${file}.new`, file);
}

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL' | 'SIGHUP'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has gone meanwhile.
  }
}

async function readOrNothing(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
}
