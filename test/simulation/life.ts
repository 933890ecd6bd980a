/**
 * One run of a node's process. When it is over, nothing that the code of that run still does reaches the world: calls that return a
 * promise never return, the others change nothing. So a crash may come at any call that a node makes, before or after its effect.
 */
import { instant, type Instant, type Monotonic } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';
import type { VirtualTime } from './virtual-time.ts';

/** More calls than any honest work of one instant: a loop that never waits. */
const CALLS_PER_INSTANT_MAX = 100_000;

export class Life {
  readonly #onOver: () => void;
  readonly #onBusyLoop: () => void;
  readonly #time: VirtualTime;
  readonly #ended = Promise.withResolvers<void>();
  #isOver = false;
  #callsLeft = Number.POSITIVE_INFINITY;
  #callsNow = 0;
  #countedAt = 0;

  constructor(time: VirtualTime, on: { readonly over: () => void; readonly busyLoop: () => void }) {
    this.#time = time;
    this.#onOver = on.over;
    this.#onBusyLoop = on.busyLoop;
  }

  /** Resolves when it is over, so that nobody waits for a process that died. */
  get over(): Promise<void> {
    return this.#ended.promise;
  }

  isOver(): boolean {
    return this.#isOver;
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ended.resolve();
    this.#onOver();
  }

  /** The process dies at its n-th call to the world from now on. */
  endAfterCalls(calls: number): void {
    this.#callsLeft = Math.min(this.#callsLeft, calls);
  }

  /** Told before and after each call that matters. @returns false when the process does not live (any more) */
  step(): boolean {
    if (this.#isOver) return false;
    this.#callsLeft -= 1;
    if (this.#callsLeft <= 0) this.end();
    return !this.#isOver;
  }

  /** Counts cheap calls too, so that a loop that never waits is found instead of hanging the simulation. */
  count(): void {
    const now = this.#time.instants();
    if (now !== this.#countedAt) {
      this.#countedAt = now;
      this.#callsNow = 0;
    }
    this.#callsNow += 1;
    if (this.#callsNow < CALLS_PER_INSTANT_MAX) return;
    this.#onBusyLoop();
    this.end();
    throw new Error('a busy loop was stopped');
  }

  /** A call that takes its effect at once, unless the process died before. */
  act<T>(ifOver: T, effect: () => T): T {
    if (!this.step()) return ifOver;
    const result = effect();
    this.step();
    return result;
  }

  /** A call that is answered later; what was begun goes on in the world without the process. */
  async ask<T>(effect: () => Promise<T>): Promise<T> {
    if (!this.step()) return never();
    const result = await effect();
    return this.step() ? result : never();
  }
}

export async function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}

interface Sleeper {
  /** As the machine's oscillator counts. */
  readonly until: number;
  readonly wake: () => void;
  cancel: () => void;
}

/**
 * The clocks of a machine: one oscillator, which may run slow or fast, and what is counted from it. The wall clock may be wrong besides, and may
 * jump; the monotonic one begins anew with each power cut.
 */
export class MachineClock {
  readonly #time: VirtualTime;
  readonly #epoch: Instant;
  readonly #sleepers = new Set<Sleeper>();
  /** Milliseconds that the wall clock is ahead, beside what its oscillator has gained. */
  skew = 0;
  /** What the oscillator counts in a true millisecond. */
  #rate = 1;
  /** Since then it has been counting at this rate, true time and its own; the same while it was never wrong. */
  #since = { time: 0, counted: 0 };
  #startedAt = 0;

  constructor(time: VirtualTime, epoch: Instant) {
    this.#time = time;
    this.#epoch = epoch;
  }

  powerOn(): void {
    this.#startedAt = this.#counted();
  }

  /** @param ppm how many millionths too fast; negative: too slow */
  drift(ppm: number): void {
    this.#since = { time: this.#time.now(), counted: this.#counted() };
    this.#rate = 1 + ppm / 1_000_000;
    for (const sleeper of this.#sleepers) {
      sleeper.cancel();
      sleeper.cancel = this.#wakeAt(sleeper);
    }
  }

  forLife(life: Life): Clock {
    const startedAt = this.#startedAt;
    return {
      now: () => {
        life.count();
        return instant(Math.floor(this.#epoch + this.#counted() + this.skew));
      },
      monotonic: () => {
        life.count();
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this is the clock that makes them
        return (this.#counted() - startedAt) as Monotonic;
      },
      sleepUntil: async (until, signal) => {
        life.count();
        if (life.isOver()) return never();
        await this.#sleepUntil(until + startedAt, signal);
        return life.isOver() ? never() : undefined;
      },
    };
  }

  #counted(): number {
    const { time, counted } = this.#since;
    return counted + (this.#time.now() - time) * this.#rate;
  }

  async #sleepUntil(until: number, signal: AbortSignal): Promise<void> {
    if (until <= this.#counted() || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const onAbort = (): void => {
        sleeper.cancel();
        sleeper.wake();
      };
      const sleeper: Sleeper = {
        until,
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
        cancel: () => undefined,
      };
      sleeper.cancel = this.#wakeAt(sleeper);
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** @returns cancels it */
  #wakeAt({ until, wake }: Sleeper): () => void {
    const { time, counted } = this.#since;
    const at = time + (until - counted) / this.#rate;
    // What was rounded down would wake it before its instant; whole milliseconds wake many at once, as timers of a kernel do.
    return this.#time.at(this.#rate === 1 && time === counted ? at : Math.ceil(at + ROUNDING_MS), wake);
  }
}

/** Far more than the error of a sum of two numbers below 2^40. */
const ROUNDING_MS = 1e-3;
