/** One timer for the earliest instant at which time alone makes something due. */
import type { Instant, Monotonic } from '@routerd/resources';
import type { Clock } from './clock.ts';

/** Nobody asks for the reason; without one each abort would make an exception with its stack. */
const SET_ANEW = 'set anew';

export class Alarm {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  #sleep = new AbortController();
  #at: Instant | Monotonic | undefined;

  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Sets the timer anew; `undefined` switches it off. The same instant again is no change. */
  set(at: Monotonic | undefined): void {
    this.#change(at, () => at ?? this.#clock.monotonic());
  }

  /** As {@link set}, by the clock's `now`: how long to wait is reckoned once, when it is set. */
  setInstant(at: Instant | undefined): void {
    const until = (): number => this.#clock.monotonic() + Math.max(0, (at ?? 0) - this.#clock.now());
    this.#change(at, () => until() as Monotonic);
  }

  #change(at: Instant | Monotonic | undefined, until: () => Monotonic): void {
    if (at === this.#at) return;
    this.#sleep.abort(SET_ANEW);
    this.#at = at;
    if (at === undefined) return;
    this.#sleep = new AbortController();
    void this.#wait(until(), this.#sleep.signal);
  }

  async #wait(until: Monotonic, signal: AbortSignal): Promise<void> {
    await this.#clock.sleepUntil(until, signal);
    if (signal.aborted) return;
    this.#at = undefined;
    this.#onDue();
  }
}
