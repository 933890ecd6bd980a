/** The ports of the observing side: who runs a plugin, and what remembers its runs over restarts. */
import type { DynamicConfigPart, SuggestedAction } from '@routerd/config';
import type { AcceptedFact } from '@routerd/federation';
import type { DurationMs, DynamicConfigDirective, Instant, Resource, ResourceOf, Result } from '@routerd/resources';
import type { FactEvent } from './fact-event.ts';
import type { PluginRequest } from './plugin-request.ts';
import type { TriggerType } from './trigger-state.ts';

/** What a plugin says that it saw, read and checked one by one; whether it may say so is not decided here. */
export interface Observation {
  /** Undefined where the plugin leaves it to us. */
  readonly observedAt: Instant | undefined;
  readonly ttl: DurationMs;
  /** Which generation the plugin believes to make; undefined where it does not say. */
  readonly generation: number | undefined;
  readonly resources: readonly Resource[];
  readonly directives: readonly DynamicConfigDirective[];
  readonly actionPlans: readonly SuggestedAction[];
  readonly events: readonly ObservedFact[];
}

/** A fact that a plugin observed at its own site. */
export interface ObservedFact {
  readonly type: string;
  readonly subject: string;
  readonly pool: string | undefined;
  readonly ttl: DurationMs | undefined;
}

export const RUN_FAULT_CODES = [
  'plugin.not-executable',
  'plugin.timed-out',
  'plugin.failed',
  'plugin.output-too-long',
  'plugin.bad-output',
  'plugin.cancelled',
  'plugin.result-invalid',
  'plugin.not-allowed',
  'plugin.wrong-generation',
  'plugin.not-stored',
] as const;
export type RunFaultCode = (typeof RUN_FAULT_CODES)[number];

export interface RunFault {
  readonly code: RunFaultCode;
  /** A full sentence; redacted. */
  readonly message: string;
  /** What is wrong where in the result, `status.resources[2].spec.address`; empty where the result is not to blame. */
  readonly problems: readonly { readonly path: string; readonly message: string }[];
}

/** What was observed is what federation's fact bus knows; `FactBus` satisfies it. */
export interface FactFeed {
  accepted(): readonly AcceptedFact[];
  /** @returns stops telling */
  onAccepted(listener: (facts: readonly AcceptedFact[]) => void): () => void;
}

/** Events of any other type, which nodes tell each other; federation's event bus, in the words of subscriptions. */
export interface EventFeed {
  /** In the order of acceptance. */
  events(): readonly FactEvent[];
  /** @returns stops telling */
  onEvents(listener: (events: readonly FactEvent[]) => void): () => void;
}

/** The configuration as this node has it now. */
export interface ConfigView {
  readonly startup: readonly Resource[];
  /** The same array until effective-config changes. */
  effective(): readonly Resource[];
  /** Why the part would be set aside beside all others that count now, a full sentence; undefined if it would count. */
  rejection(part: DynamicConfigPart): string | undefined;
}

/** Records what a plugin saw as a fact of this node, with every check that a fact of an operator passes. */
export type FactPublisher = (plugin: string, fact: ObservedFact) => Result<void, { readonly message: string }>;

/** Addresses of which this node's last word is that they are here, by what that plugin saw. */
export type StandingFacts = (plugin: string) => readonly Pick<ObservedFact, 'subject' | 'pool'>[];

/** What became of one process. */
export interface RunReport {
  /** Undefined if it did not end by itself. */
  readonly exitCode: number | undefined;
  /** SHA-256 of what it wrote on stdout, hexadecimal; undefined if it was not started. */
  readonly stdoutDigest: string | undefined;
  /** The last 8192 bytes of what it wrote on stderr, redacted. */
  readonly stderr: string;
  readonly outcome: Result<Observation, RunFault>;
}

export interface PluginRunner {
  /** One process for one request. Never rejects; when `signal` aborts the process group is killed and the fault is `plugin.cancelled`. */
  run(plugin: ResourceOf<'Plugin'>, request: PluginRequest, signal: AbortSignal): Promise<RunReport>;
}

export const RUN_RESULTS = ['Applied', 'Observed', 'Rejected', 'Failed'] as const;
/** Applied: its part counts. Observed: it made no part. Rejected: its part was set aside. Failed: there is no part, the last one stays. */
export type RunResult = (typeof RUN_RESULTS)[number];

export interface PluginRun {
  /** In the order in which runs ended. */
  readonly id: number;
  readonly plugin: string;
  readonly trigger: TriggerType;
  readonly topic: string;
  readonly startedAt: Instant;
  readonly endedAt: Instant;
  readonly result: RunResult;
  /** Of the fault; undefined for Applied and Observed. */
  readonly code: string | undefined;
  readonly message: string;
  readonly problems: RunFault['problems'];
  /** What was asked for and not done, each with its reason: actions that are only shown, events that were refused. */
  readonly notes: readonly string[];
  readonly exitCode: number | undefined;
  readonly stdoutDigest: string | undefined;
  readonly stderr: string;
  /** Where the result went. */
  readonly part: { readonly source: string; readonly generation: number } | undefined;
  readonly resources: number;
  readonly directives: number;
  readonly actionPlans: number;
}

export const EVENT_STATUSES = ['waiting', 'applied', 'failed'] as const;
/** failed: given up after the last attempt. */
export type EventStatus = (typeof EVENT_STATUSES)[number];

/** What one subscription did about one event. */
export interface EventRun {
  readonly subscription: string;
  readonly event: FactEvent;
  readonly status: EventStatus;
  readonly attempts: number;
  readonly enteredAt: Instant;
  readonly message: string;
}

/** Runs of one plugin that are kept. */
export const RUNS_KEPT = 50;

/**
 * Synchronous; a method that cannot do its work throws and has changed nothing.
 * Of the settled events with one dedupe key a subscription keeps the last: as long as a fact stands, it is known to be dealt with.
 */
export interface RunStore {
  /** Numbers the run, and forgets the oldest of its plugin beyond {@link RUNS_KEPT}. */
  appendRun(run: Omit<PluginRun, 'id'>): PluginRun;
  /** Newest first. */
  runs(plugin: string): readonly PluginRun[];
  /** Events that the subscription never saw begin to wait, on disk when it returns; others stay as they are. @returns the new ones */
  enterEvents(subscription: string, events: readonly FactEvent[], now: Instant): readonly EventRun[];
  /** Unknown ids are ignored. */
  settleEvents(
    subscription: string,
    ids: readonly string[],
    change: { readonly status: EventStatus; readonly attempts: number; readonly message: string },
  ): void;
  /** In the order in which they were entered. */
  events(subscription: string, status?: EventStatus): readonly EventRun[];
  /** The last of those entered that waits no more. */
  lastSettled(subscription: string): EventRun | undefined;
  /** How many events have matched, ever; how many of those that are known were given up. Cost: does not grow with the events. */
  counts(subscription: string): { readonly matched: number; readonly givenUp: number };
  /** Forgets the runs of plugins and the events of subscriptions that are not declared any more. */
  keepOnly(declared: { readonly plugins: readonly string[]; readonly subscriptions: readonly string[] }): void;
  /** Settled events that expired before that instant. @returns how many */
  forgetEvents(expiredBefore: Instant): number;
}
