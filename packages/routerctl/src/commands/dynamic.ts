/** routerctl dynamic: the parts that are merged with startup-config, and what they make of it. */
import { buildCommand, buildRouteMap } from '@stricli/core';
import { visibleLines, yamlText } from '@routerd/resources';
import { z } from 'zod';
import {
  clientOf,
  fail,
  outputAliases,
  outputFlag,
  show,
  socketFlag,
  type Context,
  type OutputFlags,
  type SocketFlags,
} from '../command-context.ts';
import { age, renderFields, renderStructured, renderTable } from '../output.ts';

/** In the order in which people write it. */
const resource = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
  spec: z.unknown(),
});
type AnyResource = z.output<typeof resource>;

const part = z.object({
  source: z.string(),
  generation: z.number(),
  status: z.string(),
  resources: z.number().optional(),
  directives: z.number().optional(),
  actionPlans: z.number().optional(),
  observedAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().optional(),
  digest: z.string().optional(),
  code: z.string().optional(),
  reason: z.string().optional(),
  content: z
    .object({ resources: z.array(resource), directives: z.array(z.unknown()), actionPlans: z.array(z.unknown()) })
    .optional(),
});
type Part = z.output<typeof part>;
const parts = z.object({ items: z.array(part) });

const suppressed = z.array(
  z.object({ resource, maskedBy: z.array(z.string()), maskedUntil: z.string(), reason: z.string() }),
);
type Suppressed = z.output<typeof suppressed>;
const entries = z.array(z.object({ source: z.string(), resource }));
const effective = z.object({ items: entries, suppressed });
const difference = z.object({ added: entries, suppressed });

const listCommand = buildCommand<OutputFlags, [], Context>({
  async func(this: Context, flags: OutputFlags) {
    show(this, flags.output, await clientOf(this, flags).get('/v1/dynamic/parts'), (value) =>
      partTable(parts.parse(value).items, this.now()),
    );
  },
  parameters: { flags: { output: outputFlag, socket: socketFlag }, aliases: outputAliases },
  docs: {
    brief: 'List the parts with what became of each',
    fullDescription: [
      'List the parts that are merged with startup-config, by source, with what became of each generation.',
      '',
      'EXAMPLES',
      '  routerctl dynamic list',
      '  routerctl dynamic list -o json | jq \'.items[] | select(.status == "Rejected")\'',
    ].join('\n'),
  },
});

const describeCommand = buildCommand<OutputFlags, [string], Context>({
  async func(this: Context, flags: OutputFlags, source: string) {
    const query = new URLSearchParams({ source });
    const answer = await clientOf(this, flags).get(`/v1/dynamic/parts?${query.toString()}`);
    show(this, flags.output, answer, (value) =>
      parts
        .parse(value)
        .items.map((item) => partText(item, this.now()))
        .join('\n\n'),
    );
  },
  parameters: {
    flags: { output: outputFlag, socket: socketFlag },
    aliases: outputAliases,
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Source, see routerctl dynamic list', parse: String, placeholder: 'source' }],
    },
  },
  docs: {
    brief: 'Show every generation of a source: its verdict, its reason and its content',
    fullDescription:
      'Show every generation of a source: its verdict, its reason and its content.\n\nEXAMPLES\n  routerctl dynamic describe Plugin/oci-inventory\n  routerctl dynamic describe MobilityPool/cloudedge/node/onprem-router-a -o yaml',
  },
});

interface RenderFlags extends SocketFlags {
  readonly output: 'yaml' | 'json';
}

const renderCommand = buildCommand<RenderFlags, [], Context>({
  async func(this: Context, flags: RenderFlags) {
    const answer = await clientOf(this, flags).get('/v1/config/effective');
    if (!answer.ok) return fail(this, answer.error);
    const { items, suppressed: masked } = effective.parse(answer.value);
    const resources = items.map((item) => item.resource);
    const text =
      flags.output === 'json'
        ? renderStructured('json', { items: resources, suppressed: masked })
        : visibleLines([...resources.map(yamlText), ...masked.map(maskComment)].join('\n---\n'));
    this.process.stdout.write(`${text}\n`);
  },
  parameters: {
    flags: {
      output: { kind: 'enum', values: ['yaml', 'json'], default: 'yaml', brief: 'How to write it' },
      socket: socketFlag,
    },
    aliases: outputAliases,
  },
  docs: {
    brief: 'Write the effective configuration, with the source of what parts added',
    fullDescription: [
      'Write the effective configuration as an author would. What a part added carries the annotation',
      'routerd.net/dynamic-source; what a part masks is left out, and named in a comment at the end.',
      '',
      'EXAMPLES',
      '  routerctl dynamic render > effective.yaml',
      "  routerctl dynamic render -o json | jq '.items | length'",
    ].join('\n'),
  },
});

interface DiffFlags extends SocketFlags {
  readonly output: 'text' | 'json' | 'yaml';
}

const diffCommand = buildCommand<DiffFlags, [], Context>({
  async func(this: Context, flags: DiffFlags) {
    const answer = await clientOf(this, flags).get('/v1/config/diff');
    if (!answer.ok) return fail(this, answer.error);
    const parsed = difference.parse(answer.value);
    const text = flags.output === 'text' ? visibleLines(diffText(parsed)) : renderStructured(flags.output, parsed);
    this.process.stdout.write(text === '' ? '' : `${text}\n`);
  },
  parameters: {
    flags: {
      output: { kind: 'enum', values: ['text', 'json', 'yaml'], default: 'text', brief: 'How to show it' },
      socket: socketFlag,
    },
    aliases: outputAliases,
  },
  docs: {
    brief: 'Show what parts add to startup-config and what they mask',
    fullDescription:
      'Show what parts add to startup-config (+) and what they mask (-). Without output the two are the same.\n\nEXAMPLES\n  routerctl dynamic diff\n  routerctl dynamic diff -o json',
  },
});

function partTable(items: readonly Part[], now: number): string {
  return renderTable(
    [
      { title: 'SOURCE', value: (item: Part) => item.source },
      { title: 'GEN', value: (item) => item.generation },
      { title: 'STATUS', value: (item) => item.status },
      { title: 'RESOURCES', value: (item) => item.resources },
      { title: 'DIRECTIVES', value: (item) => item.directives },
      { title: 'ACTIONPLANS', value: (item) => item.actionPlans },
      { title: 'EXPIRES', value: (item) => expiryText(item, now) },
    ],
    items,
  );
}

function expiryText({ expiresAt }: Part, now: number): string {
  if (expiresAt === undefined) return 'never';
  const left = Date.parse(expiresAt) - now;
  return left > 0 ? `in ${age(left)}` : `${age(-left)} ago`;
}

function partText(item: Part, now: number): string {
  const fields = renderFields([
    ['Source', item.source],
    ['Generation', item.generation],
    ['Status', item.code === undefined ? item.status : `${item.status} (${item.code})`],
    ...(item.reason === undefined ? [] : [['Reason', item.reason] as const]),
    ['Observed', item.observedAt],
    ['Expires', item.expiresAt === undefined ? 'never' : `${item.expiresAt} (${expiryText(item, now)})`],
    ...(item.digest === undefined ? [] : [['Digest', item.digest] as const]),
  ]);
  const { content } = item;
  if (content === undefined) return fields;
  const section = (title: string, values: readonly unknown[]): readonly string[] =>
    values.length === 0 ? [] : [`${title}\n${indented(values.map(yamlText).join('\n---\n'))}`];
  return [
    fields,
    ...section('RESOURCES', content.resources),
    ...section('DIRECTIVES', content.directives),
    ...section('ACTIONPLANS', content.actionPlans),
  ].join('\n\n');
}

function diffText({ added, suppressed: masked }: z.output<typeof difference>): string {
  return [
    ...masked.map((entry) => [`# ${nameOf(entry.resource)}: ${maskText(entry)}`, prefixed('-', entry.resource)]),
    ...added.map((entry) => [`# ${nameOf(entry.resource)}: from ${entry.source}`, prefixed('+', entry.resource)]),
  ]
    .map((lines) => lines.join('\n'))
    .join('\n');
}

function maskComment(entry: Suppressed[number]): string {
  return `# ${nameOf(entry.resource)} is left out: ${maskText(entry)}`;
}

function maskText({ maskedBy, maskedUntil, reason }: Suppressed[number]): string {
  return `masked by ${maskedBy.join(', ')} until ${maskedUntil}: ${reason.replaceAll(/\s+/g, ' ')}`;
}

function prefixed(sign: string, value: AnyResource): string {
  return yamlText(value)
    .split('\n')
    .map((line) => `${sign}${line}`)
    .join('\n');
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}

function nameOf({ kind, metadata }: AnyResource): string {
  return `${kind}/${metadata.name}`;
}

export const dynamicRoutes = buildRouteMap<string, Context>({
  routes: { list: listCommand, describe: describeCommand, render: renderCommand, diff: diffCommand },
  docs: { brief: 'Parts that are merged with startup-config' },
});
