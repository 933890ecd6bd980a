/** Runs in memory, for tests and simulation; forgets everything with the process. */
import { RUNS_KEPT, type EventRun, type PluginRun, type RunStore } from '../../ports.ts';

export function createMemoryRunStore(): RunStore {
  let runs: readonly PluginRun[] = [];
  let count = 0;
  const eventsOf = new Map<string, readonly EventRun[]>();
  const matched = new Map<string, number>();
  const rows = (subscription: string): readonly EventRun[] => eventsOf.get(subscription) ?? [];
  const ofPlugin = (plugin: string): readonly PluginRun[] => runs.filter((run) => run.plugin === plugin);
  return {
    appendRun(draft) {
      count += 1;
      const run: PluginRun = { id: count, ...draft };
      const dropped = new Set(ofPlugin(run.plugin).slice(RUNS_KEPT - 1));
      runs = [run, ...runs.filter((other) => !dropped.has(other))];
      return run;
    },
    runs: ofPlugin,
    enterEvents(subscription, events, now) {
      const before = rows(subscription);
      const known = new Set(before.map(({ event }) => event.id));
      const entered = events
        .filter(({ id }) => !known.has(id))
        .map((event): EventRun => ({
          subscription,
          event,
          status: 'waiting',
          attempts: 0,
          enteredAt: now,
          message: '',
        }));
      const keys = new Set(entered.map(({ event }) => event.dedupeKey));
      const kept = before.filter(({ status, event }) => status === 'waiting' || !keys.has(event.dedupeKey));
      eventsOf.set(subscription, [...kept, ...entered]);
      matched.set(subscription, (matched.get(subscription) ?? 0) + entered.length);
      return entered;
    },
    settleEvents(subscription, ids, change) {
      const settled = new Set(ids);
      eventsOf.set(
        subscription,
        rows(subscription).map((row) => (settled.has(row.event.id) ? { ...row, ...change } : row)),
      );
    },
    events: (subscription, status) => rows(subscription).filter((row) => status === undefined || row.status === status),
    lastSettled: (subscription) => rows(subscription).findLast(({ status }) => status !== 'waiting'),
    counts: (subscription) => ({
      matched: matched.get(subscription) ?? 0,
      givenUp: rows(subscription).filter(({ status }) => status === 'failed').length,
    }),
    keepOnly({ plugins, subscriptions }) {
      runs = runs.filter(({ plugin }) => plugins.includes(plugin));
      for (const name of [...eventsOf.keys()].filter((each) => !subscriptions.includes(each))) {
        eventsOf.delete(name);
        matched.delete(name);
      }
    },
    forgetEvents(expiredBefore) {
      let forgotten = 0;
      for (const [subscription, all] of eventsOf) {
        const kept = all.filter(({ status, event }) => status === 'waiting' || event.expiresAt >= expiredBefore);
        forgotten += all.length - kept.length;
        eventsOf.set(subscription, kept);
      }
      return forgotten;
    },
  };
}
