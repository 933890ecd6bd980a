/** Provider actions in numbers: the journal, and the calls of executors. */
import {
  ACTION_STATUSES,
  ERROR_CLASSES,
  type ActionRow,
  type ErrorClass,
  type ProviderExecutor,
} from '@routerd/actions';
import { PROVIDERS } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';
import { byLabel, countBy, type Family, type Metric } from './metric.ts';
import { Stopwatch } from './stopwatch.ts';

const ROWS: Metric<'status'> = {
  name: 'routerd_actions_journal_rows',
  kind: 'gauge',
  help: 'Rows of the journal by their state.',
  labels: ['status'],
};
const CALLS: Metric<'provider' | 'call' | 'outcome'> = {
  name: 'routerd_actions_calls_total',
  kind: 'counter',
  help: 'Calls of executors that ended: done, or the class of what went wrong; of several addresses the first that failed.',
  labels: ['provider', 'call', 'outcome'],
};
const DURATION: Metric<'provider' | 'call'> = {
  name: 'routerd_actions_call_duration_seconds',
  kind: 'histogram',
  help: 'How long calls of executors took.',
  labels: ['provider', 'call'],
};

export const ACTION_METRICS: readonly Metric[] = [ROWS, CALLS, DURATION];

const VERBS = ['execute', 'observe'] as const;
type Call = (typeof VERBS)[number];

/** Stands before the executor and counts what is asked of it. */
export class CountingExecutor implements ProviderExecutor {
  readonly #inner: ProviderExecutor;
  readonly #clock: Clock;
  readonly #counts = new Map<string, number>();
  readonly #times = new Stopwatch<'provider' | 'call'>(
    PROVIDERS.flatMap((provider) => VERBS.map((call) => ({ provider, call }))),
  );

  constructor(inner: ProviderExecutor, clock: Clock) {
    this.#inner = inner;
    this.#clock = clock;
  }

  async execute(
    ...[request, signal]: Parameters<ProviderExecutor['execute']>
  ): ReturnType<ProviderExecutor['execute']> {
    const startedAt = this.#clock.monotonic();
    const outcome = await this.#inner.execute(request, signal);
    const failed = outcome.ok
      ? outcome.value.results.find(({ status }) => status === 'failed')?.errorClass
      : outcome.error.errorClass;
    this.#count(request.nic.provider, 'execute', failed, startedAt);
    return outcome;
  }

  async observe(...[nic, signal]: Parameters<ProviderExecutor['observe']>): ReturnType<ProviderExecutor['observe']> {
    const startedAt = this.#clock.monotonic();
    const outcome = await this.#inner.observe(nic, signal);
    this.#count(nic.provider, 'observe', outcome.ok ? undefined : outcome.error.errorClass, startedAt);
    return outcome;
  }

  families(rows: readonly ActionRow[]): readonly Family[] {
    const outcomes = ['done', ...ERROR_CLASSES];
    const samples = PROVIDERS.flatMap((provider) =>
      VERBS.flatMap((call) =>
        outcomes.map((outcome) => ({
          labels: { provider, call, outcome },
          value: this.#counts.get(keyOf(provider, call, outcome)) ?? 0,
        })),
      ),
    );
    return [
      byLabel(
        ROWS,
        'status',
        ACTION_STATUSES,
        countBy(rows, ({ status }) => status),
      ),
      { metric: CALLS, samples },
      { metric: DURATION, distributions: this.#times.distributions() },
    ];
  }

  #count(provider: string, call: Call, failed: ErrorClass | undefined, startedAt: number): void {
    const key = keyOf(provider, call, failed ?? 'done');
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    this.#times.add({ provider, call }, this.#clock.monotonic() - startedAt);
  }
}

function keyOf(provider: string, call: Call, outcome: string): string {
  return `${provider} ${call} ${outcome}`;
}
