/** VRRP by keepalived: supervised, its roles pushed through a fifo, taken over as they are by the next daemon. */
import type { Monotonic } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import { renderKeepalived } from '../../vrrp/keepalived-conf.ts';
import { parseNotifyLine } from '../../vrrp/notify-line.ts';
import {
  keepsElections,
  type Election,
  type VirtualRouter,
  type Vrrp,
  type VrrpFault,
  type VrrpRole,
} from '../../vrrp/virtual-router.ts';
import { hostCommandRunner } from './host-command.ts';
import { KeepalivedProcess, readPasswords, type Told } from './keepalived-process.ts';
import { holdFifoOpen, openRoleFifo, type RoleFifo } from './role-fifo.ts';

export interface KeepalivedOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Of its own, for configuration, fifo and process ids; the same from start to start. */
  readonly directory: string;
  /** Enters the network namespace that is managed. The daemon runs inside and needs none. */
  readonly commandPrefix?: readonly string[];
}

/** From its start to its first word, which is that it is a backup; a host without its interface says FAULT. */
const FIRST_WORD_MS = 5000;
/** It reads a configuration anew within some ten milliseconds; its death in that time is noticed at the end of it. */
const RELOAD_MS = 2000;
const RETRY_AFTER_MS_MIN = 200;
const RETRY_AFTER_MS_MAX = 5000;
/** One that ran this long is started again at once. */
const STEADY_AFTER_MS = 10_000;

export function createKeepalived(options: KeepalivedOptions): Vrrp {
  return new Keepalived(options);
}

/** Ends the keepalived of a daemon that does not run any more: it says farewell, and its addresses go with it. */
export async function endKeepalived({
  clock,
  directory,
  commandPrefix,
}: Omit<KeepalivedOptions, 'log'>): Promise<void> {
  const ended = new KeepalivedProcess(hostCommandRunner(commandPrefix ?? []), clock, directory);
  await ended.end();
  await ended.removeFiles();
}

interface Attached {
  readonly elections: readonly Election[];
  readonly fifo: RoleFifo;
  readonly since: Monotonic;
}

class Keepalived implements Vrrp {
  readonly #options: KeepalivedOptions;
  readonly #process: KeepalivedProcess;
  readonly #listeners = new Set<() => void>();
  readonly #stopping = new AbortController();
  readonly #roles = new Map<string, VrrpRole>();
  #desired: readonly VirtualRouter[] | undefined;
  #attached: Attached | undefined;
  #fault: VrrpFault | undefined;
  #retryAfterMs = RETRY_AFTER_MS_MIN;
  /** Passes run one after the other; what is asked meanwhile makes one more. */
  #working: Promise<void> = Promise.resolve();
  #asked = false;
  #onFirstWord: (() => void) | undefined;

  constructor(options: KeepalivedOptions) {
    this.#options = options;
    const run = hostCommandRunner(options.commandPrefix ?? []);
    this.#process = new KeepalivedProcess(run, options.clock, options.directory);
  }

  setDesired(routers: readonly VirtualRouter[]): void {
    if (this.#desired !== undefined && JSON.stringify(routers) === JSON.stringify(this.#desired)) return;
    this.#desired = routers;
    this.#ask();
  }

  role(name: string): VrrpRole {
    return this.#roles.get(name) ?? 'unknown';
  }

  fault(): VrrpFault | undefined {
    return this.#fault;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#listeners.clear();
    await this.#working;
    this.#attached?.fifo.close();
    this.#attached = undefined;
  }

  #ask(): void {
    if (this.#asked || this.#stopping.signal.aborted) return;
    this.#asked = true;
    this.#working = this.#working.then(async () => {
      this.#asked = false;
      if (!this.#stopping.signal.aborted) await this.#pass();
      return undefined;
    });
  }

  async #pass(): Promise<void> {
    const fault = await this.#become(this.#desired ?? []).catch((cause: unknown): VrrpFault => ({
      code: 'vrrp.failed',
      detail: cause instanceof Error ? cause.message : 'unknown',
    }));
    this.#setFault(fault);
    if (fault === undefined) return;
    this.#options.log.warn('no virtual address is spoken for', {
      event: 'dataplane.vrrp.failed',
      code: fault.code,
      detail: fault.detail,
      retryAfterMs: this.#retryAfterMs,
    });
    void this.#sleep(this.#retryAfterMs).then(() => this.#ask());
    this.#retryAfterMs = Math.min(this.#retryAfterMs * 2, RETRY_AFTER_MS_MAX);
  }

  async #become(routers: readonly VirtualRouter[]): Promise<VrrpFault | undefined> {
    const running = await this.#process.running();
    if (routers.length === 0) {
      await this.#leave();
      if (running !== undefined) await this.#process.removeFiles();
      return undefined;
    }
    const passwords = await readPasswords(routers);
    if (!passwords.ok) return passwords.error;
    const configuration = renderKeepalived(routers, passwords.value, this.#process.paths);
    const told: Told = { configuration, elections: routers.map(electionOf) };
    if (running !== undefined && running !== 'unknown') {
      const isSame = running.configuration === configuration;
      if (isSame || keepsElections(running.elections, routers)) {
        if (this.#attached === undefined) await this.#adopt(running);
        return isSame ? undefined : this.#reload(told);
      }
    }
    await this.#leave();
    return this.#start(told);
  }

  /** It ran before this process did: what it wrote meanwhile still waits in the fifo, else having the address is being master. */
  async #adopt(told: Told): Promise<void> {
    this.#attach(told);
    for (const election of told.elections) {
      const said = this.#roles.get(election.name);
      const hasAddress = await this.#process.has(election);
      if (this.#roles.get(election.name) !== said) continue; // news is newer than any reading
      const without = said === 'master' ? 'unknown' : (said ?? 'backup');
      this.#roles.set(election.name, hasAddress ? (said ?? 'master') : without);
    }
    this.#tell();
  }

  async #reload(told: Told): Promise<VrrpFault | undefined> {
    const kept = new Set(told.elections.map(({ name }) => name));
    // Roles go first here too: what follows one of them must not be captured any more when its address goes.
    this.#forgetRoles((name) => !kept.has(name));
    const writer = holdFifoOpen(this.#process.paths.fifo);
    const fault = await this.#process.reload(told);
    void this.#sleep(RELOAD_MS).then(() => writer.release());
    if (fault !== undefined) return fault;
    if (this.#attached !== undefined) this.#attached = { ...this.#attached, elections: told.elections };
    this.#options.log.info('keepalived goes on with another configuration', {
      event: 'dataplane.vrrp.reloaded',
      addresses: addressesOf(told),
    });
    return undefined;
  }

  async #start(told: Told): Promise<VrrpFault | undefined> {
    const prepared = await this.#process.prepare(told.configuration);
    if (prepared !== undefined) return prepared;
    const firstWord = new Promise<'said'>((resolve) => {
      this.#onFirstWord = () => resolve('said');
    });
    this.#attach(told);
    const started = await this.#process.start(told);
    if (started === undefined && (await Promise.race([firstWord, this.#sleep(FIRST_WORD_MS)])) === 'said') {
      this.#options.log.info('keepalived speaks for virtual addresses', {
        event: 'dataplane.vrrp.started',
        addresses: addressesOf(told),
      });
      return undefined;
    }
    if (this.#stopping.signal.aborted) return undefined;
    await this.#leave();
    return started ?? { code: 'vrrp.failed', detail: `keepalived said nothing within ${FIRST_WORD_MS} ms` };
  }

  #attach({ elections }: Told): void {
    this.#attached?.fifo.close();
    const fifo = openRoleFifo(this.#process.paths.fifo, {
      onLine: (line) => this.#onLine(line),
      onEnd: () => this.#onEnd(),
    });
    this.#attached = { elections, fifo, since: this.#options.clock.monotonic() };
    for (const line of fifo.waiting) this.#take(line);
  }

  /** Ends what runs. Roles go first: nothing may be captured for an address that is about to be given up. */
  async #leave(): Promise<void> {
    this.#attached?.fifo.close();
    this.#attached = undefined;
    this.#forgetRoles();
    await this.#process.end();
  }

  #onLine(line: string): void {
    if (this.#take(line)) this.#tell();
  }

  #take(line: string): boolean {
    const news = parseNotifyLine(line);
    if (news === undefined) return false;
    this.#onFirstWord?.();
    if (this.#roles.get(news.name) === news.role) return false;
    this.#roles.set(news.name, news.role);
    this.#options.log.info('the role of a virtual address changed', {
      event: 'dataplane.vrrp.role',
      virtualAddress: news.name,
      role: news.role,
    });
    return true;
  }

  /** keepalived has died: the addresses that it had are still configured, and another router is about to take them. */
  #onEnd(): void {
    const lost = this.#attached;
    this.#attached = undefined;
    this.#fault = { code: 'vrrp.ended', detail: 'keepalived ended' };
    this.#forgetRoles();
    this.#options.log.error('keepalived ended; what followed its roles is withdrawn', {
      event: 'dataplane.vrrp.ended',
    });
    if (lost === undefined || this.#stopping.signal.aborted) return;
    if (this.#options.clock.monotonic() - lost.since > STEADY_AFTER_MS) this.#retryAfterMs = RETRY_AFTER_MS_MIN;
    this.#working = this.#working.then(async () => {
      const fault = await this.#process.takeOff(lost.elections);
      if (fault !== undefined) this.#setFault(fault);
      await this.#process.end();
      return undefined;
    });
    this.#ask();
  }

  #forgetRoles(isOver: (name: string) => boolean = () => true): void {
    const over = [...this.#roles.keys()].filter(isOver);
    for (const name of over) this.#roles.delete(name);
    if (over.length > 0) this.#tell();
  }

  #setFault(fault: VrrpFault | undefined): void {
    if (this.#fault?.detail === fault?.detail) return;
    this.#fault = fault;
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  async #sleep(milliseconds: number): Promise<void> {
    const { clock } = this.#options;
    await clock.sleepUntil((clock.monotonic() + milliseconds) as Monotonic, this.#stopping.signal);
  }
}

function electionOf({ name, interface: link, address, virtualRouterId, passwordFile }: VirtualRouter): Election {
  return { name, interface: link, address, virtualRouterId, passwordFile };
}

function addressesOf({ elections }: Told): string {
  return elections.map(({ address }) => address).join(' ');
}
