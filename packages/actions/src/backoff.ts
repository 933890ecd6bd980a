/** When what failed is due again. Kept on the monotonic clock, so that a step of the wall clock neither storms nor stalls. */
import type { Monotonic } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';
import { backoffMs, slowBackoffMs } from './retry.ts';

interface Wait {
  readonly failures: number;
  readonly dueAt: Monotonic;
}

export class Backoff<Key> {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #waits = new Map<Key, Wait>();
  /** How often in a row a key has failed for good; outlives the attempt that follows. */
  readonly #slow = new Map<Key, number>();

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** One failure that all keys share: they become due together. @returns how long they wait, in ms */
  failed(keys: readonly Key[], retryAfterMs = 0): number {
    const failures = 1 + Math.max(0, ...keys.map((key) => this.#waits.get(key)?.failures ?? 0));
    const wait = backoffMs(failures, this.#random(), retryAfterMs);
    const dueAt = (this.#clock.monotonic() + wait) as Monotonic;
    for (const key of keys) this.#waits.set(key, { failures, dueAt });
    return wait;
  }

  /** A failure that trying again soon does not heal. @returns how long they wait, in ms */
  failedForGood(keys: readonly Key[]): number {
    const failures = 1 + Math.max(0, ...keys.map((key) => this.#slow.get(key) ?? 0));
    const wait = slowBackoffMs(failures, this.#random());
    const dueAt = (this.#clock.monotonic() + wait) as Monotonic;
    for (const key of keys) {
      this.#waits.set(key, { failures, dueAt });
      this.#slow.set(key, failures);
    }
    return wait;
  }

  /** Waits that an earlier process began. */
  resume(key: Key, waitMs: number): void {
    if (waitMs > 0) this.#waits.set(key, { failures: 1, dueAt: (this.#clock.monotonic() + waitMs) as Monotonic });
  }

  clear(key: Key): void {
    this.#waits.delete(key);
    this.#slow.delete(key);
  }

  /** Due now, without forgetting how often it has failed for good. */
  expire(key: Key): void {
    this.#waits.delete(key);
  }

  failures(key: Key): number {
    return this.#waits.get(key)?.failures ?? 0;
  }

  /** @param at now, unless several questions are to be about one moment */
  isDue(key: Key, at = this.#clock.monotonic()): boolean {
    const wait = this.#waits.get(key);
    return wait === undefined || wait.dueAt <= at;
  }

  /** The first of `keys` to become due; undefined when none waits. */
  earliest(keys: Iterable<Key>): Monotonic | undefined {
    let first: Monotonic | undefined;
    for (const key of keys) {
      const dueAt = this.#waits.get(key)?.dueAt;
      if (dueAt !== undefined && (first === undefined || dueAt < first)) first = dueAt;
    }
    return first;
  }
}
