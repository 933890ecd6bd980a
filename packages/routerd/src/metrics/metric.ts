/** What is measured, as values: read when somebody asks, kept by nobody else. */

export const METRIC_KINDS = ['counter', 'gauge', 'histogram'] as const;

/** One row of the catalogue. Names end in a base unit, counters in `_total`; labels come from closed sets, never from addresses. */
export interface Metric<Label extends string = string> {
  readonly name: string;
  readonly kind: (typeof METRIC_KINDS)[number];
  readonly help: string;
  readonly labels: readonly Label[];
}

export interface Sample<Label extends string = string> {
  readonly labels: Readonly<Record<Label, string>>;
  readonly value: number;
}

/** How long things took. */
export interface Distribution<Label extends string = string> {
  readonly labels: Readonly<Record<Label, string>>;
  /** Upper bounds in seconds, growing, and how many were at most that long. The last of all is `count`. */
  readonly buckets: readonly { readonly upTo: number; readonly count: number }[];
  readonly sum: number;
  readonly count: number;
}

export type Family =
  | { readonly metric: Metric; readonly samples: readonly Sample[] }
  | { readonly metric: Metric; readonly distributions: readonly Distribution[] };

/** A sample of a metric that has no labels. */
export function single(metric: Metric<never>, value: number): Family {
  return { metric, samples: [{ labels: {}, value }] };
}

/** Of a closed set each member has its sample, zero where nothing was counted; what else was counted is added. */
export function byLabel<Label extends string>(
  metric: Metric<Label>,
  label: Label,
  members: readonly string[],
  counts: ReadonlyMap<string, number>,
): Family {
  const values = [...new Set([...members, ...counts.keys()])];
  const samples = values.map((value) => ({ labels: { [label]: value }, value: counts.get(value) ?? 0 }));
  return { metric, samples };
}

export function countBy<T>(items: Iterable<T>, name: (item: T) => string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(name(item), (counts.get(name(item)) ?? 0) + 1);
  return counts;
}
