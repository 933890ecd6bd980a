/** An action of an earlier tenure, put into a router's journal by hand: what a queue that was cut off for long would bring. */
import { DatabaseSync } from 'node:sqlite';
import path from 'node:path';
import { z } from 'zod';
import type { Lab } from './lab.ts';
import { routerDir } from './lab-files.ts';
import { askRouter } from './router-api.ts';
import { routerctl } from './router-orders.ts';
import { waitUntil } from './wait-until.ts';

export interface StaleAction {
  /** Whose journal it is put into. */
  readonly router: string;
  /** Whose tenure it belongs to. */
  readonly holder: string;
  readonly address: string;
  readonly epoch: number;
}

const proposal = z.looseObject({ address: z.string(), verb: z.string(), nicRef: z.string() });
const row = z.object({ status: z.string(), message: z.string() });

/**
 * A copy of the router's own action for that address, as of the other holder and epoch; then an operator approves it and has it executed, as one might who
 * found it pending.
 * @returns what the journal says of it when it is settled
 */
export async function plantStaleAction(
  lab: Lab,
  stale: StaleAction,
): Promise<{ readonly status: string; readonly message: string }> {
  const id = insertRow(lab, stale);
  await routerctl(lab, stale.router, 'action', 'approve', `${id}`, '--by', 'lab');
  await routerctl(lab, stale.router, 'action', 'execute', `${id}`, '--approved');
  return waitUntil(
    `${stale.router}: an end of the planted action ${id}`,
    async () => {
      const parsed = row.safeParse(await askRouter(lab.vm(stale.router), `/v1/actions/${id}`));
      if (!parsed.success) return undefined;
      return ['pending', 'approved', 'running'].includes(parsed.data.status) ? undefined : parsed.data;
    },
    { deadlineMs: 10_000 },
  );
}

/** @returns the id of the new row */
function insertRow(lab: Lab, { router, holder, address, epoch }: StaleAction): number {
  const database = new DatabaseSync(path.join(routerDir(lab.files, router), 'state', 'routerd.db'), { timeout: 5000 });
  try {
    const own = database
      .prepare(
        "SELECT proposal, provider FROM actions WHERE proposal LIKE ? AND proposal LIKE '%assign-secondary-ip%' LIMIT 1",
      )
      .get(`%"address":"${address}/32"%`);
    const template = proposal.parse(JSON.parse(String(own?.['proposal'])));
    const key = `lab:planted:${address}:epoch:${epoch}`;
    const text = JSON.stringify({
      ...template,
      idempotencyKey: key,
      captureEpoch: epoch,
      captureHolder: holder,
      seize: undefined,
    });
    const inserted = database
      .prepare(
        `INSERT OR REPLACE INTO actions (idempotency_key, provider, status, proposal, attempts, message, observed, created_at, updated_at)
         VALUES (?, ?, 'pending', ?, 0, '', '{}', ?, ?)`,
      )
      .run(key, String(own?.['provider']), text, Date.now(), Date.now());
    return Number(inserted.lastInsertRowid);
  } finally {
    database.close();
  }
}
