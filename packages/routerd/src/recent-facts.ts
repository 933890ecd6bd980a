/** The facts that were accepted lately, numbered, for those who watch: they ask with the last number that they have seen. */
import type { AcceptedFact } from '@routerd/federation';

/** Enough for a watcher that asks again at once; one that stays away longer is told how many it missed. */
const KEPT = 2000;

export interface RecentNews {
  readonly facts: readonly AcceptedFact[];
  /** Number of the last fact; to be asked with next. */
  readonly last: number;
  /** Facts that came since the number asked with, and are kept no more. */
  readonly missed: number;
}

export class RecentFacts {
  readonly #facts: AcceptedFact[] = [];
  readonly #waiting = new Set<() => void>();
  #last = 0;

  add(facts: readonly AcceptedFact[]): void {
    this.#facts.push(...facts.slice(-KEPT));
    this.#facts.splice(0, this.#facts.length - KEPT);
    this.#last += facts.length;
    for (const wake of this.#waiting) wake();
  }

  /** @param after undefined begins now: nothing that was before is told, only its number */
  since(after: number | undefined): RecentNews {
    const fresh = Math.max(0, this.#last - (after ?? this.#last));
    const kept = Math.min(fresh, this.#facts.length);
    return { facts: kept === 0 ? [] : this.#facts.slice(-kept), last: this.#last, missed: fresh - kept };
  }

  /** Resolves when there is something after that number, or `signal` aborts. */
  async until(after: number, signal: AbortSignal): Promise<void> {
    // A number of the daemon's life before this one is answered at once, so that the watcher learns of the present one.
    if (this.#last !== after || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#waiting.add(wake);
    signal.addEventListener('abort', wake, { once: true });
    await promise;
    this.#waiting.delete(wake);
    signal.removeEventListener('abort', wake);
  }
}
