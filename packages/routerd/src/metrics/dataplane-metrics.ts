/** Changes and readings of the host in numbers. */
import type { Host, HostReconcilerStatus } from '@routerd/dataplane';
import type { Clock } from '@routerd/runtime';
import { byLabel, single, type Family, type Metric } from './metric.ts';
import { Stopwatch } from './stopwatch.ts';

const gauge = (name: string, help: string): Metric<never> => ({
  name: `routerd_dataplane_${name}`,
  kind: 'gauge',
  help,
  labels: [],
});
const OPS: Metric<'outcome'> = {
  name: 'routerd_dataplane_ops_total',
  kind: 'counter',
  help: 'Changes of the host that were tried, by what became of them.',
  labels: ['outcome'],
};
const REPAIRS: Metric<never> = {
  name: 'routerd_dataplane_repairs_total',
  kind: 'counter',
  help: 'Changes that landed right after a reading: what somebody else had changed, what had failed, and what was missing at the start.',
  labels: [],
};
const DURATION: Metric<'step'> = {
  name: 'routerd_dataplane_pass_duration_seconds',
  kind: 'histogram',
  help: 'How long it took to read the host, and to apply changes to it.',
  labels: ['step'],
};
const READINGS: Metric<never> = {
  name: 'routerd_dataplane_readings_total',
  kind: 'counter',
  help: 'Readings of the host.',
  labels: [],
};
const RESIDUAL = gauge('residual_ops', 'Changes that did not land at the last try; they are tried again.');
const SETTLED = gauge('settled', 'Whether the host is as it should be, as far as is known.');
const UNREADABLE = gauge('unreadable', 'Whether the last reading of the host failed.');
const OWNED = gauge('owned_objects', 'What was recorded to be put back or taken away by `routerd cleanup`.');

export const DATAPLANE_METRICS: readonly Metric[] = [
  OPS,
  REPAIRS,
  READINGS,
  DURATION,
  RESIDUAL,
  SETTLED,
  UNREADABLE,
  OWNED,
];

const STEPS = [{ step: 'observe' }, { step: 'apply' }] as const;

/** Stands before the host and times what is asked of it. */
export class TimedHost implements Host {
  readonly #inner: Host;
  readonly #clock: Clock;
  readonly #times = new Stopwatch<'step'>(STEPS);
  #residuals = 0;

  constructor(inner: Host, clock: Clock) {
    this.#inner = inner;
    this.#clock = clock;
  }

  async observe(...[sysctls]: Parameters<Host['observe']>): ReturnType<Host['observe']> {
    const startedAt = this.#clock.monotonic();
    const observed = await this.#inner.observe(sysctls);
    this.#times.add({ step: 'observe' }, this.#clock.monotonic() - startedAt);
    return observed;
  }

  async apply(...[ops]: Parameters<Host['apply']>): ReturnType<Host['apply']> {
    const startedAt = this.#clock.monotonic();
    const residuals = await this.#inner.apply(ops);
    this.#times.add({ step: 'apply' }, this.#clock.monotonic() - startedAt);
    this.#residuals += residuals.length;
    return residuals;
  }

  watch(...[listener]: Parameters<Host['watch']>): ReturnType<Host['watch']> {
    return this.#inner.watch(listener);
  }

  families(status: HostReconcilerStatus): readonly Family[] {
    const { opsLanded, opsRepaired, readings, residuals, settled, readingFault, owned } = status;
    const outcomes = new Map([
      ['landed', opsLanded],
      ['failed', this.#residuals],
    ]);
    return [
      byLabel(OPS, 'outcome', ['landed', 'failed'], outcomes),
      single(REPAIRS, opsRepaired),
      single(READINGS, readings),
      { metric: DURATION, distributions: this.#times.distributions() },
      single(RESIDUAL, residuals.length),
      single(SETTLED, Number(settled)),
      single(UNREADABLE, Number(readingFault !== undefined)),
      single(OWNED, owned.length),
    ];
  }
}
