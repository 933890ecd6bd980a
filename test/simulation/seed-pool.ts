/**
 * Plays seeds on several processors. Seeds are handed out one by one in their order, so a large world keeps one thread and not the others;
 * what is told in the end depends on the seeds alone: the lowest that goes wrong, whichever thread found its own first.
 */
import { Worker } from 'node:worker_threads';
import type { TopologyBounds } from './topology.ts';
import type { Violation } from './violation.ts';

export interface SeedOutcome {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly convergedAfterMs: number | undefined;
}

export interface SeedPoolOptions {
  readonly bounds: TopologyBounds;
  readonly from: number;
  /** How many seeds at most; may be infinite. */
  readonly count: number;
  readonly jobs: number;
  /** Asked before each seed is handed out. */
  readonly isTimeUp: () => boolean;
  /** @param resumeAt the lowest seed that was not played to its end: all below it are well, or told of */
  readonly onPlayed: (outcome: SeedOutcome, resumeAt: number) => void;
}

/** A simulation makes much that is short-lived: a young generation of the usual 16 MiB is collected four times as often. */
const YOUNG_MIB = 64;

/** @returns the lowest seed that went wrong; undefined when none did. Throws what a thread died of. */
export async function playSeeds(options: SeedPoolOptions): Promise<SeedOutcome | undefined> {
  const pool = new SeedPool(options);
  return pool.play();
}

class SeedPool {
  readonly #options: SeedPoolOptions;
  readonly #end: number;
  #next: number;
  readonly #playing = new Set<number>();
  #wrong: SeedOutcome | undefined;

  constructor(options: SeedPoolOptions) {
    this.#options = options;
    this.#next = options.from;
    this.#end = options.from + options.count;
  }

  async play(): Promise<SeedOutcome | undefined> {
    const jobs = Math.max(1, Math.min(this.#options.jobs, this.#options.count));
    await Promise.all(Array.from({ length: jobs }, async () => this.#runWorker()));
    return this.#wrong;
  }

  async #runWorker(): Promise<void> {
    const worker = new Worker(new URL('seed-worker.ts', import.meta.url), {
      workerData: this.#options.bounds,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB, maxOldGenerationSizeMb: 8192 },
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    worker.once('error', reject);
    worker.once('exit', () => resolve());
    worker.on('message', (outcome: SeedOutcome) => {
      this.#playing.delete(outcome.seed);
      this.#options.onPlayed(outcome, Math.min(this.#next, ...this.#playing));
      if (outcome.violations.length > 0 && outcome.seed < (this.#wrong?.seed ?? Infinity)) this.#wrong = outcome;
      this.#handOut(worker);
    });
    this.#handOut(worker);
    await promise;
  }

  /** After a seed that went wrong none is handed out; those below it are played already, or being played. */
  #handOut(worker: Worker): void {
    if (this.#wrong !== undefined || this.#next >= this.#end || this.#options.isTimeUp()) {
      void worker.terminate();
      return;
    }
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage(this.#next);
    this.#playing.add(this.#next);
    this.#next += 1;
  }
}
