/** What the figures of a scenario were over several runs of it. */
import type { Evidence } from './evidence.ts';
import { quantile } from './measure/quantile.ts';
import { renderTable } from './progress.ts';

export interface Told {
  readonly scenario: { readonly id: string };
  readonly evidence: Pick<Evidence, 'measurements' | 'tallies'>;
}

export interface Spread {
  readonly scenario: string;
  readonly name: string;
  readonly unit: 'ms' | '';
  /** In the order of the runs; a run in which it was not seen has none. */
  readonly values: readonly number[];
  /** Runs of that scenario. */
  readonly runs: number;
}

/** In the order in which scenarios and figures came first. A figure's name may tell how many packets were sent; that differs from run to run. */
export function spreadsOf(outcomes: readonly Told[]): readonly Spread[] {
  const byScenario = Map.groupBy(outcomes, ({ scenario }) => scenario.id);
  return [...byScenario].flatMap(([scenario, runs]) => {
    const figures = runs.flatMap(({ evidence }) => [
      ...evidence.measurements.map(({ name, milliseconds }) => ({ name, value: milliseconds, unit: 'ms' as const })),
      ...evidence.tallies.map(({ name, count }) => ({
        name: name.replace(/ of \d+$/, ''),
        value: count,
        unit: '' as const,
      })),
    ]);
    return [...Map.groupBy(figures, ({ name, unit }) => `${unit} ${name}`).values()].map((each) => ({
      scenario,
      name: each[0]?.name ?? '',
      unit: each[0]?.unit ?? '',
      values: each.flatMap(({ value }) => value ?? []),
      runs: runs.length,
    }));
  });
}

export function renderSpreads(spreads: readonly Spread[]): string {
  const text = (value: number | undefined, unit: Spread['unit']): string =>
    value === undefined
      ? '-'
      : `${value.toFixed(unit === 'ms' && value < 100 ? 1 : 0)}${unit === '' ? '' : ` ${unit}`}`;
  return renderTable(
    ['SCENARIO', 'LEAST', 'MEDIAN', 'MOST', 'SEEN', 'FIGURE'],
    spreads.map(({ scenario, name, unit, values, runs }) => [
      scenario,
      ...[0, 0.5, 1].map((q) => text(quantile(values, q), unit)),
      `${values.length} of ${runs}`,
      name,
    ]),
  );
}
