/** What became of the plugins that observe: their runs, and the events that subscriptions match. */
import {
  RUNS_KEPT,
  type EventRun,
  type EventStatus,
  type FactEvent,
  type PluginRun,
  type RunStore,
} from '@routerd/observers';
import type { Instant } from '@routerd/resources';
import { decode, encode } from './row-codec.ts';
import type { StateFile } from './state-file.ts';

export function runStoreOn(file: StateFile): RunStore {
  const { relaxed } = file;
  const named = '(SELECT value FROM json_each(?))';
  const runs = relaxed.prepare<[string]>(`DELETE FROM plugin_runs WHERE plugin NOT IN ${named}`);
  const events = relaxed.prepare<[string]>(`DELETE FROM event_subscription_runs WHERE subscription NOT IN ${named}`);
  const counts = relaxed.prepare<[string]>(`DELETE FROM event_subscriptions WHERE subscription NOT IN ${named}`);
  return {
    ...pluginRunsOn(file),
    ...eventRunsOn(file),
    keepOnly: ({ plugins, subscriptions }) =>
      file.write('relaxed', () => {
        runs.run(JSON.stringify(plugins));
        for (const statement of [events, counts]) statement.run(JSON.stringify(subscriptions));
      }),
  };
}

type PluginRuns = Pick<RunStore, 'appendRun' | 'runs'>;

function pluginRunsOn(file: StateFile): PluginRuns {
  const { relaxed } = file;
  const insert = relaxed.prepare<[string, string]>('INSERT INTO plugin_runs (plugin, run) VALUES (?, ?)');
  const prune = relaxed.prepare<[{ plugin: string; kept: number }]>(
    `DELETE FROM plugin_runs WHERE plugin = $plugin
     AND id NOT IN (SELECT id FROM plugin_runs WHERE plugin = $plugin ORDER BY id DESC LIMIT $kept)`,
  );
  const all = relaxed.prepare<[string], { id: number; run: string }>(
    'SELECT id, run FROM plugin_runs WHERE plugin = ? ORDER BY id DESC',
  );
  return {
    appendRun: (run) =>
      file.write('relaxed', () => {
        const { lastInsertRowid } = insert.run(run.plugin, encode(run));
        prune.run({ plugin: run.plugin, kept: RUNS_KEPT });
        return { id: Number(lastInsertRowid), ...run };
      }),
    runs: (plugin) => file.read(() => all.all(plugin).map(({ id, run }) => runOf(id, run))),
  };
}

/** JSON drops undefined members; the type has them always. */
function runOf(id: number, text: string): PluginRun {
  const run = decode<Omit<PluginRun, 'id'>>(text);
  return {
    ...run,
    id,
    code: run.code ?? undefined,
    exitCode: run.exitCode ?? undefined,
    stdoutDigest: run.stdoutDigest ?? undefined,
    part: run.part ?? undefined,
  };
}

interface EventColumns {
  readonly subscription: string;
  readonly event: string;
  readonly status: EventStatus;
  readonly attempts: number;
  readonly message: string;
  readonly entered_at: Instant;
}

type EventRuns = Omit<RunStore, keyof PluginRuns | 'keepOnly'>;

function eventRunsOn(file: StateFile): EventRuns {
  const { durable, relaxed } = file;
  const insert = durable.prepare<[string, string, string, string, number, number], EventColumns>(
    `INSERT INTO event_subscription_runs (subscription, event_id, dedupe_key, event, status, attempts, message, entered_at, expires_at)
     VALUES (?, ?, ?, ?, 'waiting', 0, '', ?, ?) ON CONFLICT (subscription, event_id) DO NOTHING RETURNING *`,
  );
  const replace = durable.prepare<[string, string]>(
    `DELETE FROM event_subscription_runs WHERE subscription = ? AND dedupe_key = ? AND status <> 'waiting'`,
  );
  const count = durable.prepare<[string, number]>(
    `INSERT INTO event_subscriptions (subscription, matched) VALUES (?, ?)
     ON CONFLICT (subscription) DO UPDATE SET matched = matched + excluded.matched`,
  );
  const settle = relaxed.prepare<[EventStatus, number, string, string, string]>(
    'UPDATE event_subscription_runs SET status = ?, attempts = ?, message = ? WHERE subscription = ? AND event_id = ?',
  );
  const list = relaxed.prepare<[{ subscription: string; status: string | null }], EventColumns>(
    `SELECT * FROM event_subscription_runs WHERE subscription = $subscription AND status = coalesce($status, status) ORDER BY id`,
  );
  const counts = relaxed.prepare<[{ subscription: string }], { matched: number; givenUp: number }>(
    `SELECT coalesce((SELECT matched FROM event_subscriptions WHERE subscription = $subscription), 0) AS matched,
     (SELECT count(*) FROM event_subscription_runs WHERE subscription = $subscription AND status = 'failed') AS givenUp`,
  );
  const last = relaxed.prepare<[string], EventColumns>(
    `SELECT * FROM event_subscription_runs WHERE subscription = ? AND status <> 'waiting' ORDER BY id DESC LIMIT 1`,
  );
  const forget = relaxed.prepare<[number]>(
    `DELETE FROM event_subscription_runs WHERE expires_at < ? AND status <> 'waiting'`,
  );
  const enter = (subscription: string, events: readonly FactEvent[], now: Instant): readonly EventRun[] => {
    const entered = events.flatMap((event) => {
      const { id, dedupeKey, expiresAt } = event;
      const columns = insert.get(subscription, id, dedupeKey, encode(event), now, expiresAt);
      return columns === undefined ? [] : [eventRunOf(columns)];
    });
    // What waits stays, so the rows that were just entered do.
    for (const { event } of entered) replace.run(subscription, event.dedupeKey);
    if (entered.length > 0) count.run(subscription, entered.length);
    return entered;
  };
  return {
    enterEvents: (subscription, events, now) =>
      events.length === 0 ? [] : file.write('durable', () => enter(subscription, events, now)),
    settleEvents: (subscription, ids, { status, attempts, message }) =>
      file.write('relaxed', () => ids.forEach((id) => settle.run(status, attempts, message, subscription, id))),
    events: (subscription, status) =>
      file.read(() => list.all({ subscription, status: status ?? null }).map(eventRunOf)),
    lastSettled: (subscription) =>
      file.read(() => {
        const columns = last.get(subscription);
        return columns === undefined ? undefined : eventRunOf(columns);
      }),
    counts: (subscription) => file.read(() => counts.get({ subscription }) ?? { matched: 0, givenUp: 0 }),
    forgetEvents: (expiredBefore) => file.write('relaxed', () => forget.run(expiredBefore).changes),
  };
}

function eventRunOf({ subscription, event, status, attempts, message, entered_at }: EventColumns): EventRun {
  return { subscription, event: decode<FactEvent>(event), status, attempts, enteredAt: entered_at, message };
}
