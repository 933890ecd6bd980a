/** One timer for the earliest instant at which time alone could change a plan. */
import type { Instant, Monotonic } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';
import type { PoolState } from './pool-state.ts';

export class NextLook {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  #sleep = new AbortController();
  #at: Instant | undefined;

  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Sets the timer anew; `undefined` switches it off. The same instant again is no change. */
  schedule(at: Instant | undefined): void {
    if (at === this.#at) return;
    this.#sleep.abort();
    this.#at = at;
    if (at === undefined) return;
    this.#sleep = new AbortController();
    void this.#wait(at, this.#sleep.signal);
  }

  async #wait(at: Instant, signal: AbortSignal): Promise<void> {
    const until = (this.#clock.monotonic() + Math.max(0, at - this.#clock.now())) as Monotonic;
    await this.#clock.sleepUntil(until, signal);
    if (signal.aborted) return;
    this.#at = undefined;
    this.#onDue();
  }
}

/** The earliest instant that any plan of the pools named. */
export function earliestLook(pools: readonly PoolState[]): Instant | undefined {
  let next: Instant | undefined;
  for (const pool of pools) {
    const at = pool.nextLookAt();
    if (at !== undefined && (next === undefined || at < next)) next = at;
  }
  return next;
}
