/** The process in numbers. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { single, type Family, type Metric } from './metric.ts';

const gauge = <Label extends string = never>(name: string, help: string, ...labels: Label[]): Metric<Label> => ({
  name: `routerd_process_${name}`,
  kind: 'gauge',
  help,
  labels,
});

const RESIDENT = gauge('resident_memory_bytes', 'Memory that the process has in RAM.');
const HEAP = gauge('heap_used_bytes', 'Memory of live and dead values on the heap of JavaScript.');
const STARTED = gauge('start_time_seconds', 'When the process began, since 1970.');
const CPU: Metric<never> = {
  name: 'routerd_process_cpu_seconds_total',
  kind: 'counter',
  help: 'Time of a processor, in user and in kernel mode.',
  labels: [],
};
const LAG = gauge('event_loop_lag_seconds', 'How late timers fire, since the metrics were read last.', 'quantile');
const BUILD = gauge('build_info', 'Always 1; the version is in the label.', 'version', 'node_version');

export const PROCESS_METRICS: readonly Metric[] = [BUILD, STARTED, CPU, RESIDENT, HEAP, LAG];

/** Its own resolution is part of every delay that it measures, and is taken off. */
const RESOLUTION_MS = 20;
const QUANTILES = [
  ['0.5', 50],
  ['0.99', 99],
  ['1', 100],
] as const;

export class ProcessMeter {
  readonly #delays: ReturnType<typeof monitorEventLoopDelay>;
  readonly #version: string;

  constructor(version: string) {
    this.#version = version;
    this.#delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#delays.enable();
  }

  families(): readonly Family[] {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    const lag = QUANTILES.map(([quantile, percentile]) => {
      const milliseconds = this.#delays.percentile(percentile) / 1e6 - RESOLUTION_MS;
      return { labels: { quantile }, value: this.#delays.count === 0 ? 0 : Math.max(0, milliseconds) / 1000 };
    });
    this.#delays.reset();
    return [
      { metric: BUILD, samples: [{ labels: { version: this.#version, node_version: process.version }, value: 1 }] },
      single(STARTED, performance.timeOrigin / 1000),
      single(CPU, (user + system) / 1e6),
      single(RESIDENT, rss),
      single(HEAP, heapUsed),
      { metric: LAG, samples: lag },
    ];
  }

  stop(): void {
    this.#delays.disable();
  }
}
