/**
 * How often this node may claim one capture. Two routers that each take themselves for the better one, because they run with different
 * documents of the pool or cannot hear each other, would take an address from each other as fast as the registry answers.
 */
import type { CaptureKey } from '@routerd/mobility';
import type { Monotonic } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';

/** A failover, its return and one mistake: nobody waits for these. */
const FREE_CLAIMS = 3;
const WAIT_MS_FIRST = 1000;
const WAIT_MS_MAX = 30_000;
/** After so long without a claim of the key the first ones are free again, in ms. */
const FORGOTTEN_AFTER_MS = 60_000;

interface Run {
  readonly claims: number;
  readonly lastAt: Monotonic;
}

export class ClaimPace {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #runs = new Map<CaptureKey, Run>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** @returns when the key may be claimed (again); `now` or before when it may be claimed now, whatever the clock says since `now` was read */
  mayClaimAt(key: CaptureKey, now: Monotonic): Monotonic {
    const run = this.#runOf(key);
    if (run === undefined || run.claims < FREE_CLAIMS) return now;
    const wait = Math.min(WAIT_MS_MAX, WAIT_MS_FIRST * 2 ** (run.claims - FREE_CLAIMS));
    return (run.lastAt + wait) as Monotonic;
  }

  claimed(key: CaptureKey): void {
    const claims = (this.#runOf(key)?.claims ?? 0) + 1;
    this.#runs.set(key, { claims, lastAt: this.#clock.monotonic() });
  }

  #runOf(key: CaptureKey): Run | undefined {
    const run = this.#runs.get(key);
    if (run === undefined || this.#clock.monotonic() - run.lastAt < FORGOTTEN_AFTER_MS) return run;
    this.#runs.delete(key);
    return undefined;
  }
}
