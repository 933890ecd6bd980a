/** What a scenario came to over the rounds that it ran: verdicts, the worst gap of each round, and whether anything moved that had not to. */
import type { Evidence } from './evidence.ts';
import { quantile } from './measure/quantile.ts';
import { renderTable } from './progress.ts';

export interface Told {
  readonly scenario: { readonly id: string };
  readonly evidence: Pick<Evidence, 'passed' | 'flows' | 'moveCounts'>;
}

export interface Sums {
  readonly scenario: string;
  readonly runs: number;
  readonly passed: number;
  /** The longest gap of any flow, one for each run that probed; milliseconds. */
  readonly gaps: readonly number[];
  /** Probes that were never answered, over all runs. */
  readonly lost: number;
  readonly moves: { readonly expected: number; readonly counted: number };
}

/** In the order in which scenarios came first. */
export function sumsOf(outcomes: readonly Told[]): readonly Sums[] {
  return [...Map.groupBy(outcomes, ({ scenario }) => scenario.id)].map(([scenario, runs]) => {
    const counts = runs.flatMap(({ evidence }) => evidence.moveCounts);
    const flows = runs.map(({ evidence }) => evidence.flows);
    return {
      scenario,
      runs: runs.length,
      passed: runs.filter(({ evidence }) => evidence.passed).length,
      gaps: flows.filter(({ length }) => length > 0).map((each) => Math.max(...each.map((flow) => flow.longestGapMs))),
      lost: flows.flat().reduce((sum, { lostAt }) => sum + lostAt.length, 0),
      moves: {
        expected: counts.reduce((sum, { expected }) => sum + expected, 0),
        counted: counts.reduce((sum, { counted }) => sum + counted, 0),
      },
    };
  });
}

/** `-` where a scenario has no probes, or counts no moves. */
export function renderSums(sums: readonly Sums[]): string {
  return renderTable(
    ['SCENARIO', 'RUNS', 'PASSED', 'GAP: MEDIAN', 'WORST', 'LOST', 'MOVES'],
    sums.map(({ scenario, runs, passed, gaps, lost, moves }) => [
      scenario,
      `${runs}`,
      `${passed}`,
      gapText(gaps, 0.5) ?? '-',
      gapText(gaps, 1) ?? '-',
      gaps.length === 0 ? '-' : `${lost}`,
      movesText(moves),
    ]),
  );
}

/** `undefined` where nothing probed. */
export function gapText(gaps: readonly number[], q: number): string | undefined {
  const value = quantile(gaps, q);
  return value === undefined ? undefined : `${value.toFixed(0)} ms`;
}

export function movesText({ expected, counted }: Sums['moves']): string {
  if (expected === 0 && counted === 0) return '-';
  return expected === counted ? `${counted} of ${expected}` : `${counted} instead of ${expected}`;
}
