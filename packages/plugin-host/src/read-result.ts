/** From what a plugin wrote on stdout to what it observed, with every problem and its place in the result. Pure; never throws. */
import { PLUGIN_RESULT_YAML_BYTES_MAX, pluginResult, type ObserveResult, type PluginResult } from '@routerd/plugin-sdk';
import type { Observation, RunFault } from '@routerd/observers';
import {
  durationMs,
  err,
  formatPath,
  ok,
  parseDuration,
  parseInstant,
  parseResource,
  type FieldPath,
  type Resource,
  type Result,
} from '@routerd/resources';
import { parseDocument } from 'yaml';

/** Problems that are kept; who makes more makes the same one again. */
const PROBLEMS_MAX = 20;
/** Aliases that a YAML result may resolve: what grows by references is no observation. */
const ALIASES_MAX = 100;

type Problem = RunFault['problems'][number];

/** @param name of the plugin that was asked */
export function readResult(text: string, name: string): Result<Observation, RunFault> {
  const document = documentOf(text, name);
  if (!document.ok) return document;
  const parsed = pluginResult.safeParse(document.value);
  if (!parsed.success) {
    return err(
      invalid(
        name,
        parsed.error.issues.map(({ path, message }) => problemAt(path.map(stepOf), `${message}.`)),
      ),
    );
  }
  const problems: Problem[] = [];
  if (parsed.data.metadata.name !== name)
    problems.push(
      problemAt(['metadata', 'name'], `Found "${parsed.data.metadata.name}"; the request was for "${name}".`),
    );
  const observation = observationOf(parsed.data.status, problems);
  return problems.length === 0 ? ok(observation) : err(invalid(name, problems));
}

function stepOf(step: PropertyKey): string | number {
  return typeof step === 'symbol' ? String(step) : step;
}

function documentOf(text: string, name: string): Result<unknown, RunFault> {
  const refuse = (code: RunFault['code'], what: string): Result<never, RunFault> =>
    err({ code, message: `decode plugin ${name} stdout: ${what}`, problems: [] });
  if (text.trim() === '') return refuse('plugin.bad-output', 'it is empty');
  if (text.trimStart().startsWith('{')) {
    try {
      return ok(JSON.parse(text));
    } catch {
      // YAML has mappings in braces too
    }
  }
  if (Buffer.byteLength(text) > PLUGIN_RESULT_YAML_BYTES_MAX)
    return refuse('plugin.output-too-long', `it is no JSON, and longer than ${PLUGIN_RESULT_YAML_BYTES_MAX} bytes`);
  try {
    const document = parseDocument(text, { prettyErrors: true, logLevel: 'error' });
    const [error] = document.errors;
    if (error !== undefined) return refuse('plugin.bad-output', firstLine(error.message));
    return ok(document.toJS({ maxAliasCount: ALIASES_MAX }));
  } catch (cause) {
    return refuse('plugin.bad-output', firstLine(cause instanceof Error ? cause.message : String(cause)));
  }
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}

function observationOf(status: PluginResult['status'], problems: Problem[]): Observation {
  const { observedAt, ttl, generation, directives, actionPlans, events } = status;
  const at = observedAt === undefined ? undefined : parseInstant(observedAt);
  if (at?.ok === false)
    problems.push(problemAt(['status', 'observedAt'], `"${at.error.input}" has more than milliseconds.`));
  return {
    observedAt: at?.ok === true ? at.value : undefined,
    ttl: durationAt(['status', 'ttl'], ttl, problems),
    generation,
    resources: resourcesOf(status.resources, problems),
    directives,
    actionPlans,
    events: events.map((event, index) => ({
      type: event.type,
      subject: event.subject,
      pool: event.pool,
      ttl: event.ttl === undefined ? undefined : durationAt(['status', 'events', index, 'ttl'], event.ttl, problems),
    })),
  };
}

function durationAt(path: FieldPath, text: NonNullable<ObserveResult['ttl']>, problems: Problem[]): Observation['ttl'] {
  const parsed = parseDuration(text);
  if (parsed.ok && parsed.value > 0 && Number.isFinite(parsed.value)) return parsed.value;
  problems.push(problemAt(path, `"${text}" is not a duration above zero, such as 30m.`));
  return durationMs(0);
}

function resourcesOf(entries: readonly unknown[], problems: Problem[]): readonly Resource[] {
  return entries.flatMap((entry, index) => {
    const parsed = parseResource(entry);
    if (parsed.ok) return [parsed.value];
    for (const { path, message, remedy } of parsed.error.problems)
      problems.push(
        problemAt(['status', 'resources', index, ...path], remedy === undefined ? message : `${message} ${remedy}`),
      );
    return [];
  });
}

function problemAt(path: FieldPath, message: string): Problem {
  return { path: formatPath(path), message };
}

function invalid(name: string, all: readonly Problem[]): RunFault {
  const problems = all.slice(0, PROBLEMS_MAX);
  const more = all.length > problems.length ? ` (and ${all.length - problems.length} more)` : '';
  const [first] = problems;
  const where = first === undefined ? '' : `: ${first.path === '' ? 'the result' : first.path}: ${first.message}`;
  return { code: 'plugin.result-invalid', message: `the result of plugin ${name} is invalid${where}${more}`, problems };
}
