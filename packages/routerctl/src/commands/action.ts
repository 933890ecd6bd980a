/** routerctl action: what routerd wants changed at providers, and what an operator may say about it. */
import { parseDuration } from '@routerd/resources';
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
import {
  actionDetails,
  actionSchema,
  actionsSchema,
  actionTable,
  attemptsSchema,
  attemptTable,
} from './action-views.ts';
import { knownActions } from '../known-names.ts';

const idParameter = {
  kind: 'tuple',
  parameters: [{ brief: 'Number of the action', parse: String, placeholder: 'id', proposeCompletions: knownActions }],
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
      actionTable(actionsSchema.parse(value).items, this.now()),
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
  docs: {
    brief: 'List provider actions',
    fullDescription:
      'List provider actions. NEXT is when one that failed is tried again, CLASS why it failed.\n\nEXAMPLES\n  routerctl action list --status failed\n  routerctl action list --provider aws -o json',
  },
});

const showCommand = buildCommand<OutputFlags, [string], Context>({
  async func(this: Context, flags: OutputFlags, id: string) {
    show(this, flags.output, await clientOf(this, flags).get(`/v1/actions/${encodeURIComponent(id)}`), (value) =>
      actionDetails(actionSchema.parse(value), this.now()),
    );
  },
  parameters: { flags: baseFlags, aliases: outputAliases, positional: idParameter },
  docs: {
    brief: 'Show one provider action',
    fullDescription:
      'Show one provider action with all that is known of it.\n\nEXAMPLES\n  routerctl action show 12 -o yaml',
  },
});

/** The name stands in the journal. */
const byFlag = (brief: string) =>
  ({
    kind: 'parsed',
    parse: String,
    optional: true,
    brief: `${brief} [default: $SUDO_USER or $USER]`,
    placeholder: 'name',
  }) as const;

interface ApproveFlags extends OutputFlags {
  readonly by: string | undefined;
}

const approveCommand = buildCommand<ApproveFlags, [string], Context>({
  async func(this: Context, flags: ApproveFlags, id: string) {
    const by = operatorOf(this, flags.by);
    show(
      this,
      flags.output,
      await clientOf(this, flags).post(`/v1/actions/${encodeURIComponent(id)}/approve`, { by }),
      (value) => `action ${actionSchema.parse(value).id} approved by ${by}`,
    );
  },
  parameters: {
    flags: {
      ...baseFlags,
      by: byFlag('Who approves'),
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
      messageOf,
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
  docs: {
    brief: 'Execute one provider action now',
    fullDescription:
      'Execute one provider action now, without waiting for its next attempt; or ask gates, fence and executor what would be done.\n\nEXAMPLES\n  routerctl action execute 12 --dry-run\n  routerctl action execute 12 --approved',
  },
});

const journalCommand = buildCommand<OutputFlags, [string], Context>({
  async func(this: Context, flags: OutputFlags, id: string) {
    const path = `/v1/actions/${encodeURIComponent(id)}/attempts`;
    show(this, flags.output, await clientOf(this, flags).get(path), (value) =>
      attemptTable(attemptsSchema.parse(value).items),
    );
  },
  parameters: { flags: baseFlags, aliases: outputAliases, positional: idParameter },
  docs: {
    brief: 'Show every attempt of one provider action',
    fullDescription:
      'Show every attempt of one provider action, oldest first. What was begun stands here before the provider is called.\n\nEXAMPLES\n  routerctl action journal 12',
  },
});

const retryCommand = buildCommand<OutputFlags, [string], Context>({
  async func(this: Context, flags: OutputFlags, id: string) {
    const path = `/v1/actions/${encodeURIComponent(id)}/retry`;
    show(this, flags.output, await clientOf(this, flags).post(path, {}), (value) => {
      const { status } = actionSchema.parse(value);
      return `action ${id} is ${status} again`;
    });
  },
  parameters: { flags: baseFlags, aliases: outputAliases, positional: idParameter },
  docs: {
    brief: 'Try a failed provider action again',
    fullDescription:
      'Try a failed provider action again without waiting for its next attempt; it passes gates and fences like any other.\n\nEXAMPLES\n  routerctl action list --status failed\n  routerctl action retry 12',
  },
});

const rollbackCommand = buildCommand<ApproveFlags, [string], Context>({
  async func(this: Context, flags: ApproveFlags, id: string) {
    const by = operatorOf(this, flags.by);
    const path = `/v1/actions/${encodeURIComponent(id)}/rollback`;
    show(this, flags.output, await clientOf(this, flags).post(path, { by }), messageOf);
  },
  parameters: {
    flags: { ...baseFlags, by: byFlag('Who rolls it back') },
    aliases: outputAliases,
    positional: idParameter,
  },
  docs: {
    brief: 'Undo a provider action that succeeded',
    fullDescription:
      'Undo a provider action that succeeded: what a reading showed before it is restored. It needs spec.allowUndo in every policy that covers it, and it is refused while this node holds the address, since the plan would do it again.\n\nEXAMPLES\n  routerctl action rollback 12 --by alice',
  },
});

const importCommand = buildCommand<OutputFlags, [], Context>({
  async func(this: Context, flags: OutputFlags) {
    show(this, flags.output, await clientOf(this, flags).post('/v1/actions/import', {}), (value) => {
      const { wanted, imported, fenced } = z
        .object({ wanted: z.number(), imported: z.number(), fenced: z.number() })
        .parse(value);
      return `${wanted} wanted by the plan, ${imported} imported now, ${fenced} stale by the registry`;
    });
  },
  parameters: { flags: baseFlags, aliases: outputAliases },
  docs: {
    brief: 'Take what the plan wants into the journal now',
    fullDescription:
      'Take what the plan wants into the journal now. The daemon does it with every plan; this shows what it comes to.\n\nEXAMPLES\n  routerctl action import',
  },
});

interface PruneFlags extends OutputFlags {
  readonly olderThan: number | undefined;
  readonly keep: number | undefined;
}

const pruneCommand = buildCommand<PruneFlags, [], Context>({
  async func(this: Context, flags: PruneFlags) {
    const limits = {
      ...(flags.olderThan === undefined ? {} : { keepForMs: flags.olderThan }),
      ...(flags.keep === undefined ? {} : { keepRows: flags.keep }),
    };
    show(this, flags.output, await clientOf(this, flags).post('/v1/actions/prune', limits), (value) => {
      const { forgotten } = z.object({ forgotten: z.number() }).parse(value);
      return `${forgotten} finished actions forgotten`;
    });
  },
  parameters: {
    flags: {
      ...baseFlags,
      olderThan: {
        kind: 'parsed',
        parse: durationOf,
        optional: true,
        brief: 'What has not changed for so long [default: 720h]',
        placeholder: 'duration',
      },
      keep: {
        kind: 'parsed',
        parse: countOf,
        optional: true,
        brief: 'And all but the newest so many [default: 10000]',
        placeholder: 'count',
      },
    },
    aliases: outputAliases,
  },
  docs: {
    brief: 'Forget finished provider actions and their attempts',
    fullDescription:
      'Forget finished provider actions (succeeded, skipped, rolledBack) and their attempts. What the plan wants, waits or failed is never forgotten. The daemon does it by itself every ten minutes with the defaults.\n\nEXAMPLES\n  routerctl action prune --older-than 24h\n  routerctl action prune --keep 100',
  },
});

function durationOf(text: string): number {
  const duration = parseDuration(text);
  if (!duration.ok) throw new SyntaxError(`"${text}" is no duration such as 24h`);
  return duration.value;
}

function countOf(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0) throw new SyntaxError(`"${text}" is no count`);
  return count;
}

function operatorOf({ process }: Context, by: string | undefined): string {
  return by ?? process.env['SUDO_USER'] ?? process.env['USER'] ?? 'operator';
}

function messageOf(value: unknown): string {
  return z.object({ message: z.string() }).parse(value).message;
}

export const actionRoutes = buildRouteMap<string, Context>({
  routes: {
    import: importCommand,
    list: listCommand,
    show: showCommand,
    approve: approveCommand,
    execute: executeCommand,
    retry: retryCommand,
    rollback: rollbackCommand,
    journal: journalCommand,
    prune: pruneCommand,
  },
  docs: { brief: 'Provider actions and their journal' },
});
