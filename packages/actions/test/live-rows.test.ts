import { instant } from '@routerd/resources';
import { expect, test } from 'vitest';
import { createMemoryJournal } from '../src/adapters/memory/memory-journal.ts';
import { journalContract } from '../src/contract/journal-contract.ts';
import { liveRows } from '../src/live-rows.ts';
import { ACTION_STATUSES } from '../src/ports.ts';
import { assign } from './engine-rig.ts';

journalContract('live rows', async () => {
  const inner = createMemoryJournal();
  return { journal: liveRows(inner), reopen: async () => liveRows(inner) };
});

test('what is shown from memory is what the journal says, after every change', () => {
  const inner = createMemoryJournal();
  const live = liveRows(inner);
  const ids = [10, 11, 12].map((host) => live.importProposal(assign(host), instant(1)).row.id);
  const [first = 0, second = 0] = ids;
  const expectSame = (): void => {
    for (const status of ACTION_STATUSES) expect(live.list({ status })).toEqual(inner.list({ status }));
    for (const id of ids) expect(live.get(id)).toEqual(inner.get(id));
  };
  for (const status of [
    'approved',
    'running',
    'failed',
    'pending',
    'skipped',
    'approved',
    'running',
    'succeeded',
  ] as const) {
    live.transition([second, first], ACTION_STATUSES, { status, message: status, errorClass: undefined }, instant(2));
    expectSame();
  }
  live.transition([first], ['pending'], { status: 'failed' }, instant(3));
  expectSame();
});

test('a write that the journal refuses is not remembered', () => {
  const inner = createMemoryJournal();
  const { id } = inner.importProposal(assign(10), instant(1)).row;
  const live = liveRows({
    ...inner,
    transition: () => {
      throw new Error('disk full');
    },
  });
  expect(() => live.transition([id], ['pending'], { status: 'approved' }, instant(2))).toThrow('disk full');
  expect(live.get(id)?.status).toBe('pending');
  expect(live.list({ status: 'approved' })).toEqual([]);
});

test('a row that somebody else changed is seen as it is once a change of ours was refused', () => {
  const inner = createMemoryJournal();
  const { id } = inner.importProposal(assign(10), instant(1)).row;
  const live = liveRows(inner);
  inner.transition([id], ['pending'], { status: 'succeeded' }, instant(2));
  expect(live.list({ status: 'pending' })).toHaveLength(1);
  expect(live.transition([id], ['pending'], { status: 'approved' }, instant(3))).toEqual([]);
  expect(live.list({ status: 'pending' })).toEqual([]);
  expect(live.get(id)?.status).toBe('succeeded');
});
