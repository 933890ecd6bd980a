/** Counts how long things took, by the labels that they have. */
import type { Distribution } from './metric.ts';

/** Seconds: from a diff that finds nothing to a cloud that takes its time. */
const BOUNDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 120] as const;

export class Stopwatch<Label extends string> {
  readonly #byLabels = new Map<string, { labels: Readonly<Record<Label, string>>; counts: number[]; sum: number }>();

  /** @param labels shown at zero before anything was timed */
  constructor(labels: readonly Readonly<Record<Label, string>>[] = []) {
    for (const each of labels) this.#entry(each);
  }

  add(labels: Readonly<Record<Label, string>>, milliseconds: number): void {
    const entry = this.#entry(labels);
    const seconds = milliseconds / 1000;
    const at = BOUNDS.findIndex((bound) => seconds <= bound);
    const index = at === -1 ? BOUNDS.length : at;
    entry.counts[index] = (entry.counts[index] ?? 0) + 1;
    entry.sum += seconds;
  }

  distributions(): readonly Distribution<Label>[] {
    return [...this.#byLabels.values()].map(({ labels, counts, sum }) => {
      let count = 0;
      const buckets = BOUNDS.map((upTo, index) => ({ upTo, count: (count += counts[index] ?? 0) }));
      return { labels, buckets, sum, count: count + (counts[BOUNDS.length] ?? 0) };
    });
  }

  #entry(labels: Readonly<Record<Label, string>>) {
    const key = JSON.stringify(labels);
    const known = this.#byLabels.get(key) ?? { labels, counts: [], sum: 0 };
    this.#byLabels.set(key, known);
    return known;
  }
}
