/**
 * The VRRP of one LAN: keepalived on each router that wants it, which outlives the process that asked for it and dies with the machine. Each
 * process is told of its own roles somewhat later, in order.
 */
import type { VirtualRouter, Vrrp, VrrpRole } from '@routerd/dataplane';
import type { Life } from './life.ts';
import type { SeededRandom } from './random.ts';
import type { VrrpTrouble } from './story.ts';
import type { VirtualTime } from './virtual-time.ts';
import { VrrpElection, type Ear } from './vrrp-election.ts';

const NEWS_MS = [1, 200] as const;
const SLOW_NEWS_MS = 2000;

export interface SimVrrpOptions {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly nodes: readonly string[];
  /** Told of each role that a process was told, and of each process that knows none yet. */
  readonly onTold: (node: string, role: VrrpRole) => void;
}

export class SimVrrp {
  readonly #options: SimVrrpOptions;
  /** By name of the VirtualAddress. */
  readonly #elections = new Map<string, VrrpElection>();
  readonly #ears = new Map<string, Ear>();
  readonly #dead = new Set<string>();
  #isSplit = false;
  #newsIsSlow = false;

  constructor(options: SimVrrpOptions) {
    this.#options = options;
  }

  /** What the process was told of its role in the first election that it takes part in, and when; undefined while it has no process. */
  told(node: string): { readonly role: VrrpRole; readonly since: number; readonly life: Life } | undefined {
    const ear = this.#ears.get(node);
    if (ear === undefined || ear.life.isOver()) return undefined;
    const [heard] = ear.roles.values();
    return { role: heard?.role ?? 'unknown', since: heard?.since ?? ear.since, life: ear.life };
  }

  isMaster(node: string): boolean {
    return [...this.#elections.values()].some((election) => election.stateOf(node) === 'master');
  }

  /** @returns ends it */
  trouble(kind: VrrpTrouble): () => void {
    const dying = this.#options.nodes.filter(
      (node) => kind === 'all-die' || (kind === 'master-dies' && this.isMaster(node)),
    );
    const set = (isOn: boolean): void => {
      for (const node of dying) {
        if (isOn) this.#dead.add(node);
        else this.#dead.delete(node);
      }
      if (kind === 'split') this.#isSplit = isOn;
      if (kind === 'slow-news') this.#newsIsSlow = isOn;
      for (const election of this.#elections.values()) election.weigh();
    };
    set(true);
    return () => set(false);
  }

  losePower(node: string): void {
    this.#ears.delete(node);
    for (const election of this.#elections.values()) election.ask(node, undefined);
  }

  port(node: string, life: Life): Vrrp | undefined {
    const { nodes, time, onTold } = this.#options;
    if (!nodes.includes(node)) return undefined;
    const ear: Ear = { life, listeners: new Set(), roles: new Map(), since: time.now(), newsAt: 0 };
    this.#ears.set(node, ear);
    onTold(node, 'unknown');
    return {
      setDesired: (routers) => {
        if (life.step()) this.#ask(node, ear, routers);
      },
      role: (name) => ear.roles.get(name)?.role ?? 'unknown',
      fault: () => undefined,
      onChange: (listener) => {
        ear.listeners.add(listener);
        return () => ear.listeners.delete(listener);
      },
      stop: async () => {
        ear.listeners.clear();
        return Promise.resolve();
      },
    };
  }

  #ask(node: string, ear: Ear, routers: readonly VirtualRouter[]): void {
    for (const router of routers) {
      const election = this.#elections.get(router.name) ?? this.#electionOf(router.name);
      this.#elections.set(router.name, election);
      election.ask(node, router);
      // What an earlier process began goes on, and is read once.
      if (!ear.roles.has(router.name)) this.#news(node, router.name, election.stateOf(node));
    }
    for (const [name, election] of this.#elections)
      if (!routers.some((router) => router.name === name)) election.ask(node, undefined);
  }

  #electionOf(name: string): VrrpElection {
    const { time, random } = this.#options;
    return new VrrpElection({
      time,
      random,
      isDead: (node) => this.#dead.has(node),
      isSplit: () => this.#isSplit,
      onState: (node, state) => this.#news(node, name, state),
    });
  }

  /** After all that the process was told before. */
  #news(node: string, name: string, state: VrrpRole): void {
    const { time, random, onTold } = this.#options;
    const ear = this.#ears.get(node);
    if (ear === undefined) return;
    const [least, most] = this.#newsIsSlow ? [NEWS_MS[0], SLOW_NEWS_MS] : NEWS_MS;
    ear.newsAt = Math.max(ear.newsAt, time.now() + random.between(least, most));
    if (!ear.roles.has(name)) ear.roles.set(name, { role: 'unknown', since: ear.since });
    time.at(ear.newsAt, () => {
      if (ear.life.isOver() || ear.roles.get(name)?.role === state) return;
      ear.roles.set(name, { role: state, since: time.now() });
      onTold(node, state);
      for (const listener of ear.listeners) listener();
    });
  }
}
