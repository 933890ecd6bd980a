/** One run from its request to its part: asks the plugin, judges what it says, and stores what may count. */
import { digestOf, type OfferedPart, type PartStore } from '@routerd/config';
import {
  err,
  ok,
  type DurationMs,
  type Instant,
  type Resource,
  type ResourceOf,
  type Result,
} from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import type { FactEvent } from './fact-event.ts';
import { judgeResult, type PartGrant } from './judge-result.ts';
import { pluginRequest, type PluginRequest } from './plugin-request.ts';
import type {
  ConfigView,
  FactPublisher,
  Observation,
  ObservedFact,
  PluginRun,
  PluginRunner,
  RunFault,
  RunReport,
  RunStore,
  StandingFacts,
} from './ports.ts';
import { annotated, batchSource, partChanges } from './subscription-part.ts';
import type { RunTrigger } from './trigger-state.ts';

export interface RunOrder {
  readonly plugin: ResourceOf<'Plugin'>;
  readonly trigger: RunTrigger;
  readonly events: readonly FactEvent[];
  /** The subscription that asks; undefined for the plugin's own runs. */
  readonly subscription: string | undefined;
  /** Of the sources that let the plugin's own runs become configuration, the shortest; undefined if there is none. */
  readonly ttlMax: DurationMs | undefined;
  /** `dry-run` asks the plugin and stores nothing: no part, no fact, no run. */
  readonly mode: 'dry-run' | 'apply';
}

export interface RunOutcome {
  readonly request: PluginRequest;
  readonly run: Omit<PluginRun, 'id'>;
  /** What the result makes, or would make; undefined if nothing is declared. */
  readonly part: (OfferedPart & { readonly generation: number }) | undefined;
}

export interface RunPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly runner: PluginRunner;
  readonly runs: RunStore;
  readonly parts: PartStore;
  readonly config: ConfigView;
  readonly publish: FactPublisher;
  /** Without it facts end by their time alone. */
  readonly standing?: StandingFacts;
}

export class RunPerformer {
  readonly #ports: RunPorts;
  #startupHash: string | undefined;
  #generation = 0;
  #seen: readonly Resource[] | undefined;

  constructor(ports: RunPorts) {
    this.#ports = ports;
  }

  /** Never rejects. A run that was cancelled, and a dry one, leaves no trace. */
  async perform(order: RunOrder, signal: AbortSignal): Promise<RunOutcome> {
    const { clock, runner } = this.#ports;
    const startedAt = clock.now();
    const source = sourceOf(order);
    const previous = stored(() => this.#ports.parts.newest(source)?.generation ?? 0);
    const request = this.#request(order, previous.ok ? previous.value : 0, startedAt);
    const report = previous.ok ? await runner.run(order.plugin, request, signal) : notStarted(previous.error);
    const settled = this.#settle(order, source, previous.ok ? previous.value : 0, report);
    const run = runOf(order, { startedAt, endedAt: clock.now(), report, settled });
    if (leavesTrace(order, run)) this.#remember(run);
    return { request, run, part: settled.part };
  }

  #request({ plugin, trigger, events }: RunOrder, previousDynamicGeneration: number, now: Instant): PluginRequest {
    const { config } = this.#ports;
    this.#startupHash ??= digestOf(config.startup);
    const effective = config.effective();
    if (effective !== this.#seen) this.#generation += 1;
    this.#seen = effective;
    return pluginRequest({
      plugin,
      trigger,
      events,
      effective,
      startupConfigHash: this.#startupHash,
      effectiveGeneration: this.#generation,
      previousDynamicGeneration,
      now,
    });
  }

  #settle(order: RunOrder, source: string, previousGeneration: number, { outcome }: RunReport): Settled {
    if (!outcome.ok) return failed(outcome.error);
    const now = this.#ports.clock.now();
    const grant: PartGrant | undefined =
      order.subscription === undefined && order.ttlMax === undefined
        ? undefined
        : { source, ttlMax: order.ttlMax, mayMask: order.subscription === undefined };
    const judged = judgeResult(outcome.value, { plugin: order.plugin, grant, previousGeneration, now });
    if (!judged.ok) return failed(judged.error);
    const notes = [...judged.value.notes, ...this.#publish(order, outcome.value)];
    const { part } = judged.value;
    if (part === undefined)
      return { result: 'Observed', message: 'observed', notes, fault: undefined, part: undefined };
    const kept = this.#store(order, part, previousGeneration, now);
    if (!kept.ok) return { ...failed(kept.error), notes };
    if (kept.value === undefined)
      return {
        result: 'Applied',
        message: 'applied: nothing is left to declare',
        notes,
        fault: undefined,
        part: undefined,
      };
    const reason = this.#ports.config.rejection(kept.value);
    return reason === undefined
      ? { result: 'Applied', message: 'applied', notes, fault: undefined, part: kept.value }
      : { result: 'Rejected', message: reason, notes, fault: undefined, part: kept.value };
  }

  #store(
    order: RunOrder,
    offered: OfferedPart,
    previousGeneration: number,
    now: Instant,
  ): Result<RunOutcome['part'], RunFault> {
    const { parts } = this.#ports;
    const { subscription, events } = order;
    const part =
      subscription === undefined
        ? offered
        : { ...offered, resources: annotated(offered.resources, offered.source, events) };
    const numbered = { ...part, generation: previousGeneration + 1 };
    if (order.mode === 'dry-run') return ok(numbered);
    return stored(() => {
      if (subscription === undefined) return parts.put(part);
      const changes = partChanges(subscription, part, events, parts.list(), now);
      for (const gone of changes.withdraw) parts.withdraw(gone);
      const put = changes.put.map((each) => parts.put(each));
      return put.find(({ source }) => source === part.source);
    });
  }

  /** @returns which facts were refused, and why */
  #publish(order: RunOrder, observation: Observation): readonly string[] {
    const { plugin, mode } = order;
    const events = [...observation.events, ...this.#withdrawn(order, observation)];
    if (mode === 'dry-run')
      return events.map(({ type, subject }) => `${type} ${subject} would be offered as a fact of this node`);
    return events.flatMap((fact) => {
      const published = this.#ports.publish(plugin.metadata.name, fact);
      return published.ok ? [] : [`${fact.type} ${fact.subject} is refused: ${published.error.message}`];
    });
  }

  /** A result is the plugin's whole say: what it saw before and does not repeat is gone. A subscription's result is about its events alone. */
  #withdrawn({ plugin, subscription }: RunOrder, { events }: Observation): readonly ObservedFact[] {
    if (subscription !== undefined || !plugin.spec.capabilities.includes('observe.cloud')) return [];
    const repeated = new Set(events.map(({ subject }) => subject));
    const standing = this.#ports.standing?.(plugin.metadata.name) ?? [];
    return standing
      .filter(({ subject }) => !repeated.has(subject))
      .map(({ subject, pool }) => ({ type: 'routerd.client.ipv4.expired', subject, pool, ttl: undefined }));
  }

  #remember(run: Omit<PluginRun, 'id'>): void {
    const { log, runs } = this.#ports;
    const { plugin, trigger, result, code, message } = run;
    const fields = { plugin, trigger, result, code, cause: message };
    if (result === 'Applied' || result === 'Observed')
      log.debug('plugin observed', { event: 'plugin.run.ended', ...fields });
    else log.warn('plugin gave nothing that counts', { event: 'plugin.run.failed', ...fields });
    try {
      runs.appendRun(run);
    } catch (cause) {
      log.error('a run could not be stored', { event: 'plugin.run.not-stored', plugin, cause: textOf(cause) });
    }
  }
}

interface Settled {
  readonly result: PluginRun['result'];
  readonly message: string;
  readonly notes: readonly string[];
  readonly fault: RunFault | undefined;
  readonly part: RunOutcome['part'];
}

/** What the store throws, as a fault of the run. */
function stored<T>(work: () => T): Result<T, RunFault> {
  try {
    return ok(work());
  } catch (cause) {
    return err({ code: 'plugin.not-stored', message: `The state could not be used: ${textOf(cause)}.`, problems: [] });
  }
}

function notStarted(fault: RunFault): RunReport {
  return { exitCode: undefined, stdoutDigest: undefined, stderr: '', outcome: err(fault) };
}

function failed(fault: RunFault): Settled {
  return { result: 'Failed', message: fault.message, notes: [], fault, part: undefined };
}

function sourceOf({ plugin, subscription, events }: RunOrder): string {
  return subscription === undefined ? `Plugin/${plugin.metadata.name}` : batchSource(subscription, events);
}

function runOf(
  { plugin, trigger }: RunOrder,
  ended: {
    readonly startedAt: Instant;
    readonly endedAt: Instant;
    readonly report: RunReport;
    readonly settled: Settled;
  },
): Omit<PluginRun, 'id'> {
  const { startedAt, endedAt, report, settled } = ended;
  const { result, message, notes, fault, part } = settled;
  const said = report.outcome.ok ? report.outcome.value : undefined;
  return {
    plugin: plugin.metadata.name,
    trigger: trigger.type,
    topic: trigger.topic,
    startedAt,
    endedAt,
    result,
    code: fault?.code ?? (result === 'Rejected' ? 'part.rejected' : undefined),
    message,
    problems: fault?.problems ?? [],
    notes,
    exitCode: report.exitCode,
    stdoutDigest: report.stdoutDigest,
    stderr: report.stderr,
    part: part === undefined ? undefined : { source: part.source, generation: part.generation },
    resources: said?.resources.length ?? 0,
    directives: said?.directives.length ?? 0,
    actionPlans: said?.actionPlans.length ?? 0,
  };
}

/** A dry run, and one that the end of the daemon broke off, never was. */
export function leavesTrace({ mode }: RunOrder, { code }: RunOutcome['run']): boolean {
  return mode === 'apply' && code !== 'plugin.cancelled';
}

export function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
