import { setTimeout as delay } from 'node:timers/promises';
import type { Instant, Monotonic } from '@routerd/resources';

/**
 * Time, as everything outside the pure packages gets it.
 * `now` is for stamps that leave the process; elapsed time is always computed from `monotonic`.
 */
export interface Clock {
  now(): Instant;
  monotonic(): Monotonic;
  /** Resolves at `until` (or at once when it has passed); resolves early, without error, when `signal` aborts. */
  sleepUntil(until: Monotonic, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now() as Instant,
  monotonic: () => performance.now() as Monotonic,
  async sleepUntil(until, signal) {
    // Timers count whole milliseconds, may come a part of one early, and hold at most 2^31-1.
    for (let wait = until - performance.now(); wait > 0 && !signal.aborted; wait = until - performance.now()) {
      try {
        await delay(Math.min(Math.ceil(wait), 2 ** 31 - 1), undefined, { signal });
      } catch (cause) {
        if (!signal.aborted) throw cause;
      }
    }
  },
};

/**
 * `now` goes on evenly from what `clock` said when this was made, whatever becomes of the wall clock afterwards. For what is only ever
 * compared within one process, such as how long ago something was heard; a stamp that leaves the process comes from `clock` itself.
 */
export function steadyClock(clock: Clock): Clock {
  const ahead = clock.now() - clock.monotonic();
  return {
    now: () => Math.round(ahead + clock.monotonic()) as Instant,
    monotonic: () => clock.monotonic(),
    sleepUntil: async (until, signal) => clock.sleepUntil(until, signal),
  };
}

/** A clock that stands still until told to go on. Sleepers wake in the order of their instants. */
export class ManualClock implements Clock {
  #elapsed = 0;
  readonly #start: Instant;
  readonly #sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();

  constructor(start: Instant) {
    this.#start = start;
  }

  now(): Instant {
    return (this.#start + this.#elapsed) as Instant;
  }

  monotonic(): Monotonic {
    return this.#elapsed as Monotonic;
  }

  async sleepUntil(until: Monotonic, signal: AbortSignal): Promise<void> {
    if (until <= this.#elapsed || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const sleeper = { until, wake: resolve };
      this.#sleepers.add(sleeper);
      signal.addEventListener(
        'abort',
        () => {
          this.#sleepers.delete(sleeper);
          resolve();
        },
        { once: true },
      );
    });
  }

  /** Moves time forward, waking each sleeper at its own instant. Work that a woken sleeper starts is the caller's to await. */
  advance(milliseconds: number): void {
    const end = this.#elapsed + milliseconds;
    for (;;) {
      const due = [...this.#sleepers]
        .filter((sleeper) => sleeper.until <= end)
        .toSorted((a, b) => a.until - b.until)[0];
      if (due === undefined) break;
      this.#elapsed = Math.max(this.#elapsed, due.until);
      this.#sleepers.delete(due);
      due.wake();
    }
    this.#elapsed = end;
  }
}
