/** What every journal must do. An adapter's test file is one call to this. */
import { captureKeyOf, type ActionProposal, type CaptureDomain, type CaptureEpoch } from '@routerd/mobility';
import { instant, type HostAddress, type NodeName, type PoolName } from '@routerd/resources';
import { describe, expect, test } from 'vitest';
import type { Journal } from '../ports.ts';

export interface JournalRig {
  readonly journal: Journal;
  /** The same storage opened again, as after a restart; undefined where the journal does not outlive its process. */
  readonly reopen: (() => Promise<Journal>) | undefined;
}

const at = (ms: number) => instant(1_800_000_000_000 + ms);

/** A proposal to put `10.77.60.<host>` on a NIC. */
function assign(host: number, changes: Partial<ActionProposal> = {}): ActionProposal {
  const address = `10.77.60.${host}/32` as HostAddress;
  const pool = 'cloudedge' as PoolName;
  const captureDomain = 'provider:aws-main:placement:aws' as CaptureDomain;
  return {
    idempotencyKey: `mobility:cloudedge:aws:eni-a:assign-secondary-ip:${address}:epoch:1`,
    pool,
    provider: 'aws',
    providerRef: 'aws-main',
    nicRef: 'eni-a',
    verb: 'assign-secondary-ip',
    address,
    captureKey: captureKeyOf(pool, address, captureDomain),
    captureDomain,
    captureEpoch: 1 as CaptureEpoch,
    captureHolder: 'aws-router-a' as NodeName,
    seize: undefined,
    target: { region: 'eu-central-1' },
    riskLevel: 'medium',
    because: [{ rule: 'capture.acquiring', epoch: 1 as CaptureEpoch }],
    ...changes,
  };
}

const numbered = (host: number): ActionProposal => assign(host, { idempotencyKey: `key-${host}` });

/** @param open gets a fresh, empty journal; what it needs to clean up it registers itself */
export function journalContract(name: string, open: () => Promise<JournalRig>): void {
  describe(`journal contract: ${name}`, () => {
    test('a proposal becomes one pending row, however often it is imported', async () => {
      const { journal } = await open();
      const first = journal.importProposal(assign(10), at(1));
      const again = journal.importProposal(assign(10), at(2));
      expect(first).toMatchObject({
        isNew: true,
        row: { status: 'pending', attempts: 0, message: '', createdAt: at(1) },
      });
      expect(again).toEqual({ isNew: false, row: first.row });
      expect(first.row.proposal).toEqual(assign(10));
      expect(journal.list()).toEqual([first.row]);
      expect(journal.byKey(assign(10).idempotencyKey)).toEqual(first.row);
    });

    test('a row that waits takes over a newer proposal of its key, and keeps a seize', async () => {
      const { journal } = await open();
      journal.importProposal(assign(10), at(1));
      const seize = { from: 'aws-router-b' as NodeName };
      expect(journal.importProposal(assign(10, { seize }), at(2)).row.proposal.seize).toEqual(seize);
      expect(journal.importProposal(assign(10), at(3)).row.proposal.seize).toEqual(seize);
      const { row } = journal.importProposal(assign(10, { target: { region: 'eu-west-1' } }), at(4));
      expect(row).toMatchObject({ proposal: { target: { region: 'eu-west-1' }, seize }, updatedAt: at(4) });
      expect(journal.get(row.id)).toEqual(row);
    });

    test('a row that ran keeps what it ran with', async () => {
      const { journal } = await open();
      const { row } = journal.importProposal(assign(10), at(1));
      journal.transition([row.id], ['pending'], { status: 'running' }, at(2));
      expect(journal.importProposal(assign(10, { target: {} }), at(3)).row.proposal).toEqual(assign(10));
    });

    test('a transition changes only rows in one of the expected statuses', async () => {
      const { journal } = await open();
      const ids = [10, 11, 12].map((host) => journal.importProposal(assign(host), at(1)).row.id);
      const [first = 0, second = 0, third = 0] = ids;
      expect(journal.transition([second], ['pending'], { status: 'approved', approvedBy: 'alice' }, at(2))).toEqual([
        second,
      ]);
      expect(journal.transition(ids, ['approved'], { status: 'running', attempts: 1 }, at(3))).toEqual([second]);
      expect(journal.transition(ids, ['approved'], { status: 'running', attempts: 1 }, at(3))).toEqual([]);
      expect(journal.transition([first, third, 999], ['pending', 'approved'], { status: 'skipped' }, at(4))).toEqual([
        first,
        third,
      ]);
      expect(journal.get(second)).toMatchObject({
        status: 'running',
        approvedBy: 'alice',
        attempts: 1,
        updatedAt: at(3),
      });
    });

    test('a field that is set to undefined is empty afterwards, and others stay', async () => {
      const { journal } = await open();
      const { id } = journal.importProposal(assign(10), at(1)).row;
      const failed = {
        errorClass: 'throttled',
        nextAttemptAt: at(500),
        message: 'slow down',
        observed: { prior: 'true' },
      } as const;
      journal.transition([id], ['pending'], failed, at(2));
      expect(journal.get(id)).toMatchObject(failed);
      journal.transition([id], ['pending'], { errorClass: undefined, nextAttemptAt: undefined }, at(3));
      expect(journal.get(id)).toMatchObject({
        errorClass: undefined,
        nextAttemptAt: undefined,
        message: 'slow down',
        observed: { prior: 'true' },
      });
    });

    test('rows are listed in the order of import, by status and by provider', async () => {
      const { journal } = await open();
      const ids = [12, 10, 11].map((host) => journal.importProposal(assign(host), at(1)).row.id);
      const azure = journal.importProposal(assign(13, { provider: 'azure' }), at(2)).row.id;
      journal.transition(ids.slice(1, 2), ['pending'], { status: 'approved' }, at(3));
      const idsOf = (filter: Parameters<Journal['list']>[0]) => journal.list(filter).map(({ id }) => id);
      expect(idsOf({})).toEqual([...ids, azure]);
      expect(idsOf({ status: 'pending' })).toEqual([ids[0], ids[2], azure]);
      expect(idsOf({ provider: 'azure' })).toEqual([azure]);
      expect(idsOf({ provider: 'aws', status: 'approved' })).toEqual([ids[1]]);
      expect(idsOf({ status: 'failed' })).toEqual([]);
    });

    test('an attempt is open from before the call until it is closed once', async () => {
      const { journal } = await open();
      const ids = [10, 11].map((host) => journal.importProposal(assign(host), at(1)).row.id);
      const [first = 0, second = 0] = ids;
      journal.openAttempt(ids, 'one', at(2));
      expect(journal.attempts(first)).toEqual([
        { actionIds: ids, attempt: 'one', startedAt: at(2), endedAt: undefined, outcome: undefined },
      ]);
      journal.closeAttempt('one', 'throttled', at(3));
      journal.closeAttempt('one', 'again', at(4));
      journal.openAttempt([second], 'two', at(5));
      expect(journal.attempts(second).map(({ attempt, endedAt, outcome }) => [attempt, endedAt, outcome])).toEqual([
        ['one', at(3), 'throttled'],
        ['two', undefined, undefined],
      ]);
      expect(journal.attempts(first)).toHaveLength(1);
      expect(journal.attempts(999)).toEqual([]);
    });

    test('pruning forgets what is finished and old, and what is beyond the count, and nothing that lives', async () => {
      const { journal } = await open();
      const statuses = ['succeeded', 'skipped', 'failed', 'pending', 'succeeded', 'succeeded', 'rolledBack'] as const;
      const ids = statuses.map((status, index) => {
        const { id } = journal.importProposal(numbered(10 + index), at(index)).row;
        journal.transition([id], ['pending'], { status }, at(index));
        return id;
      });
      const [first = 0, second = 0, , , fifth = 0] = ids;
      journal.openAttempt([first, second], 'both', at(10));
      journal.openAttempt([second], 'second', at(10));
      const limits = { olderThan: at(1), keepRows: 2, except: new Set<number>() };
      expect(journal.prune({ ...limits, except: new Set([first, fifth]) })).toEqual([second]);
      expect(journal.attempts(first).map(({ attempt, actionIds }) => [attempt, actionIds])).toEqual([
        ['both', [first]],
      ]);
      expect(journal.attempts(second)).toEqual([]);
      expect(journal.prune(limits)).toEqual([first, fifth]);
      expect(journal.list().map(({ status }) => status)).toEqual(['failed', 'pending', 'succeeded', 'rolledBack']);
      expect(journal.prune(limits)).toEqual([]);
      expect(journal.byKey(numbered(10).idempotencyKey)).toBeUndefined();
      expect(journal.importProposal(numbered(10), at(20))).toMatchObject({ isNew: true, row: { status: 'pending' } });
    });

    test('a journal that outlives its process says the same when it is opened again', async () => {
      const { journal, reopen } = await open();
      const { id } = journal.importProposal(assign(10, { seize: { from: 'aws-router-b' as NodeName } }), at(1)).row;
      journal.transition([id], ['pending'], { status: 'running', attempts: 1 }, at(2));
      journal.openAttempt([id], 'one', at(2));
      const before = [journal.list(), journal.attempts(id)];
      const again = (await reopen?.()) ?? journal;
      expect([again.list(), again.attempts(id)]).toEqual(before);
      expect(again.importProposal(assign(11), at(3)).row.id).toBeGreaterThan(id);
    });
  });
}
