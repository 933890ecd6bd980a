/** One keepalived of ours: its folder, its files, whether it runs. It is nobody's child, so that it outlives the daemon. */
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { err, ok, type Monotonic, type Result } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';
import { ROUTE_PROTOCOL } from '../../host-state.ts';
import { renderWithdrawScript, type KeepalivedPaths } from '../../vrrp/keepalived-conf.ts';
import type { VirtualRouter, VrrpFault } from '../../vrrp/virtual-router.ts';
import type { RunHostCommand } from './host-command.ts';
import { ipAnswerOf } from './host-command.ts';

/** It says farewell to the other routers and takes its addresses off. */
const FAREWELL_MS = 3000;
const LOOK_EVERY_MS = 20;
const PASSWORD = /^[\w.~+/=@%^:,-]+$/;

export class KeepalivedProcess {
  readonly paths: KeepalivedPaths;
  readonly #run: RunHostCommand;
  readonly #clock: Clock;
  readonly #directory: string;
  readonly #configuration: string;
  readonly #pidFile: string;
  readonly #childPidFile: string;

  /** @param directory of its own; made with mode 700 */
  constructor(run: RunHostCommand, clock: Clock, directory: string) {
    this.#run = run;
    this.#clock = clock;
    this.#directory = directory;
    this.#configuration = path.join(directory, 'keepalived.conf');
    this.#pidFile = path.join(directory, 'keepalived.pid');
    this.#childPidFile = path.join(directory, 'vrrp.pid');
    this.paths = { fifo: path.join(directory, 'roles'), withdrawScript: path.join(directory, 'withdraw') };
  }

  /** The configuration that it was started with, while it runs. */
  async running(): Promise<string | undefined> {
    return (await this.#pid()) === undefined ? undefined : readOrNothing(this.#configuration);
  }

  /** Writes what it needs, and has keepalived check it. Nothing of it runs meanwhile. */
  async prepare(configuration: string): Promise<VrrpFault | undefined> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await chmod(this.#directory, 0o700);
    // keepalived does not start while a process of a number that it finds there exists, whichever that is.
    for (const file of [this.paths.fifo, this.#pidFile, this.#childPidFile]) await rm(file, { force: true });
    await this.#write(this.paths.withdrawScript, renderWithdrawScript(ROUTE_PROTOCOL), 0o700);
    await this.#write(this.#configuration, configuration, 0o600);
    const made = await this.#run(['mkfifo', '-m', '600', this.paths.fifo]);
    if (!made.ok) return { code: 'vrrp.failed', detail: made.error.stderr.trim() };
    const tested = await this.#run(['keepalived', '-t', '-f', this.#configuration]);
    if (tested.ok) return undefined;
    if (tested.error.code === 'command.not-found')
      return { code: 'vrrp.unsupported', detail: 'keepalived is not installed' };
    return { code: 'vrrp.refused', detail: `keepalived refuses its configuration: ${tested.error.stderr.trim()}` };
  }

  /** It goes into the background by itself, and ends as a whole when one of its processes does (`-R`). */
  async start(): Promise<VrrpFault | undefined> {
    const childPidFile = path.join(this.#directory, 'vrrp.pid');
    const argv = [
      'keepalived',
      '-P',
      '-R',
      '-f',
      this.#configuration,
      '-p',
      this.#pidFile,
      '-r',
      childPidFile,
    ] as const;
    const started = await this.#run(argv);
    return started.ok ? undefined : { code: 'vrrp.failed', detail: `keepalived: ${started.error.stderr.trim()}` };
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
  async takeOff(routers: readonly VirtualRouter[]): Promise<VrrpFault | undefined> {
    for (const { address, interface: name } of routers) {
      const removed = await this.#run(['ip', 'address', 'del', address, 'dev', name]);
      if (!removed.ok && !['absent', 'no-device'].includes(ipAnswerOf(removed.error.stderr)))
        return { code: 'vrrp.failed', detail: `${address} stays on ${name}: ${removed.error.stderr.trim()}` };
    }
    return undefined;
  }

  async has({ address, interface: name }: VirtualRouter): Promise<boolean> {
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

function signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
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
