/** One timer for the earliest instant at which time alone makes something due. */
import type { Monotonic } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';

export class Alarm {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  #sleep = new AbortController();
  #at: Monotonic | undefined;

  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Sets the timer anew; `undefined` switches it off. The same instant again is no change. */
  set(at: Monotonic | undefined): void {
    if (at === this.#at) return;
    this.#sleep.abort();
    this.#at = at;
    if (at === undefined) return;
    this.#sleep = new AbortController();
    void this.#wait(at, this.#sleep.signal);
  }

  async #wait(at: Monotonic, signal: AbortSignal): Promise<void> {
    await this.#clock.sleepUntil(at, signal);
    if (signal.aborted) return;
    this.#at = undefined;
    this.#onDue();
  }
}
