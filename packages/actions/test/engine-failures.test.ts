import { instant, type Monotonic } from '@routerd/resources';
import { ManualClock } from '@routerd/runtime';
import { expect, test } from 'vitest';
import type { InjectedFault } from '../src/adapters/memory/memory-executor.ts';
import { createMemoryJournal } from '../src/adapters/memory/memory-journal.ts';
import type { ErrorClass, ExecutorFault, Journal } from '../src/ports.ts';
import { remedyOf } from '../src/retry.ts';
import { address, assign, createRig, keyOf, OTHER, proposal, SELF, type Rig } from './engine-rig.ts';

const fault = (errorClass: ErrorClass, changes: Partial<ExecutorFault> = {}): ExecutorFault => ({
  code: 'executor.failed',
  errorClass,
  detail: 'said the provider',
  ...changes,
});

/** A rig whose NIC was read, whose node holds .10, and whose next provider call meets `faults`. */
async function rigWith(...faults: readonly InjectedFault[]): Promise<Rig> {
  const rig = createRig();
  await rig.settle();
  rig.cloud.inject(...faults);
  rig.win(10);
  return rig;
}

test.each(['throttled', 'conflict', 'transport'] as const)(
  '%s is tried again after a back-off, fenced again',
  async (errorClass) => {
    const refused = { kind: 'refused', fault: fault(errorClass) } as const;
    const rig = await rigWith(refused, refused);
    rig.engine.propose([assign(10)]);
    await rig.settle();
    expect(rig.row(assign(10))).toMatchObject({
      status: 'approved',
      attempts: 1,
      errorClass,
      nextAttemptAt: rig.clock.now() + 125,
    });
    expect(rig.executed()).toHaveLength(1);

    // EC2 lets five changes through a second: who was throttled waits for one at least.
    const waits = errorClass === 'throttled' ? 200 : 125;
    rig.clock.advance(waits - 1);
    await rig.settle();
    expect(rig.executed()).toHaveLength(1);
    rig.clock.advance(1);
    await rig.settle();
    expect(rig.row(assign(10))).toMatchObject({ attempts: 2, nextAttemptAt: rig.clock.now() + 250 });
    rig.clock.advance(250);
    await rig.settle();
    expect(rig.row(assign(10))).toMatchObject({ status: 'succeeded', attempts: 3, errorClass: undefined });
    expect(rig.registry.appends).toHaveLength(3);
    expect(rig.engine.attempts(1).map(({ outcome }) => outcome)).toEqual([
      `${errorClass}: executor.failed: said the provider`,
      `${errorClass}: executor.failed: said the provider`,
      '1: succeeded: assigned',
    ]);
    await rig.engine.stop();
  },
);

/** Time goes on while somebody looks at it, and who sleeps wakes a little early, as on a real machine. */
class CreepingClock extends ManualClock {
  readonly #step: number;
  #crept = 0;

  constructor(step: number) {
    super(instant(1_800_000_000_000));
    this.#step = step;
  }

  override monotonic(): Monotonic {
    this.#crept += this.#step;
    return (super.monotonic() + this.#crept) as Monotonic;
  }

  override async sleepUntil(until: Monotonic, signal: AbortSignal): Promise<void> {
    return super.sleepUntil((until - this.#crept - EARLY_MS) as Monotonic, signal);
  }
}
const EARLY_MS = 0.6;

test.each(Array.from({ length: 40 }, (_, index) => 0.01 * (index + 1)))(
  'what becomes due while its worker looks is not left for the next reading (%f ms for each look at the clock)',
  async (step) => {
    const rig = createRig({ clock: new CreepingClock(step) });
    await rig.settle();
    rig.cloud.inject({ kind: 'refused', fault: fault('conflict') });
    rig.win(10);
    rig.engine.propose([assign(10)]);
    await rig.settle();
    await rig.pass(100); // it is due after 125 ms, of which looking takes a few
    for (let passed = 0; passed < 40; passed += 0.1) {
      rig.clock.advance(0.1);
      await rig.settle();
    }
    expect(rig.row(assign(10))).toMatchObject({ status: 'succeeded', attempts: 2 });
    await rig.engine.stop();
  },
);

test('the provider is left alone for as long as it asks', async () => {
  const rig = await rigWith({ kind: 'refused', fault: fault('throttled', { retryAfterMs: 45_000 }) });
  rig.engine.propose([assign(10)]);
  await rig.settle();
  await rig.pass(44_950);
  expect(rig.executed()).toHaveLength(1);
  await rig.pass(50);
  expect(rig.row(assign(10))?.status).toBe('succeeded');
  await rig.engine.stop();
});

test('new work does not wait for what backs off', async () => {
  const rig = await rigWith({ kind: 'refused', fault: fault('conflict', { retryAfterMs: 10_000 }) });
  rig.engine.propose([assign(10)]);
  await rig.settle();
  rig.win(11);
  rig.engine.propose([assign(10), assign(11)]);
  await rig.settle();
  expect(rig.row(assign(11))?.status).toBe('succeeded');
  expect(rig.row(assign(10))?.status).toBe('approved');
  await rig.engine.stop();
});

test.each(['permission', 'invalid', 'limit', 'not-found'] as const)(
  '%s stops, and says what to do',
  async (errorClass) => {
    const rig = await rigWith({ kind: 'refused', fault: fault(errorClass) });
    rig.engine.propose([assign(10)]);
    await rig.pass(20_000);
    expect(rig.row(assign(10))).toMatchObject({ status: 'failed', errorClass, attempts: 1 });
    expect(rig.row(assign(10))?.message).toContain(remedyOf(errorClass));
    expect(remedyOf(errorClass)).not.toBe('');
    expect(rig.executed()).toHaveLength(1);
    await rig.engine.stop();
  },
);

test('one address that another NIC holds does not keep the rest of its batch back', async () => {
  const rig = createRig();
  rig.cloud.place(address(11), 'eni-b');
  rig.win(10, 11, 12);
  rig.engine.propose([assign(10), assign(11), assign(12)]);
  await rig.settle();
  expect(rig.engine.rows().map(({ status, errorClass }) => [status, errorClass])).toEqual([
    ['succeeded', undefined],
    ['approved', 'held-elsewhere'],
    ['succeeded', undefined],
  ]);
  expect(rig.row(assign(11))?.message).toContain(remedyOf('held-elsewhere'));
  expect(rig.cloud.holderOf(address(11))).toBe('eni-b');
  await rig.engine.stop();
});

test('what another NIC holds is taken as soon as it is given up, and never before', async () => {
  const rig = createRig();
  rig.cloud.place(address(10), 'eni-b');
  rig.win(10);
  rig.engine.propose([assign(10)]);
  await rig.pass(60_000);
  expect(rig.cloud.holderOf(address(10))).toBe('eni-b');
  rig.cloud.place(address(10), undefined);
  await rig.pass(30_000);
  expect(rig.row(assign(10))?.status).toBe('succeeded');
  await rig.engine.stop();
});

test('an answer that was lost is settled by reading the NIC, not by calling again', async () => {
  const rig = await rigWith({ kind: 'lost-response' });
  rig.engine.propose([assign(10)]);
  await rig.settle();
  expect(rig.row(assign(10))).toMatchObject({
    status: 'succeeded',
    message: 'found in effect after a call without an answer',
  });
  expect(rig.cloud.mutations).toHaveLength(1);
  await rig.engine.stop();
});

test('a call that never answers ends at its limit; what did not happen is tried again', async () => {
  const rig = await rigWith({ kind: 'hang' });
  rig.engine.propose([assign(10)]);
  await rig.settle();
  rig.clock.advance(119_999);
  await rig.settle();
  expect(rig.row(assign(10))?.status).toBe('running');
  rig.clock.advance(1);
  await rig.settle();
  expect(rig.row(assign(10))).toMatchObject({ status: 'approved', errorClass: 'unknown-outcome' });
  await rig.pass(250);
  expect(rig.row(assign(10))?.status).toBe('succeeded');
  await rig.engine.stop();
});

test('without a quorum nothing is called, and the row waits', async () => {
  const rig = await rigWith();
  rig.registry.isReachable = false;
  rig.engine.propose([assign(10)]);
  await rig.pass(10_000);
  expect(rig.executed()).toEqual([]);
  expect(rig.row(assign(10))).toMatchObject({
    status: 'approved',
    attempts: 0,
    message: 'capture registry: no quorum',
  });
  rig.registry.isReachable = true;
  await rig.pass(30_000);
  expect(rig.row(assign(10))?.status).toBe('succeeded');
  await rig.engine.stop();
});

test('an address that is seized while the fence is confirmed is not touched', async () => {
  const rig = await rigWith();
  rig.registry.beforeAppend = () => {
    rig.registry.beforeAppend = undefined;
    rig.lose(10);
  };
  rig.engine.propose([assign(10)]);
  await rig.settle();
  expect(rig.row(assign(10))).toMatchObject({ status: 'skipped', message: 'stale mobility capture epoch' });
  expect(rig.executed()).toEqual([]);
  await rig.engine.stop();
});

test('an address that is seized between the confirmation and the call is not touched', async () => {
  const rig = await rigWith();
  rig.registry.afterAppend = () => {
    rig.registry.afterAppend = undefined;
    rig.lose(10);
  };
  rig.engine.propose([assign(10)]);
  await rig.settle();
  expect(rig.row(assign(10))).toMatchObject({ status: 'skipped', message: 'stale mobility capture epoch' });
  expect(rig.executed()).toEqual([]);
  await rig.engine.stop();
});

test('a stale action that somebody planted in the journal is skipped, never executed', async () => {
  const journal = createMemoryJournal();
  const planted = assign(10, 1);
  const { id } = journal.importProposal(planted, instant(1)).row;
  journal.transition([id], ['pending'], { status: 'approved', approvedBy: 'planted' }, instant(1));
  const rig = createRig({ journal });
  rig.win(10);
  rig.lose(10);
  rig.win(10);
  await rig.settle();
  expect(rig.row(planted)).toMatchObject({ status: 'skipped', message: 'stale mobility capture epoch' });
  expect(await rig.engine.execute(id, { mode: 'execute' })).toMatchObject({
    ok: true,
    value: { row: { status: 'skipped' } },
  });
  rig.engine.propose([assign(10, 3)]);
  await rig.settle();
  expect(rig.cloud.mutations.map(({ captureEpoch }) => captureEpoch)).toEqual([3]);
  await rig.engine.stop();
});

test('a proposal that is stale already is not even imported, and is once the registry has caught up', async () => {
  const rig = createRig();
  rig.engine.propose([assign(10, 1)]);
  await rig.settle();
  expect(rig.engine.rows()).toEqual([]);
  rig.win(10);
  await rig.settle();
  expect(rig.row(assign(10))?.status).toBe('succeeded');
  await rig.engine.stop();
});

test('what the plan drops before it ran is skipped, and opened again when it is wanted again', async () => {
  const rig = await rigWith({ kind: 'refused', fault: fault('throttled', { retryAfterMs: 60_000 }) });
  rig.engine.propose([assign(10)]);
  await rig.settle();
  rig.engine.propose([]);
  await rig.settle();
  expect(rig.row(assign(10))).toMatchObject({ status: 'skipped', message: 'no longer wanted by the plan' });
  rig.engine.propose([assign(10)]);
  await rig.pass(60_000);
  expect(rig.row(assign(10))?.status).toBe('succeeded');
  await rig.engine.stop();
});

test('a capture that vanished is repaired once it was read, and not before', async () => {
  const rig = await rigWith();
  rig.engine.propose([assign(10)]);
  await rig.settle();
  rig.cloud.place(address(10), undefined);
  rig.engine.propose([]);
  rig.engine.propose([assign(10)]);
  await rig.settle();
  expect(rig.executed()).toHaveLength(1);
  rig.engine.requestObservation(proposalNic());
  await rig.settle();
  expect(rig.cloud.holderOf(address(10))).toBe('eni-a');
  expect(rig.row(assign(10))).toMatchObject({ status: 'succeeded', attempts: 2 });
  await rig.engine.stop();
});

test('a provider that shows its changes late is read again, not called again', async () => {
  const rig = await rigWith();
  rig.cloud.delayReads(3);
  rig.engine.propose([assign(10)]);
  await rig.settle();
  expect(rig.engine.nic('aws-main|eni-a' as never)).toMatchObject({ addresses: new Set() });
  await rig.pass(5000);
  expect(rig.engine.nic('aws-main|eni-a' as never)).toMatchObject({ addresses: new Set([address(10)]) });
  expect(rig.executed()).toHaveLength(1);
  const reads = rig.cloud.calls.length;
  await rig.pass(30_000);
  expect(rig.cloud.calls).toHaveLength(reads);
  await rig.engine.stop();
});

test('an idle engine reads its NIC about once a minute, and does nothing else', async () => {
  const rig = createRig();
  await rig.settle();
  const calls = rig.cloud.calls.length;
  await rig.pass(600_000);
  expect(rig.cloud.calls.length - calls).toBe(10);
  expect(rig.cloud.calls.every(({ kind }) => kind === 'observe')).toBe(true);
  await rig.engine.stop();
});

test('a NIC that cannot be read stays unknown and is read again', async () => {
  const rig = createRig({ start: false });
  rig.cloud.inject({ kind: 'refused', fault: fault('transport') }, { kind: 'hang' });
  rig.engine.start();
  await rig.settle();
  expect(rig.engine.nic('aws-main|eni-a' as never)).toEqual({ kind: 'unknown' });
  await rig.pass(31_000);
  expect(rig.engine.nic('aws-main|eni-a' as never)).toMatchObject({ kind: 'known' });
  await rig.engine.stop();
});

// ---- crashes: a second engine over the same journal, cloud and registry is the next process ----

/** A journal whose process dies at one of its calls: from then on nothing reaches it. */
function dyingJournal(inner: Journal, dies: (method: keyof Journal, status: string | undefined) => boolean): Journal {
  let isDead = false;
  const guard = (method: keyof Journal, status?: string): void => {
    isDead ||= dies(method, status);
    if (isDead) throw new Error('the process is gone');
  };
  return {
    ...inner,
    importProposal: (...call) => (guard('importProposal'), inner.importProposal(...call)),
    transition: (...call) => (guard('transition', call[2].status), inner.transition(...call)),
    openAttempt: (...call) => (guard('openAttempt'), inner.openAttempt(...call)),
    closeAttempt: (...call) => (guard('closeAttempt'), inner.closeAttempt(...call)),
  };
}

test.each([
  ['before the row is running', (_: string, status?: string) => status === 'running', 0],
  ['between the journal and the call', (method: string) => method === 'openAttempt', 0],
  ['between the call and its outcome', (_: string, status?: string) => status === 'succeeded', 1],
] as const)('a crash %s is resolved by looking at the provider', async (_, dies, changesBefore) => {
  const journal = createMemoryJournal();
  const first = createRig({ journal: dyingJournal(journal, dies) });
  first.win(10);
  first.engine.propose([assign(10)]);
  await first.settle();
  expect(first.cloud.mutations).toHaveLength(changesBefore);
  await first.engine.stop();

  const { cloud, registry } = first;
  const second = createRig({ journal, cloud, registry, clock: new ManualClock(first.clock.now()) });
  second.engine.propose([assign(10)]);
  await second.pass(1000);
  expect(second.row(assign(10))?.status).toBe('succeeded');
  expect(cloud.mutations).toHaveLength(1);
  const opened = second.engine.attempts(1);
  expect(opened.every(({ endedAt }) => endedAt !== undefined)).toBe(true);
  await second.engine.stop();
});

test('stopping in the middle of a call leaves the row running, for the next start to resolve', async () => {
  const journal = createMemoryJournal();
  const first = createRig({ journal });
  await first.settle();
  first.cloud.inject({ kind: 'hang' });
  first.win(10);
  first.engine.propose([assign(10)]);
  await first.settle();
  await first.engine.stop();
  expect(first.row(assign(10))?.status).toBe('running');

  const second = createRig({ journal, cloud: first.cloud, registry: first.registry, clock: first.clock });
  second.engine.propose([assign(10)]);
  await second.pass(1000);
  expect(second.row(assign(10))).toMatchObject({ status: 'succeeded', attempts: 2 });
  await second.engine.stop();
});

test('after a restart nothing runs until the plan wants it', async () => {
  const journal = createMemoryJournal();
  const { id } = journal.importProposal(assign(10), instant(1)).row;
  journal.transition([id], ['pending'], { status: 'approved', approvedBy: 'alice' }, instant(1));
  const rig = createRig({ journal });
  rig.registry.seize(keyOf(10), SELF, {
    pool: assign(10).pool,
    address: address(10),
    domain: assign(10).captureDomain,
  });
  await rig.pass(60_000);
  expect(rig.executed()).toEqual([]);
  rig.engine.propose([assign(10)]);
  await rig.settle();
  expect(rig.row(assign(10))?.status).toBe('succeeded');
  await rig.engine.stop();
});

test('a journal that cannot be written stops every call, and work goes on when it can', async () => {
  const inner = createMemoryJournal();
  let isFull = true;
  const guard = (): void => {
    if (isFull) throw new Error('disk full');
  };
  const journal: Journal = {
    ...inner,
    importProposal: (...call) => (guard(), inner.importProposal(...call)),
    transition: (...call) => (guard(), inner.transition(...call)),
    openAttempt: (...call) => (guard(), inner.openAttempt(...call)),
  };
  const rig = createRig({ journal });
  rig.win(10);
  rig.engine.propose([assign(10)]);
  await rig.pass(5000);
  expect(rig.executed()).toEqual([]);
  expect(rig.log.lines.some(({ fields }) => fields['event'] === 'provider.journal.failed')).toBe(true);
  isFull = false;
  await rig.pass(40_000);
  expect(rig.row(assign(10))?.status).toBe('succeeded');
  await rig.engine.stop();
});

function proposalNic(): Parameters<Rig['engine']['requestObservation']>[0] {
  const { provider, providerRef, nicRef, target } = proposal('assign-secondary-ip', 10, 1);
  return { provider, providerRef, nicRef, target };
}

test('what another router of ours is about to give back is tried again when it has, and not a back-off later', async () => {
  const rig = createRig({ random: () => 0.999 });
  rig.cloud.place(address(10), 'eni-b');
  rig.win(10);
  rig.engine.propose([assign(10)]);
  await rig.pass(60_000); // waits half a minute by now
  const before = rig.executed().length;
  const tenure = rig.registry.records().get(keyOf(10));
  if (tenure === undefined) throw new Error('there is no tenure');
  rig.registry.write({ ...tenure, reason: 'fence confirmed for unassign-secondary-ip' }, OTHER);
  rig.engine.sweepStale();
  await rig.pass(200);
  rig.cloud.place(address(10), undefined);
  rig.engine.sweepStale(); // the same record does not begin it anew
  await rig.pass(300);
  expect(rig.row(assign(10))?.status).toBe('succeeded');
  expect(rig.executed()).toHaveLength(before + 1);
  await rig.engine.stop();
});

test('who writes under a tenure of ours without giving anything back costs one call for each record, and no storm', async () => {
  const rig = createRig({ random: () => 0.999 });
  rig.cloud.place(address(10), 'eni-b');
  rig.win(10);
  rig.engine.propose([assign(10)]);
  await rig.pass(120_000);
  const before = rig.executed().length;
  const tenure = rig.registry.records().get(keyOf(10));
  if (tenure === undefined) throw new Error('there is no tenure');
  rig.registry.write(tenure, OTHER);
  for (let each = 0; each < 100; each += 1) {
    rig.engine.sweepStale();
    await rig.pass(100);
  }
  // 0.5, 1, 2, 4 s after one another, as after a first refusal.
  expect(rig.executed().length - before).toBeLessThanOrEqual(6);
  await rig.engine.stop();
});
