/** What a plugin's result may become: its capabilities and its source decide, and nothing is dropped without a word. Pure. */
import type { OfferedPart } from '@routerd/config';
import { err, instant, ok, type DurationMs, type Instant, type ResourceOf, type Result } from '@routerd/resources';
import type { Observation, RunFault, RunFaultCode } from './ports.ts';

/** What lets results of the plugin become a part. */
export interface PartGrant {
  /** `Plugin/<name>`, or the batch of a subscription. */
  readonly source: string;
  /** At most so long; undefined where the result alone says. */
  readonly ttlMax: DurationMs | undefined;
  /** False for a batch: policies grant masks to exact sources, and its source is made of its events. */
  readonly mayMask: boolean;
}

export interface JudgedResult {
  /** Undefined if the result makes none. */
  readonly part: OfferedPart | undefined;
  readonly notes: readonly string[];
}

export interface ResultSituation {
  readonly plugin: ResourceOf<'Plugin'>;
  /** Undefined if neither a DynamicConfigSource nor an EventSubscription asked. */
  readonly grant: PartGrant | undefined;
  /** Of the part that the result replaces; 0 if there is none. */
  readonly previousGeneration: number;
  readonly now: Instant;
}

/** How far ahead of ours a plugin's clock may be. Milliseconds. */
const CLOCK_AHEAD_MAX_MS = 300_000;

/**
 * 1. What the plugin lacks the capability for refuses the whole result, with its place: half of a result is another statement.
 * 2. Provider actions are kept with the part and shown. They are never executed: they carry no capture epoch to be fenced by.
 * 3. Without a grant the result is an observation only.
 */
export function judgeResult(observation: Observation, situation: ResultSituation): Result<JudgedResult, RunFault> {
  const { plugin, grant, now } = situation;
  const fault =
    forbidden(observation, plugin) ?? ungrantable(observation, grant) ?? wrongGeneration(observation, situation);
  if (fault !== undefined) return err(fault);
  const observedAt = observation.observedAt ?? now;
  if (observedAt > now + CLOCK_AHEAD_MAX_MS)
    return err(faultAt('plugin.result-invalid', 'status.observedAt', 'The time lies more than five minutes ahead.'));
  const { resources, directives, actionPlans } = observation;
  const notes = actionPlans.map(shownOnly);
  if (grant === undefined) {
    const count = resources.length + directives.length;
    const unused = `${count} resources and directives are not configuration: no DynamicConfigSource names the plugin`;
    return ok({ part: undefined, notes: count === 0 ? notes : [unused, ...notes] });
  }
  const ttl = Math.min(observation.ttl, grant.ttlMax ?? observation.ttl);
  const expiresAt = instant(observedAt + ttl);
  if (expiresAt <= now)
    return err(faultAt('plugin.result-invalid', 'status.ttl', 'The result was out of date when it arrived.'));
  return ok({ part: { source: grant.source, observedAt, expiresAt, resources, directives, actionPlans }, notes });
}

function forbidden(observation: Observation, { spec, metadata }: ResourceOf<'Plugin'>): RunFault | undefined {
  const needs = [
    ['resources', 'propose.dynamicConfig'],
    ['directives', 'propose.dynamicConfig'],
    ['actionPlans', 'propose.providerAction'],
    ['events', 'observe.cloud'],
  ] as const;
  const problems = needs
    .filter(([member, capability]) => observation[member].length > 0 && !spec.capabilities.includes(capability))
    .map(([member, capability]) => ({
      path: `status.${member}`,
      message: `Plugin/${metadata.name} does not have the capability ${capability}.`,
    }));
  return problems.length === 0 ? undefined : faultOf('plugin.not-allowed', problems);
}

function ungrantable({ directives }: Observation, grant: PartGrant | undefined): RunFault | undefined {
  if (grant === undefined || grant.mayMask || directives.length === 0) return undefined;
  const message =
    'A batch of an EventSubscription cannot mask: a DynamicOverridePolicy names sources exactly, and the source of a batch is made of its events.';
  return faultAt('plugin.not-allowed', 'status.directives', message);
}

function wrongGeneration({ generation }: Observation, { previousGeneration }: ResultSituation): RunFault | undefined {
  if (generation === undefined || generation === previousGeneration + 1) return undefined;
  const message = `Found generation ${generation}; the request was for generation ${previousGeneration + 1}.`;
  return faultAt('plugin.wrong-generation', 'status.generation', message);
}

function faultAt(code: RunFaultCode, path: string, message: string): RunFault {
  return faultOf(code, [{ path, message }]);
}

function faultOf(code: RunFaultCode, problems: RunFault['problems']): RunFault {
  return { code, message: problems.map(({ path, message }) => `${path}: ${message}`).join(' '), problems };
}

function shownOnly(plan: Readonly<Record<string, unknown>>, position: number): string {
  const text = (key: string): string => (typeof plan[key] === 'string' ? plan[key] : '');
  const name = text('name') === '' ? `status.actionPlans[${position}]` : text('name');
  return `action ${name} (${text('action')}) is shown and not executed: a plugin's plan carries no capture epoch`;
}
