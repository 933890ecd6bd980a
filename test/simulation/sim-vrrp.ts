/**
 * The VRRP of one LAN: keepalived on each router that wants it, which outlives the process that asked for it and dies with the machine. Who
 * is master follows from priorities, and from who hears whom; each process is told of its own role somewhat later, in order.
 */
import type { VirtualRouter, Vrrp, VrrpRole } from '@routerd/dataplane';
import type { Life } from './life.ts';
import type { SeededRandom } from './random.ts';
import type { VrrpTrouble } from './story.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A silent master is missed after three advertisements and some; a better one that pre-empts waits as long. */
const ELECTION_MS = [900, 3600] as const;
/** A master hears a better one at its next advertisement. */
const HEARD_MS = [1, 300] as const;
const NEWS_MS = [1, 200] as const;
const SLOW_NEWS_MS = 2000;

interface Speaker {
  readonly node: string;
  /** Undefined: keepalived was not asked for since the machine has power. */
  router: VirtualRouter | undefined;
  isDead: boolean;
  state: VrrpRole;
  ear: Ear | undefined;
}

interface Ear {
  readonly life: Life;
  readonly listeners: Set<() => void>;
  role: VrrpRole;
  /** Milliseconds of the simulation. */
  since: number;
  /** When the last news that is on its way arrives. */
  newsAt: number;
}

export interface SimVrrpOptions {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly nodes: readonly string[];
  /** Told of each role that a process was told, and of each process that knows none yet. */
  readonly onTold: (node: string, role: VrrpRole) => void;
}

export class SimVrrp {
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  readonly #onTold: SimVrrpOptions['onTold'];
  readonly #speakers: ReadonlyMap<string, Speaker>;
  #isSplit = false;
  #newsIsSlow = false;

  constructor({ time, random, nodes, onTold }: SimVrrpOptions) {
    this.#time = time;
    this.#random = random;
    this.#onTold = onTold;
    this.#speakers = new Map(
      nodes.map((node) => [node, { node, router: undefined, isDead: false, state: 'unknown', ear: undefined }]),
    );
  }

  /** What the process was told, and when; undefined while it has no process. */
  told(node: string): { readonly role: VrrpRole; readonly since: number; readonly life: Life } | undefined {
    const ear = this.#speakers.get(node)?.ear;
    return ear === undefined || ear.life.isOver() ? undefined : ear;
  }

  isMaster(node: string): boolean {
    return this.#speakers.get(node)?.state === 'master';
  }

  /** @returns ends it */
  trouble(kind: VrrpTrouble): () => void {
    const dying = [...this.#speakers.values()].filter(
      ({ state }) => kind === 'all-die' || (kind === 'master-dies' && state === 'master'),
    );
    for (const speaker of dying) {
      speaker.isDead = true;
      this.#become(speaker, 'unknown');
    }
    if (kind === 'split') this.#isSplit = true;
    if (kind === 'slow-news') this.#newsIsSlow = true;
    this.#reconsider();
    return () => {
      for (const speaker of dying) {
        speaker.isDead = false;
        if (speaker.router !== undefined) this.#become(speaker, 'backup');
      }
      if (kind === 'split') this.#isSplit = false;
      if (kind === 'slow-news') this.#newsIsSlow = false;
      this.#reconsider();
    };
  }

  losePower(node: string): void {
    const speaker = this.#speakers.get(node);
    if (speaker === undefined) return;
    Object.assign(speaker, { router: undefined, state: 'unknown', ear: undefined });
    this.#reconsider();
  }

  port(node: string, life: Life): Vrrp | undefined {
    const speaker = this.#speakers.get(node);
    if (speaker === undefined) return undefined;
    const listeners = new Set<() => void>();
    const ear: Ear = { life, listeners, role: 'unknown', since: this.#time.now(), newsAt: 0 };
    speaker.ear = ear;
    this.#onTold(node, 'unknown');
    let isFirst = true;
    return {
      setDesired: ([router]) => {
        if (!life.step()) return;
        this.#ask(speaker, router);
        // The state of what an earlier process began is read once.
        if (isFirst) this.#news(speaker);
        isFirst = false;
      },
      role: (name) => (speaker.router?.name === name ? ear.role : 'unknown'),
      fault: () => undefined,
      onChange: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      stop: async () => {
        listeners.clear();
        return Promise.resolve();
      },
    };
  }

  #ask(speaker: Speaker, router: VirtualRouter | undefined): void {
    const before = speaker.router;
    speaker.router = router;
    // Nothing of what makes an election is changed by any story: address, id and interface of a LAN stay.
    const stays = before !== undefined && router !== undefined && before.name === router.name;
    if (!stays && before !== router && !speaker.isDead)
      this.#become(speaker, router === undefined ? 'unknown' : 'backup');
    this.#reconsider();
  }

  #candidates(): readonly Speaker[] {
    return [...this.#speakers.values()].filter(({ router, isDead }) => router !== undefined && !isDead);
  }

  /** Everything that follows by itself from the present state, each after its time and only if it still follows then. */
  #reconsider(): void {
    const { best, incumbent, masters } = this.#standing();
    if (this.#isSplit) for (const each of this.#candidates()) this.#soon(ELECTION_MS, () => this.#rise(each));
    else if (masters.length > 1) this.#soon(HEARD_MS, () => this.#yield());
    else if (best !== undefined && best !== incumbent) this.#soon(ELECTION_MS, () => this.#rise(best));
  }

  #standing() {
    const candidates = this.#candidates();
    const masters = candidates.filter(({ state }) => state === 'master').toSorted(byPriority);
    const incumbent = masters[0];
    const better = candidates.toSorted(byPriority)[0];
    const mayRise =
      incumbent === undefined || (better?.router?.preempt === true && priorityOf(better) > priorityOf(incumbent));
    return { masters, incumbent, best: mayRise ? better : incumbent };
  }

  #rise(speaker: Speaker): void {
    if (speaker.state === 'master' || !this.#candidates().includes(speaker)) return;
    if (!this.#isSplit && this.#standing().best !== speaker) return;
    this.#become(speaker, 'master');
    this.#reconsider();
  }

  #yield(): void {
    if (this.#isSplit) return;
    for (const speaker of this.#standing().masters.slice(1)) this.#become(speaker, 'backup');
    this.#reconsider();
  }

  #become(speaker: Speaker, state: VrrpRole): void {
    if (speaker.state === state) return;
    speaker.state = state;
    this.#news(speaker);
  }

  /** The process is told what is so now, after all that it was told before. */
  #news(speaker: Speaker): void {
    const { ear, state } = speaker;
    if (ear === undefined) return;
    const [least, most] = this.#newsIsSlow ? [NEWS_MS[0], SLOW_NEWS_MS] : NEWS_MS;
    ear.newsAt = Math.max(ear.newsAt, this.#time.now() + this.#random.between(least, most));
    this.#time.at(ear.newsAt, () => {
      if (ear.life.isOver() || ear.role === state) return;
      Object.assign(ear, { role: state, since: this.#time.now() });
      this.#onTold(speaker.node, state);
      for (const listener of ear.listeners) listener();
    });
  }

  #soon([least, most]: readonly [number, number], run: () => void): void {
    this.#time.after(this.#random.between(least, most), run);
  }
}

function priorityOf({ router }: Speaker): number {
  return router?.priority ?? 0;
}

/** The best first; the order of routers decides between equals, as their addresses do. */
function byPriority(a: Speaker, b: Speaker): number {
  return priorityOf(b) - priorityOf(a) || (a.node < b.node ? 1 : -1);
}
