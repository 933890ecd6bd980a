import { buildCommand } from '@stricli/core';
import { stringify } from 'yaml';
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
import { renderTable } from '../output.ts';
import { knownResources } from '../known-names.ts';

const resource = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
  spec: z.unknown(),
  status: z.record(z.string(), z.unknown()),
});
const resources = z.object({ items: z.array(resource) });
type ResourceView = z.output<typeof resource>;

const kindOrName = {
  brief: 'Kind, or KIND/NAME; any case, singular or plural',
  parse: String,
  placeholder: 'kind[/name]',
  proposeCompletions: knownResources,
  optional: true,
} as const;

export const getCommand = buildCommand<OutputFlags, [string?], Context>({
  async func(this: Context, flags: OutputFlags, what?: string) {
    show(this, flags.output, await clientOf(this, flags).get(pathOf(what)), (value) =>
      tableOf(resources.parse(value).items),
    );
  },
  parameters: {
    flags: { output: outputFlag, socket: socketFlag },
    aliases: outputAliases,
    positional: { kind: 'tuple', parameters: [kindOrName] },
  },
  docs: {
    brief: 'List resources of the effective configuration with their state',
    fullDescription:
      'List resources of the effective configuration with their state.\n\nEXAMPLES\n  routerctl get\n  routerctl get addressleases\n  routerctl get MobilityPool/cloudedge -o yaml',
  },
});

export const describeCommand = buildCommand<OutputFlags, [string], Context>({
  async func(this: Context, flags: OutputFlags, what: string) {
    show(this, flags.output, await clientOf(this, flags).get(pathOf(what)), (value) =>
      resources
        .parse(value)
        .items.map((item) =>
          stringify(
            { kind: item.kind, name: item.metadata.name, spec: item.spec, status: item.status },
            { lineWidth: 0 },
          ).trimEnd(),
        )
        .join('\n---\n'),
    );
  },
  parameters: {
    flags: { output: outputFlag, socket: socketFlag },
    aliases: outputAliases,
    positional: { kind: 'tuple', parameters: [{ ...kindOrName, optional: false }] },
  },
  docs: documented('Show one resource with everything known about it', [
    'routerctl describe MobilityPool/cloudedge',
    'routerctl describe remoteaddressclaims',
  ]),
});

function pathOf(what: string | undefined): string {
  if (what === undefined) return '/v1/resources';
  const slash = what.indexOf('/');
  const query = new URLSearchParams(
    slash < 0 ? { kind: what } : { kind: what.slice(0, slash), name: what.slice(slash + 1) },
  );
  return `/v1/resources?${query.toString()}`;
}

function tableOf(items: readonly ResourceView[]): string {
  const field = (name: string) => (item: ResourceView) => {
    const value = item.status[name];
    return typeof value === 'string' || typeof value === 'number' ? value : undefined;
  };
  return renderTable(
    [
      { title: 'KIND', value: (item: ResourceView) => item.kind },
      { title: 'NAME', value: (item) => item.metadata.name },
      { title: 'PHASE', value: field('phase') },
      { title: 'DETAIL', value: field('summary') },
    ],
    items,
  );
}
