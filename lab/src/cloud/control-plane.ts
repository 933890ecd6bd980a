/** The vendor's control plane: one address space, changed atomically, followed by the fabric some time later. */
import type { Monotonic, Result } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';
import { createAddressSpace, type AddressSpace } from './address-space.ts';
import type { CloudConfig } from './cloud-config.ts';
import { knobs, type Knobs } from './control-messages.ts';
import { fabricViewOf, type FabricView } from './fabric-view.ts';

/** How long snapshots are kept for readers that are told old news; the largest read lag that works. */
const HISTORY_MS = 60_000;

/** What a named card does to the knobs, and until when (monotonic). */
interface Turned {
  readonly card: string;
  readonly change: Partial<Knobs>;
  readonly until: number;
}

export interface ControlPlaneParts {
  readonly clock: Clock;
  /** `Fabric.follow`. */
  readonly follow: (view: FabricView, at: Monotonic) => void;
}

export class ControlPlane {
  readonly config: CloudConfig;
  readonly clock: Clock;
  readonly #follow: ControlPlaneParts['follow'];
  readonly #stopped = new AbortController();
  #space: AddressSpace;
  #history: readonly { readonly from: Monotonic; readonly space: AddressSpace }[];
  #knobs: Knobs = knobs.parse({});
  #turned: readonly Turned[] = [];
  readonly #listeners: ((before: AddressSpace, after: AddressSpace) => void)[] = [];

  constructor(config: CloudConfig, { clock, follow }: ControlPlaneParts) {
    this.config = config;
    this.clock = clock;
    this.#follow = follow;
    this.#space = createAddressSpace(config);
    this.#history = [{ from: clock.monotonic(), space: this.#space }];
  }

  /** With what named cards have turned, as long as they last. */
  get knobs(): Knobs {
    const now = this.clock.monotonic();
    const turned = this.#turned.filter(({ until }) => until > now);
    return turned.reduce((merged, { change }) => ({ ...merged, ...change }), this.#knobs);
  }

  /** Names of the cards that turn a knob now. */
  get turnedBy(): readonly string[] {
    const now = this.clock.monotonic();
    return this.#turned.filter(({ until }) => until > now).map(({ card }) => card);
  }

  set knobs(value: Knobs) {
    this.#knobs = value;
    this.#turned = [];
  }

  turn(card: string, change: Partial<Knobs>, forMs = Number.POSITIVE_INFINITY): void {
    this.turnBack(card);
    this.#turned = [...this.#turned, { card, change, until: this.clock.monotonic() + forMs }];
  }

  /** @param card all of them, without */
  turnBack(card?: string): void {
    this.#turned = card === undefined ? [] : this.#turned.filter((each) => each.card !== card);
  }

  /** How long a mutating call takes now; for Azure and GCP its operation. */
  get mutationMs(): number {
    return this.config.mutationDelayMs + this.knobs.latencyMs;
  }

  /** Whether somebody has taken that permission from the caller, for the services that tell of permissions. */
  isDenied: (call: { readonly operation: string; readonly principal: string; readonly mutating: boolean }) => boolean =
    () => false;

  get space(): AddressSpace {
    return this.#space;
  }

  /** What describes and lists tell: eventually consistent when `readLagMs` is set. */
  get seen(): AddressSpace {
    const until = this.clock.monotonic() - this.knobs.readLagMs;
    return (this.#history.findLast(({ from }) => from <= until) ?? this.#history[0])?.space ?? this.#space;
  }

  /** Decides on the space as it is when the call's time is over; nothing comes in between. The fabric follows. */
  async change<E>(decide: (space: AddressSpace) => Result<AddressSpace, E>): Promise<Result<AddressSpace, E>> {
    await this.pause(this.mutationMs);
    return this.changeNow(decide);
  }

  changeNow<E>(decide: (space: AddressSpace) => Result<AddressSpace, E>): Result<AddressSpace, E> {
    const decided = decide(this.#space);
    if (!decided.ok || decided.value === this.#space) return decided;
    const now = this.clock.monotonic();
    const before = this.#space;
    this.#space = decided.value;
    for (const listener of this.#listeners) listener(before, this.#space);
    const recent = this.#history.findLastIndex(({ from }) => from < now - HISTORY_MS);
    this.#history = [...this.#history.slice(Math.max(0, recent)), { from: now, space: this.#space }];
    if (this.#space.nics === before.nics) return decided; // packets go where they went
    // A brand of its own for sums of instants and durations would say no more than this line.
    this.#follow(fabricViewOf(this.#space), (now + this.config.fabricDelayMs + this.knobs.fabricLagMs) as Monotonic);
    return decided;
  }

  async pause(milliseconds: number): Promise<void> {
    await this.clock.sleepUntil((this.clock.monotonic() + milliseconds) as Monotonic, this.#stopped.signal);
  }

  /** Told of every change, when it is made, for good. */
  onChange(listener: (before: AddressSpace, after: AddressSpace) => void): void {
    this.#listeners.push(listener);
  }

  /** Aborts when every pause ends. */
  get stopped(): AbortSignal {
    return this.#stopped.signal;
  }

  /** Ends every pause. */
  stop(): void {
    this.#stopped.abort();
  }
}
