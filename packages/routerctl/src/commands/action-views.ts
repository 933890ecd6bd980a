/** What the daemon says about actions, and how it is shown. */
import { z } from 'zod';
import { age, renderFields, renderTable } from '../output.ts';

export const actionSchema = z.object({
  id: z.number(),
  idempotencyKey: z.string(),
  pool: z.string(),
  provider: z.string(),
  providerRef: z.string(),
  nicRef: z.string(),
  verb: z.string(),
  address: z.string(),
  captureDomain: z.string(),
  captureEpoch: z.number(),
  captureHolder: z.string(),
  seizeFrom: z.string().optional(),
  status: z.string(),
  approvedBy: z.string().optional(),
  attempts: z.number(),
  nextAttemptAt: z.number().optional(),
  errorClass: z.string().optional(),
  message: z.string(),
  observed: z.record(z.string(), z.string()),
  createdAt: z.number(),
  updatedAt: z.number(),
});
export const actionsSchema = z.object({ items: z.array(actionSchema) });
const attempt = z.object({
  attempt: z.string(),
  actionIds: z.array(z.number()),
  startedAt: z.number(),
  endedAt: z.number().optional(),
  outcome: z.string().optional(),
});
export const attemptsSchema = z.object({ items: z.array(attempt) });
type ActionView = z.output<typeof actionSchema>;
type AttemptView = z.output<typeof attempt>;

export function actionTable(items: readonly ActionView[], now: number): string {
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
      { title: 'NEXT', value: (item) => nextAttempt(item, now) },
      { title: 'CLASS', value: (item) => item.errorClass },
      { title: 'AGE', value: (item) => age(now - item.updatedAt) },
      { title: 'MESSAGE', value: (item) => item.message },
    ],
    items,
  );
}

export function actionDetails(item: ActionView, now: number): string {
  return renderFields([
    ['Action', item.id],
    ['Key', item.idempotencyKey],
    ['Pool', item.pool],
    ['Provider', `${item.providerRef} (${item.provider})`],
    ['NIC', item.nicRef],
    ['Verb', item.verb],
    ['Address', item.address],
    ['Seize from', item.seizeFrom],
    ['Capture domain', item.captureDomain],
    ['Epoch', item.captureEpoch],
    ['Holder', item.captureHolder],
    ['Status', item.status],
    ['Approved by', item.approvedBy],
    ['Attempts', item.attempts],
    ['Next attempt', nextAttempt(item, now)],
    ['Error class', item.errorClass],
    ...Object.entries(item.observed).map(([key, value]) => [`Observed ${key}`, value] as const),
    ['Imported', `${age(now - item.createdAt)} ago`],
    ['Changed', `${age(now - item.updatedAt)} ago`],
    ['Message', item.message],
  ]);
}

function nextAttempt({ nextAttemptAt }: ActionView, now: number): string | undefined {
  if (nextAttemptAt === undefined) return undefined;
  return nextAttemptAt <= now ? 'now' : `in ${age(nextAttemptAt - now)}`;
}

export function attemptTable(items: readonly AttemptView[]): string {
  return renderTable(
    [
      { title: 'ATTEMPT', value: (row: AttemptView) => row.attempt },
      { title: 'ACTIONS', value: (row) => row.actionIds.join(',') },
      { title: 'STARTED', value: (row) => new Date(row.startedAt).toISOString() },
      { title: 'TOOK', value: (row) => (row.endedAt === undefined ? 'running' : `${row.endedAt - row.startedAt}ms`) },
      { title: 'OUTCOME', value: (row) => row.outcome },
    ],
    items,
  );
}
