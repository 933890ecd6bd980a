/** How far a run over many seeds is, in words. */
import type { SeedOutcome } from './seed-pool.ts';

export interface SeedRange {
  readonly from: number;
  /** How many seeds at most; may be infinite. */
  readonly count: number;
  /** As they were asked for; the next run takes as many. */
  readonly minutes?: string;
}

export class SeedProgress {
  readonly #range: SeedRange;
  readonly #elapsedMs: () => number;
  #played = 0;
  #resumeAt: number;
  #slowest = { seed: 0, ms: -1 };

  /** @param elapsedMs since the run began */
  constructor(range: SeedRange, elapsedMs: () => number) {
    this.#range = range;
    this.#elapsedMs = elapsedMs;
    this.#resumeAt = range.from;
  }

  /** @param resumeAt the lowest seed that was not played to its end */
  note({ seed, convergedAfterMs: ms = 0 }: SeedOutcome, resumeAt: number): void {
    this.#played += 1;
    this.#resumeAt = resumeAt;
    // Which thread was quicker must not show.
    if (ms > this.#slowest.ms || (ms === this.#slowest.ms && seed < this.#slowest.seed)) this.#slowest = { seed, ms };
  }

  line(): string {
    const { count } = this.#range;
    if (!Number.isFinite(count)) return `${this.summary()}, all below ${this.#resumeAt} done`;
    const share = Math.floor((this.#played / count) * 100);
    const left = this.#played === 0 ? '' : `, about ${durationOf((count - this.#played) / this.#perMs())} to go`;
    return `${this.#played} of ${count} seeds (${share} %), ${this.#rate()}, all below ${this.#resumeAt} done${left}`;
  }

  /** What was played, and how fast. */
  summary(): string {
    return `${this.#played} seeds from ${this.#range.from}, ${this.#rate()}`;
  }

  /** Which story took longest, in its own time, until everybody was served again; undefined before one was played. */
  slowest(): { readonly seed: number; readonly ms: number } | undefined {
    return this.#played === 0 ? undefined : this.#slowest;
  }

  /** Whether all seeds were played that there were to be. */
  isComplete(): boolean {
    return this.#resumeAt >= this.#range.from + this.#range.count;
  }

  /** The arguments that play the rest. */
  rest(): string {
    const { from, count, minutes } = this.#range;
    const seeds = Number.isFinite(count) ? ` --seeds ${from + count - this.#resumeAt}` : '';
    return `--from ${this.#resumeAt}${seeds}${minutes === undefined ? '' : ` --minutes ${minutes}`}`;
  }

  #perMs(): number {
    return this.#played / Math.max(1, this.#elapsedMs());
  }

  #rate(): string {
    return `${(this.#perMs() * 1000).toFixed(1)} seeds/s`;
  }
}

function durationOf(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return `${Math.ceil(ms / 1000)} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
