/** Who is master of one virtual address, by priorities and by who hears whom. Elections take their time. */
import type { VirtualRouter, VrrpRole } from '@routerd/dataplane';
import type { Life } from './life.ts';
import type { SeededRandom } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A silent master is missed after three advertisements and some; a better one that pre-empts waits as long. */
const ELECTION_MS = [900, 3600] as const;
/** A master hears a better one at its next advertisement. */
const HEARD_MS = [1, 300] as const;

/** What one process knows. */
export interface Ear {
  readonly life: Life;
  readonly listeners: Set<() => void>;
  /** By name of the VirtualAddress; since when, in milliseconds of the simulation. */
  readonly roles: Map<string, { readonly role: VrrpRole; readonly since: number }>;
  readonly since: number;
  /** When the last news that is on its way arrives. */
  newsAt: number;
}

export interface VrrpElectionOptions {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly isDead: (node: string) => boolean;
  /** Nobody hears anybody. */
  readonly isSplit: () => boolean;
  readonly onState: (node: string, state: VrrpRole) => void;
}

interface Speaker {
  readonly node: string;
  readonly router: VirtualRouter;
  readonly state: VrrpRole;
}

export class VrrpElection {
  readonly #options: VrrpElectionOptions;
  /** Of the routers on which keepalived was asked for it since the machine has power. */
  readonly #speakers = new Map<string, Speaker>();

  constructor(options: VrrpElectionOptions) {
    this.#options = options;
  }

  stateOf(node: string): VrrpRole {
    return this.#speakers.get(node)?.state ?? 'unknown';
  }

  /** @param router undefined: it is wanted no more, or the machine has lost power */
  ask(node: string, router: VirtualRouter | undefined): void {
    const before = this.#speakers.get(node);
    if (router === undefined) {
      if (!this.#speakers.delete(node)) return;
      if (before?.state !== 'unknown') this.#options.onState(node, 'unknown');
    } else if (before !== undefined && isSame(before.router, router)) this.#speakers.set(node, { ...before, router });
    else {
      const state = this.#options.isDead(node) ? 'unknown' : 'backup';
      this.#speakers.set(node, { node, router, state });
      this.#options.onState(node, state);
    }
    this.weigh();
  }

  /** Everything that follows by itself from the present state, each after its time and only if it still follows then. */
  weigh(): void {
    const { isDead, isSplit } = this.#options;
    for (const { node, state } of this.#speakers.values()) {
      if (isDead(node)) this.#become(node, 'unknown');
      else if (state === 'unknown') this.#become(node, 'backup');
    }
    const { best, incumbent, masters } = this.#standing();
    if (isSplit()) for (const { node } of this.#living()) this.#soon(ELECTION_MS, () => this.#rise(node));
    else if (masters.length > 1) this.#soon(HEARD_MS, () => this.#yield());
    else if (best !== undefined && best !== incumbent) this.#soon(ELECTION_MS, () => this.#rise(best.node));
  }

  #living(): readonly Speaker[] {
    return [...this.#speakers.values()].filter(({ node }) => !this.#options.isDead(node));
  }

  #standing() {
    const living = this.#living().toSorted(bestFirst);
    const masters = living.filter(({ state }) => state === 'master');
    const [incumbent] = masters;
    const [better] = living;
    const mayRise =
      incumbent === undefined ||
      (better?.router.preempt === true && better.router.priority > incumbent.router.priority);
    return { masters, incumbent, best: mayRise ? better : incumbent };
  }

  #rise(node: string): void {
    if (this.stateOf(node) !== 'backup') return;
    if (!this.#options.isSplit() && this.#standing().best?.node !== node) return;
    this.#become(node, 'master');
    this.weigh();
  }

  #yield(): void {
    if (this.#options.isSplit()) return;
    for (const { node } of this.#standing().masters.slice(1)) this.#become(node, 'backup');
    this.weigh();
  }

  #become(node: string, state: VrrpRole): void {
    const speaker = this.#speakers.get(node);
    if (speaker === undefined || speaker.state === state) return;
    this.#speakers.set(node, { ...speaker, state });
    this.#options.onState(node, state);
  }

  #soon([least, most]: readonly [number, number], run: () => void): void {
    this.#options.time.after(this.#options.random.between(least, most), run);
  }
}

/** With any of it changed it is another election. */
function isSame(a: VirtualRouter, b: VirtualRouter): boolean {
  return (
    a.interface === b.interface &&
    a.address === b.address &&
    a.virtualRouterId === b.virtualRouterId &&
    a.passwordFile === b.passwordFile
  );
}

/** The order of routers decides between equals, as their addresses do. */
function bestFirst(a: Speaker, b: Speaker): number {
  return b.router.priority - a.router.priority || (a.node < b.node ? 1 : -1);
}
