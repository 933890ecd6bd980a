/** What every store of runs must do. An adapter's test file is one call to this. */
import { instant, type NodeName } from '@routerd/resources';
import { describe, expect, test } from 'vitest';
import type { FactEvent } from '../fact-event.ts';
import { RUNS_KEPT, type PluginRun, type RunStore } from '../ports.ts';

export interface RunStoreRig {
  readonly store: RunStore;
  /** Opens what `store` wrote again, as after a restart; undefined for what forgets. */
  readonly reopen: (() => RunStore) | undefined;
}

const run = (plugin: string, startedAt: number, changes: Partial<PluginRun> = {}): Omit<PluginRun, 'id'> => ({
  plugin,
  trigger: 'interval',
  topic: '',
  startedAt: instant(startedAt),
  endedAt: instant(startedAt + 5),
  result: 'Applied',
  code: undefined,
  message: 'applied',
  problems: [],
  notes: [],
  exitCode: 0,
  stdoutDigest: 'a'.repeat(64),
  stderr: '',
  part: { source: `Plugin/${plugin}`, generation: 3 },
  resources: 1,
  directives: 0,
  actionPlans: 2,
  ...changes,
});

const event = (id: string, dedupeKey = id, expiresAt = 1_800_000_600_456): FactEvent => ({
  id,
  group: 'lab',
  sourceNode: 'aws-router-a' as NodeName,
  type: 'routerd.client.ipv4.observed',
  subject: '10.77.60.10/32',
  dedupeKey,
  payload: { address: '10.77.60.10/32', pool: 'lab' },
  observedAt: instant(1_800_000_000_123),
  expiresAt: instant(expiresAt),
});

const NOW = instant(1_800_000_000_456);
const APPLIED = { status: 'applied', attempts: 1, message: '' } as const;
const ids = (store: RunStore, status?: 'waiting' | 'applied' | 'failed'): readonly string[] =>
  store.events('s', status).map((row) => row.event.id);

/** @param open gets an empty store; what it needs to clean up it registers itself */
export function runStoreContract(name: string, open: () => RunStoreRig): void {
  describe(`${name}: runs of plugins`, () => {
    test('a run comes back as it was, newest first', () => {
      const { store } = open();
      const first = store.appendRun(run('a', 1));
      const failed = run('a', 2, {
        result: 'Failed',
        code: 'plugin.failed',
        part: undefined,
        exitCode: undefined,
        stdoutDigest: undefined,
        problems: [{ path: 'status.ttl', message: 'missing' }],
        notes: ['shown only'],
      });
      const second = store.appendRun(failed);
      store.appendRun(run('b', 3));
      expect(second.id).toBeGreaterThan(first.id);
      expect(store.runs('a')).toEqual([
        { id: second.id, ...failed },
        { id: first.id, ...run('a', 1) },
      ]);
    });

    test('the newest runs of each plugin are kept', () => {
      const { store } = open();
      store.appendRun(run('b', 0));
      for (let at = 1; at <= RUNS_KEPT + 3; at++) store.appendRun(run('a', at));
      expect(store.runs('a').map(({ startedAt }) => startedAt)).toEqual(
        Array.from({ length: RUNS_KEPT }, (_, index) => RUNS_KEPT + 3 - index),
      );
      expect(store.runs('b')).toHaveLength(1);
    });
  });

  describe(`${name}: events of subscriptions`, () => {
    test('an event waits once for each subscription, whatever became of it', () => {
      const { store } = open();
      expect(store.enterEvents('s', [event('e1'), event('e2')], NOW).map((row) => row.event.id)).toEqual(['e1', 'e2']);
      store.settleEvents('s', ['e1', 'unknown'], APPLIED);
      expect(store.enterEvents('s', [event('e1'), event('e2'), event('e3')], NOW)).toEqual([
        { subscription: 's', event: event('e3'), status: 'waiting', attempts: 0, enteredAt: NOW, message: '' },
      ]);
      expect(store.enterEvents('other', [event('e1')], NOW)).toHaveLength(1);
      expect(ids(store, 'waiting')).toEqual(['e2', 'e3']);
      expect(ids(store, 'applied')).toEqual(['e1']);
      expect(ids(store)).toEqual(['e1', 'e2', 'e3']);
      expect(['s', 'other', 'none'].map((name) => store.counts(name).matched)).toEqual([3, 1, 0]);
      expect([store.lastSettled('s')?.event.id, store.lastSettled('other')]).toEqual(['e1', undefined]);
    });

    test('of the settled events with one key the last is kept, and what waits always', () => {
      const { store } = open();
      store.enterEvents('s', [event('e1', 'k'), event('e2', 'k'), event('e3', 'other')], NOW);
      store.settleEvents('s', ['e1', 'e3'], APPLIED);
      store.enterEvents('s', [event('e4', 'k')], NOW);
      expect(ids(store)).toEqual(['e2', 'e3', 'e4']);
      expect(store.counts('s')).toEqual({ matched: 4, givenUp: 0 });
    });

    test('attempts and words are kept with the event', () => {
      const { store } = open();
      store.enterEvents('s', [event('e1')], NOW);
      store.settleEvents('s', ['e1'], { status: 'waiting', attempts: 2, message: 'timed out' });
      expect(store.events('s')[0]).toMatchObject({ status: 'waiting', attempts: 2, message: 'timed out' });
      store.settleEvents('s', ['e1'], { status: 'failed', attempts: 3, message: 'timed out' });
      expect(store.counts('s')).toEqual({ matched: 1, givenUp: 1 });
    });

    test('what has expired is forgotten once it is settled', () => {
      const { store } = open();
      store.enterEvents('s', [event('old', 'a', 10), event('waits', 'b', 10), event('young', 'c', 20)], NOW);
      store.settleEvents('s', ['old', 'young'], APPLIED);
      expect(store.forgetEvents(instant(20))).toBe(1);
      expect(ids(store)).toEqual(['waits', 'young']);
    });

    test('what is not declared any more is forgotten, waiting or not', () => {
      const { store } = open();
      for (const plugin of ['a', 'b']) store.appendRun(run(plugin, 1));
      for (const subscription of ['s', 'other']) store.enterEvents(subscription, [event('e1')], NOW);
      store.keepOnly({ plugins: ['b', 'c'], subscriptions: ['s'] });
      expect([store.runs('a').length, store.runs('b').length]).toEqual([0, 1]);
      expect([store.events('other'), store.counts('other').matched]).toEqual([[], 0]);
      expect([ids(store), store.counts('s').matched]).toEqual([['e1'], 1]);
    });

    test('a restart changes nothing', () => {
      const { store, reopen } = open();
      store.appendRun(run('a', 1));
      store.enterEvents('s', [event('e1'), event('e2')], NOW);
      store.settleEvents('s', ['e1'], APPLIED);
      const before = [store.runs('a'), store.events('s'), store.counts('s')];
      const after = reopen === undefined ? store : reopen();
      expect([after.runs('a'), after.events('s'), after.counts('s')]).toEqual(before);
      expect(after.enterEvents('s', [event('e1')], NOW)).toEqual([]);
    });
  });
}
