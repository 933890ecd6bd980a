import { buildCommand, buildRouteMap } from '@stricli/core';
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
} from '../command-context.ts';
import { age, renderFields, renderTable } from '../output.ts';

const action = z.object({
  id: z.number(),
  idempotencyKey: z.string(),
  provider: z.string(),
  providerRef: z.string(),
  nicRef: z.string(),
  verb: z.string(),
  address: z.string(),
  captureEpoch: z.number(),
  status: z.string(),
  approvedBy: z.string().optional(),
  attempts: z.number(),
  message: z.string(),
  updatedAt: z.number(),
});
const actions = z.object({ items: z.array(action) });
const journal = z.object({
  items: z.array(
    z.object({
      attempt: z.string(),
      actionIds: z.array(z.number()),
      startedAt: z.number(),
      endedAt: z.number().optional(),
      outcome: z.string().optional(),
    }),
  ),
});
type ActionView = z.output<typeof action>;

const idParameter = {
  kind: 'tuple',
  parameters: [{ brief: 'Number of the action', parse: String, placeholder: 'id' }],
} as const;
const baseFlags = { output: outputFlag, socket: socketFlag } as const;

interface ListFlags extends OutputFlags {
  readonly status: string | undefined;
  readonly provider: string | undefined;
}

const listCommand = buildCommand<ListFlags, [], Context>({
  async func(this: Context, flags: ListFlags) {
    const query = new URLSearchParams();
    if (flags.status !== undefined) query.set('status', flags.status);
    if (flags.provider !== undefined) query.set('provider', flags.provider);
    show(this, flags.output, await clientOf(this, flags).get(`/v1/actions?${query.toString()}`), (value) =>
      tableOf(actions.parse(value).items, this.now()),
    );
  },
  parameters: {
    flags: {
      ...baseFlags,
      status: { kind: 'parsed', parse: String, optional: true, brief: 'Only this status', placeholder: 'status' },
      provider: { kind: 'parsed', parse: String, optional: true, brief: 'Only this provider', placeholder: 'provider' },
    },
    aliases: outputAliases,
  },
  docs: { brief: 'List provider actions' },
});

const showCommand = buildCommand<OutputFlags, [string], Context>({
  async func(this: Context, flags: OutputFlags, id: string) {
    show(this, flags.output, await clientOf(this, flags).get(`/v1/actions/${encodeURIComponent(id)}`), (value) =>
      detailsOf(action.parse(value), this.now()),
    );
  },
  parameters: { flags: baseFlags, aliases: outputAliases, positional: idParameter },
  docs: { brief: 'Show one provider action' },
});

interface ApproveFlags extends OutputFlags {
  readonly by: string | undefined;
}

const approveCommand = buildCommand<ApproveFlags, [string], Context>({
  async func(this: Context, flags: ApproveFlags, id: string) {
    const by = flags.by ?? this.process.env['SUDO_USER'] ?? this.process.env['USER'] ?? 'operator';
    show(
      this,
      flags.output,
      await clientOf(this, flags).post(`/v1/actions/${encodeURIComponent(id)}/approve`, { by }),
      (value) => `action ${action.parse(value).id} approved by ${by}`,
    );
  },
  parameters: {
    flags: {
      ...baseFlags,
      by: {
        kind: 'parsed',
        parse: String,
        optional: true,
        brief: 'Who approves [default: $SUDO_USER or $USER]',
        placeholder: 'name',
      },
    },
    aliases: outputAliases,
    positional: idParameter,
  },
  docs: {
    brief: 'Approve a pending provider action',
    fullDescription: 'Approve a pending provider action.\n\nEXAMPLES\n  routerctl action approve 12 --by alice',
  },
});

interface ExecuteFlags extends OutputFlags {
  readonly dryRun: boolean;
  readonly approved: boolean;
}

const executeCommand = buildCommand<ExecuteFlags, [string], Context>({
  async func(this: Context, flags: ExecuteFlags, id: string) {
    if (flags.dryRun === flags.approved) {
      fail(this, {
        code: 'client.usage',
        message: 'Say which: --dry-run shows what would be done, --approved does it.',
      });
      this.process.exitCode = 2;
      return;
    }
    const mode = flags.dryRun ? 'dry-run' : 'execute';
    show(
      this,
      flags.output,
      await clientOf(this, flags).post(`/v1/actions/${encodeURIComponent(id)}/execute`, { mode }),
      (value) => z.object({ message: z.string() }).parse(value).message,
    );
  },
  parameters: {
    flags: {
      ...baseFlags,
      dryRun: { kind: 'boolean', default: false, brief: 'Run gates and executor without changing anything' },
      approved: { kind: 'boolean', default: false, brief: 'Really execute an approved action' },
    },
    aliases: outputAliases,
    positional: idParameter,
  },
  docs: { brief: 'Execute one provider action now' },
});

const journalCommand = buildCommand<OutputFlags, [string], Context>({
  async func(this: Context, flags: OutputFlags, id: string) {
    show(
      this,
      flags.output,
      await clientOf(this, flags).get(`/v1/actions/${encodeURIComponent(id)}/attempts`),
      (value) =>
        renderTable(
          [
            { title: 'ATTEMPT', value: (row: z.output<typeof journal>['items'][number]) => row.attempt },
            { title: 'ACTIONS', value: (row) => row.actionIds.join(',') },
            { title: 'STARTED', value: (row) => new Date(row.startedAt).toISOString() },
            {
              title: 'TOOK',
              value: (row) => (row.endedAt === undefined ? 'running' : `${row.endedAt - row.startedAt}ms`),
            },
            { title: 'OUTCOME', value: (row) => row.outcome },
          ],
          journal.parse(value).items,
        ),
    );
  },
  parameters: { flags: baseFlags, aliases: outputAliases, positional: idParameter },
  docs: { brief: 'Show every attempt of one provider action' },
});

function tableOf(items: readonly ActionView[], now: number): string {
  return renderTable(
    [
      { title: 'ID', value: (item: ActionView) => item.id },
      { title: 'PROVIDER', value: (item) => item.providerRef },
      { title: 'ACTION', value: (item) => item.verb },
      { title: 'ADDRESS', value: (item) => item.address },
      { title: 'EPOCH', value: (item) => item.captureEpoch },
      { title: 'STATUS', value: (item) => item.status },
      { title: 'APPROVED BY', value: (item) => item.approvedBy },
      { title: 'ATTEMPTS', value: (item) => item.attempts },
      { title: 'AGE', value: (item) => age(now - item.updatedAt) },
      { title: 'MESSAGE', value: (item) => item.message },
    ],
    items,
  );
}

function detailsOf(item: ActionView, now: number): string {
  return renderFields([
    ['Action', item.id],
    ['Key', item.idempotencyKey],
    ['Provider', `${item.providerRef} (${item.provider})`],
    ['NIC', item.nicRef],
    ['Verb', item.verb],
    ['Address', item.address],
    ['Epoch', item.captureEpoch],
    ['Status', item.status],
    ['Approved by', item.approvedBy],
    ['Attempts', item.attempts],
    ['Changed', `${age(now - item.updatedAt)} ago`],
    ['Message', item.message],
  ]);
}

export const actionRoutes = buildRouteMap<string, Context>({
  routes: {
    list: listCommand,
    show: showCommand,
    approve: approveCommand,
    execute: executeCommand,
    journal: journalCommand,
  },
  docs: { brief: 'Provider actions and their journal' },
});
