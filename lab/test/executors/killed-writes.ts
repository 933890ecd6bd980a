/**
 * kill -9 of the executor's process at each write of each verb, while the cloud is at work on it. What was begun lands all the same, since nobody
 * recalls a request. Then the same is asked again, as the engine does after a kill of either process, and the emulator has counted:
 *
 *     ask ── write n arrives at the cloud ── kill -9 ── write n lands ── ask again ── only what was not begun is written
 *
 * Whatever landed before the second request is found by looking: it is written once, and never undone.
 */
import type { ActionRow } from '@routerd/actions';
import { expect, test } from 'vitest';
import { waitUntil } from '../../src/wait-until.ts';
import { address, request, statuses, type ExecutorStage } from './executor-stage.ts';

type Verb = ActionRow['proposal']['verb'];

const HELD = '10.77.60.142';
/** Long enough that the process is dead before the cloud answers, on a machine that is not overloaded; else it is a plain repetition. */
const AT_WORK_MS = 300;
const LANDED = { deadlineMs: 30_000 };

interface Case {
  readonly title: string;
  readonly verb: Verb;
  readonly isSeizure?: true;
  readonly before: { readonly a?: true; readonly b?: true; readonly forwarding?: true };
  readonly after: { readonly holder: 'a' | undefined; readonly forwarding: boolean };
}

const CASES: readonly Case[] = [
  {
    title: 'assigning a free address',
    verb: 'assign-secondary-ip',
    before: {},
    after: { holder: 'a', forwarding: false },
  },
  {
    title: 'taking an address from another router',
    verb: 'assign-secondary-ip',
    isSeizure: true,
    before: { b: true },
    after: { holder: 'a', forwarding: false },
  },
  {
    title: 'unassigning an address',
    verb: 'unassign-secondary-ip',
    before: { a: true },
    after: { holder: undefined, forwarding: false },
  },
  {
    title: 'switching forwarding on',
    verb: 'ensure-forwarding-enabled',
    before: {},
    after: { holder: undefined, forwarding: true },
  },
  {
    title: 'switching forwarding off',
    verb: 'ensure-forwarding-disabled',
    before: { forwarding: true },
    after: { holder: undefined, forwarding: false },
  },
];

/** @param seizureWrites in how many writes the vendor's API moves an address from one NIC to another */
export function killedWritesTest(stage: () => ExecutorStage, seizureWrites: 1 | 2): void {
  const kills = CASES.flatMap((each) =>
    Array.from({ length: each.isSeizure ? seizureWrites : 1 }, (_, index) => ({ ...each, nth: index + 1 })),
  );
  test.each(kills)('kill -9 of the executor at write $nth of $title: nothing lost, nothing twice', async (kill) => {
    await prepare(stage(), kill);
    const writes = kill.isSeizure ? seizureWrites : 1;
    await killedAt(stage(), kill);
    await landed(stage(), kill, writes);
    expect(await statuses(stage().executor, ask(stage(), kill))).toEqual(['succeeded']);
    const changes = await stage().mutations();
    expect(changes).toHaveLength(writes);
    expect(changes.filter(({ outcome }) => outcome?.status !== undefined && outcome.status < 300)).toHaveLength(writes);
    expect(await stateOf(stage())).toEqual(kill.after);
  });
}

type Kill = Case & { readonly nth: number };

async function prepare(stage: ExecutorStage, { before, nth }: Kill): Promise<void> {
  const { control, config } = stage.rig;
  await stage.reset();
  for (const letter of ['a', 'b'] as const) {
    if (before[letter]) await control.changeAddresses(`${config.cloud}-router-${letter}`, { assign: [HELD] });
  }
  if (before.forwarding) await statuses(stage.executor, request('ensure-forwarding-enabled', stage.nicA, [HELD]));
  await control.resetJournal();
  const delay = { operation: 'writes', kind: 'delay' } as const;
  if (nth > 1) await control.layFault({ ...delay, count: nth - 1 });
  await control.layFault({ ...delay, delayMs: AT_WORK_MS });
}

function ask({ nicA, rig }: ExecutorStage, { verb, isSeizure }: Kill): ReturnType<typeof request> {
  return request(verb, nicA, [HELD], { epoch: 2, ...(isSeizure && { seizeFrom: `${rig.config.cloud}-router-b` }) });
}

/** A request that is given up gets its process killed. */
async function killedAt(stage: ExecutorStage, kill: Kill): Promise<void> {
  const giveUp = new AbortController();
  const answer = stage.executor.execute(ask(stage, kill), giveUp.signal);
  const isAtWork = async (): Promise<true | undefined> => (await stage.mutations()).length >= kill.nth || undefined;
  await waitUntil('the write to arrive', isAtWork, { ...LANDED, everyMs: 5 });
  giveUp.abort();
  await answer;
}

/** The request was answered, and the operation that it began is over. */
async function landed(stage: ExecutorStage, kill: Kill, writes: number): Promise<void> {
  // Half-way, unless the process had begun the next write before it died.
  const wanted = [kill.after, ...(kill.nth < writes ? [{ holder: undefined, forwarding: false }] : [])];
  const isOver = async (): Promise<true | undefined> => {
    const isAnswered = (await stage.mutations()).every(({ outcome }) => outcome !== undefined);
    const state = await stateOf(stage);
    const isThere = wanted.some(({ holder, forwarding }) => holder === state.holder && forwarding === state.forwarding);
    return (isAnswered && isThere) || undefined;
  };
  await waitUntil('the write to land', isOver, LANDED);
}

async function stateOf(
  stage: ExecutorStage,
): Promise<Case['after'] | { readonly holder: 'b'; readonly forwarding: boolean }> {
  const holder = await stage.holderOf(address(HELD));
  const forwarding = await stage.isForwarding(stage.nicA);
  const letter = holder === stage.nicA.nicRef ? 'a' : holder === undefined ? undefined : 'b';
  return { holder: letter, forwarding };
}
