/** Provider actions as the daemon shows them, and the orders about them. */
import { ACTION_STATUSES, type ActionStatus } from '@routerd/actions';
import { durationMs, PROVIDERS } from '@routerd/resources';
import { z } from 'zod';
import { actionView, attemptView } from '../views/action-view.ts';
import type { NodeView } from '../views/node-view.ts';

import type { ApiAnswer, ApiFault, Route } from './http-server.ts';
import type { ActionOrders } from './orders.ts';

type ActionsView = Pick<NodeView, 'actions'>;

const somebody = z.strictObject({ by: z.string().min(1).max(128) });
const pruneLimits = z.strictObject({
  keepForMs: z.number().int().min(0).optional(),
  keepRows: z.number().int().min(0).optional(),
});

export function actionRoutes(node: ActionsView, orders: ActionOrders): readonly Route[] {
  return [
    { method: 'GET', pattern: '/v1/actions', handle: ({ query }) => listActions(node, query) },
    {
      method: 'GET',
      pattern: '/v1/actions/:id',
      handle: ({ params }) => withAction(node, params['id'], (id) => done(actionOf(node, id))),
    },
    {
      method: 'GET',
      pattern: '/v1/actions/:id/attempts',
      handle: ({ params }) =>
        withAction(node, params['id'], (id) => done({ items: orders.attempts(id).map(attemptView) })),
    },
    {
      method: 'POST',
      pattern: '/v1/actions/:id/approve',
      handle: ({ params, body }) => withAction(node, params['id'], (id) => approve(node, orders, id, body)),
    },
    {
      method: 'POST',
      pattern: '/v1/actions/:id/execute',
      handle: async ({ params, body }) => withAction(node, params['id'], async (id) => execute(orders, id, body)),
    },
    {
      method: 'POST',
      pattern: '/v1/actions/:id/retry',
      handle: ({ params }) =>
        withAction(node, params['id'], (id) => {
          const retried = orders.retry(id);
          return retried.ok ? done(actionView(retried.value)) : refused(409, retried.error);
        }),
    },
    {
      method: 'POST',
      pattern: '/v1/actions/:id/rollback',
      handle: async ({ params, body }) => withAction(node, params['id'], async (id) => rollback(orders, id, body)),
    },
    { method: 'POST', pattern: '/v1/actions/import', handle: () => importPlan(orders) },
    { method: 'POST', pattern: '/v1/actions/prune', handle: ({ body }) => prune(orders, body) },
  ];
}

function done(body: unknown): ApiAnswer {
  return { status: 200, body };
}

function refused(status: 400 | 404 | 409, fault: ApiFault): ApiAnswer {
  return { status, fault };
}

function listActions(node: ActionsView, query: URLSearchParams): ApiAnswer {
  const status = query.get('status');
  const provider = query.get('provider');
  if (status !== null && !ACTION_STATUSES.includes(status as ActionStatus))
    return refused(400, {
      code: 'action.unknown-status',
      message: `"${status}" is no status of an action.`,
      remedy: `One of ${ACTION_STATUSES.join(', ')}.`,
    });
  if (provider !== null && !(PROVIDERS as readonly string[]).includes(provider))
    return refused(400, {
      code: 'action.unknown-provider',
      message: `"${provider}" is no provider.`,
      remedy: `One of ${PROVIDERS.join(', ')}.`,
    });
  const rows = node
    .actions()
    .filter(
      (row) => (status === null || row.status === status) && (provider === null || row.proposal.provider === provider),
    );
  return done({ items: rows.map(actionView) });
}

function actionOf(node: ActionsView, id: number): unknown {
  const row = node.actions().find((other) => other.id === id);
  return row === undefined ? undefined : actionView(row);
}

function withAction<Answer extends ApiAnswer | Promise<ApiAnswer>>(
  node: ActionsView,
  text: string | undefined,
  then: (id: number) => Answer,
): Answer | ApiAnswer {
  const id = Number(text);
  if (!/^\d{1,15}$/.test(text ?? ''))
    return refused(400, { code: 'action.malformed-id', message: `"${text ?? ''}" is not the number of an action.` });
  if (actionOf(node, id) === undefined)
    return refused(404, {
      code: 'action.not-found',
      message: `action ${id} not found`,
      remedy: 'List them with `routerctl action list`.',
    });
  return then(id);
}

function approve(node: ActionsView, orders: ActionOrders, id: number, body: unknown): ApiAnswer {
  const parsed = somebody.safeParse(body);
  if (!parsed.success) return refused(400, { code: 'action.approver-missing', message: 'Say who approves.' });
  const approved = orders.approve(id, parsed.data.by);
  return approved.ok ? done(actionOf(node, id)) : refused(409, approved.error);
}

async function execute(orders: ActionOrders, id: number, body: unknown): Promise<ApiAnswer> {
  const parsed = z.strictObject({ mode: z.enum(['dry-run', 'execute']) }).safeParse(body);
  if (!parsed.success)
    return refused(400, { code: 'action.mode-missing', message: 'Say which mode: dry-run or execute.' });
  const executed = await orders.execute(id, parsed.data.mode);
  return executed.ok ? done(executed.value) : refused(409, executed.error);
}

async function rollback(orders: ActionOrders, id: number, body: unknown): Promise<ApiAnswer> {
  const parsed = somebody.safeParse(body);
  if (!parsed.success) return refused(400, { code: 'action.approver-missing', message: 'Say who rolls it back.' });
  const undone = await orders.rollback(id, parsed.data.by);
  return undone.ok ? done(undone.value) : refused(409, undone.error);
}

function importPlan(orders: ActionOrders): ApiAnswer {
  const imported = orders.importPlan();
  return imported.ok ? done(imported.value) : refused(409, imported.error);
}

function prune(orders: ActionOrders, body: unknown): ApiAnswer {
  const parsed = pruneLimits.safeParse(body);
  if (!parsed.success)
    return refused(400, { code: 'action.limits-malformed', message: 'keepForMs and keepRows are whole numbers.' });
  const { keepForMs, keepRows } = parsed.data;
  const pruned = orders.prune({
    ...(keepForMs === undefined ? {} : { keepFor: durationMs(keepForMs) }),
    ...(keepRows === undefined ? {} : { keepRows }),
  });
  return pruned.ok ? done({ forgotten: pruned.value }) : refused(409, pruned.error);
}
