/** routerctl plugin: what observes, how it went, and a run by hand. */
import { buildCommand, buildRouteMap } from '@stricli/core';
import { z } from 'zod';
import {
  clientOf,
  outputAliases,
  outputFlag,
  show,
  socketFlag,
  type Context,
  type OutputFlags,
} from '../command-context.ts';
import { documented } from '../documented.ts';
import { bundleCommand } from './plugin-bundle.ts';
import { conformanceCommand } from './plugin-conformance.ts';
import { newCommand } from './plugin-new.ts';
import { age, renderFields, renderStructured, renderTable } from '../output.ts';

const pluginRun = z.object({
  trigger: z.string(),
  topic: z.string(),
  startedAt: z.number(),
  endedAt: z.number(),
  result: z.string(),
  code: z.string().optional(),
  message: z.string(),
  problems: z.array(z.object({ path: z.string(), message: z.string() })),
  notes: z.array(z.string()),
  exitCode: z.number().optional(),
  stderr: z.string(),
  part: z.object({ source: z.string(), generation: z.number() }).optional(),
  resources: z.number(),
  directives: z.number(),
  actionPlans: z.number(),
});
type PluginRun = z.output<typeof pluginRun>;

const plugin = z.object({
  name: z.string(),
  capabilities: z.array(z.string()),
  triggers: z.array(z.string()),
  running: z.boolean(),
  /** Its process waits for what its cloud tells. Absent where the daemon is older. */
  following: z.boolean().optional(),
  nextAt: z.number().optional(),
  lastRun: pluginRun.optional(),
});
type Plugin = z.output<typeof plugin>;

/** Members that are named here come first when it is printed. */
const resource = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
});
const outcome = z.object({
  request: z.unknown(),
  run: pluginRun,
  part: z
    .looseObject({
      source: z.string(),
      generation: z.number(),
      observedAt: z.string(),
      expiresAt: z.string(),
      resources: z.array(resource),
    })
    .optional(),
});

const nameParameter = {
  kind: 'tuple',
  parameters: [{ brief: 'Name of the plugin, see routerctl plugin list', parse: String, placeholder: 'name' }],
} as const;
const baseFlags = { output: outputFlag, socket: socketFlag } as const;

const listCommand = buildCommand<OutputFlags, [], Context>({
  async func(this: Context, flags: OutputFlags) {
    show(this, flags.output, await clientOf(this, flags).get('/v1/plugins'), (value) =>
      pluginTable(z.object({ items: z.array(plugin) }).parse(value).items, this.now()),
    );
  },
  parameters: { flags: baseFlags, aliases: outputAliases },
  docs: documented('List plugins with what runs them, how the last run went and when the next is', [
    'routerctl plugin list',
  ]),
});

const runsCommand = buildCommand<OutputFlags, [string], Context>({
  async func(this: Context, flags: OutputFlags, name: string) {
    const answer = await clientOf(this, flags).get(`/v1/plugins/${encodeURIComponent(name)}/runs`);
    show(this, flags.output, answer, (value) =>
      runTable(z.object({ items: z.array(pluginRun) }).parse(value).items, this.now()),
    );
  },
  parameters: { flags: baseFlags, aliases: outputAliases, positional: nameParameter },
  docs: documented('List the last runs of a plugin, newest first', ['routerctl plugin runs oci-inventory']),
});

interface RunFlags extends OutputFlags {
  readonly dryRun: boolean;
}

/** A plugin may have a timeout of minutes, and a run under way before it. */
const RUN_TIMEOUT_MS = 900_000;

const runCommand = buildCommand<RunFlags, [string], Context>({
  async func(this: Context, flags: RunFlags, name: string) {
    const path = `/v1/plugins/${encodeURIComponent(name)}/run`;
    const mode = flags.dryRun ? 'dry-run' : 'apply';
    const answer = await clientOf(this, flags).post(path, { mode }, RUN_TIMEOUT_MS);
    show(this, flags.output, answer, (value) => outcomeText(outcome.parse(value), flags.dryRun));
    if (answer.ok && ['Failed', 'Rejected'].includes(outcome.parse(answer.value).run.result)) this.process.exitCode = 1;
  },
  parameters: {
    flags: {
      ...baseFlags,
      dryRun: { kind: 'boolean', default: false, brief: 'Show request, result and part; store nothing' },
    },
    aliases: outputAliases,
    positional: nameParameter,
  },
  docs: {
    brief: 'Run a plugin that observes, now',
    fullDescription:
      'Run a plugin that observes, now, after the run under way if there is one.\n\nEXAMPLES\n  routerctl plugin run oci-inventory --dry-run\n  routerctl plugin run oci-inventory -o json\n\nEXIT CODES\n  0 its result counts   1 the run failed, or its part was set aside   2 wrong usage',
  },
});

/** One that follows began to wait long before it looked. */
function lookedAt({ trigger, startedAt, endedAt }: PluginRun): number {
  return trigger === 'follow' ? endedAt : startedAt;
}

function pluginTable(items: readonly Plugin[], now: number): string {
  return renderTable(
    [
      { title: 'NAME', value: (item: Plugin) => item.name },
      { title: 'CAPABILITIES', value: (item) => item.capabilities.join(',') },
      { title: 'TRIGGERS', value: (item) => item.triggers.join(', ') },
      {
        title: 'LAST-RUN',
        value: ({ lastRun }) => (lastRun === undefined ? undefined : `${age(now - lookedAt(lastRun))} ago`),
      },
      { title: 'RESULT', value: ({ lastRun }) => (lastRun === undefined ? undefined : resultText(lastRun)) },
      {
        title: 'NEXT',
        value: ({ running, following = false, nextAt }) => {
          if (running) return 'running';
          const next = nextAt === undefined ? [] : [`in ${age(nextAt - now)}`];
          return [...(following ? ['following'] : []), ...next].join(', ') || undefined;
        },
      },
    ],
    items,
  );
}

function resultText({ result, code }: PluginRun): string {
  return code === undefined ? result : `${result} (${code})`;
}

function runTable(items: readonly PluginRun[], now: number): string {
  return renderTable(
    [
      { title: 'STARTED', value: (item: PluginRun) => `${age(now - item.startedAt)} ago` },
      { title: 'TRIGGER', value: (item) => (item.topic === '' ? item.trigger : `${item.trigger} ${item.topic}`) },
      { title: 'TOOK', value: tookText },
      { title: 'RESULT', value: resultText },
      { title: 'RESOURCES', value: (item) => item.resources },
      { title: 'DIRECTIVES', value: (item) => item.directives },
      { title: 'ACTIONPLANS', value: (item) => item.actionPlans },
      { title: 'MESSAGE', value: (item) => item.message },
    ],
    items,
  );
}

function tookText({ startedAt, endedAt }: PluginRun): string {
  return `${((endedAt - startedAt) / 1000).toFixed(2)}s`;
}

function outcomeText({ request, run, part }: z.output<typeof outcome>, isDry: boolean): string {
  const fields = renderFields([
    ['Result', isDry ? `${resultText(run)} (dry run: nothing is stored)` : resultText(run)],
    ['Message', run.message],
    ['Took', run.exitCode === undefined ? tookText(run) : `${tookText(run)}, exit code ${run.exitCode}`],
    ['Part', run.part === undefined ? undefined : `${run.part.source}, generation ${run.part.generation}`],
    ['Until', part?.expiresAt],
    ['Contents', `${run.resources} resources, ${run.directives} directives, ${run.actionPlans} action plans`],
  ]);
  const section = (title: string, lines: readonly string[]): readonly string[] =>
    lines.length === 0 ? [] : [`${title}\n${lines.map((line) => `  ${line}`).join('\n')}`];
  return [
    ...(isDry ? section('REQUEST', renderStructured('json', request).split('\n')) : []),
    fields,
    ...section(
      'RESOURCES',
      (part?.resources ?? []).map(({ kind, metadata }) => `${kind}/${metadata.name}`),
    ),
    ...(isDry && part !== undefined ? section('PART', renderStructured('yaml', part).split('\n')) : []),
    ...section(
      'PROBLEMS',
      run.problems.map(({ path, message }) => `${path}: ${message}`),
    ),
    ...section('NOTES', run.notes),
    ...section('STDERR', run.stderr === '' ? [] : run.stderr.split('\n')),
  ].join('\n\n');
}

export const pluginRoutes = buildRouteMap<string, Context>({
  routes: {
    list: listCommand,
    run: runCommand,
    runs: runsCommand,
    bundle: bundleCommand,
    conformance: conformanceCommand,
    new: newCommand,
  },
  docs: { brief: 'Plugins that observe and execute' },
});
