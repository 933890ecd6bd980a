import { setImmediate as turn } from 'node:timers/promises';
import type { Instant } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { isSpared, standingCopies, type CopyLook } from '../src/adapters/nats-server/copy-judgement.ts';
import { watchCopies } from '../src/adapters/nats-server/copy-watch.ts';
import { parseGroupName } from '../src/subjects.ts';
import { valueOf } from './value-of.ts';

interface Told {
  readonly own: number | undefined;
  readonly log: number;
  readonly leader?: string;
  readonly otherIsCurrent?: boolean;
}

function look({ own, log, leader = 'hub-1', otherIsCurrent = true }: Told): CopyLook {
  const followers = ['hub-1', 'hub-2', 'hub-3']
    .filter((name) => name !== leader)
    .map((name) => ({ name, isCurrent: name === 'hub-3' || otherIsCurrent }));
  return {
    own: new Map(own === undefined ? [] : [['facts', { lastSequence: own }]]),
    ordered: new Map([['facts', { lastSequence: log, leader, followers }]]),
  };
}

const looks = (...told: readonly (readonly [own: number | undefined, log: number])[]): readonly CopyLook[] =>
  told.map(([own, log]) => look({ own, log }));

test.for([
  [
    'goes along with its log',
    [
      [90, 100],
      [190, 200],
      [290, 300],
    ],
  ],
  [
    'is late, and comes nearer',
    [
      [10, 100],
      [20, 200],
      [30, 300],
    ],
  ],
  [
    'has all, and the log grew a moment ago',
    [
      [100, 100],
      [100, 100],
      [100, 140],
    ],
  ],
  [
    'was looked at twice',
    [
      [10, 100],
      [10, 100],
    ],
  ],
] as const)('a copy that %s does not stand still', ([, told]) => {
  expect(standingCopies('hub-3', looks(...told))).toEqual([]);
});

test.for([
  [
    'lacks for good what the log has',
    [
      [10, 100],
      [10, 200],
      [10, 300],
    ],
    10,
  ],
  [
    'is not there',
    [
      [undefined, 100],
      [undefined, 100],
      [undefined, 100],
    ],
    0,
  ],
  [
    'is longer than the log, and stays so',
    [
      [310, 100],
      [310, 200],
      [310, 300],
    ],
    310,
  ],
] as const)('a copy that %s stands still', ([, told, end]) => {
  const log = told[2][1];
  expect(standingCopies('hub-3', looks(...told))).toEqual([`facts ends at ${end}, and at ${log} at hub-1`]);
});

test('what a hub orders itself, or does not keep, is no copy', () => {
  const ordered = [1, 2, 3].map(() => look({ own: 10, log: 100, leader: 'hub-3' }));
  expect(standingCopies('hub-3', ordered)).toEqual([]);
  expect(standingCopies('hub-4', looks([undefined, 100], [undefined, 100], [undefined, 100]))).toEqual([]);
});

test('a hub is spared when a majority of the others has every stream', () => {
  expect(isSpared('hub-3', look({ own: 10, log: 100 }))).toBe(true);
  expect(isSpared('hub-3', look({ own: 10, log: 100, otherIsCurrent: false }))).toBe(false);
  expect(isSpared('hub-3', look({ own: 10, log: 100, leader: 'hub-3', otherIsCurrent: false }))).toBe(false);
});

test('a hub whose copy stands still says so, and is started again once, and only while the others have everything', async () => {
  const clock = new ManualClock(0 as Instant);
  const log = new RecordingLog();
  const stopping = new AbortController();
  let seen = look({ own: 10, log: 100, otherIsCurrent: false });
  let restarts = 0;
  const hub = {
    copies: async () => Promise.resolve(undefined),
    restart: async () => Promise.resolve(void (restarts += 1)),
  };
  const options = { hub, group: valueOf(parseGroupName('demo')), self: 'hub-3', seed: '', servers: [], clock, log };
  const watching = watchCopies(options, stopping.signal, async () => Promise.resolve(seen));
  const pass = async (minutes: number): Promise<void> => {
    for (let seconds = 0; seconds < minutes * 60; seconds += 5) {
      clock.advance(5000);
      await turn();
    }
  };
  const named = (): number => log.lines.filter(({ fields }) => fields['event'] === 'hub.copy.stands-still').length;
  await pass(2);
  expect([restarts, named()]).toEqual([0, 1]);
  seen = look({ own: 10, log: 100 });
  await pass(1);
  expect(restarts).toBe(1);
  await pass(10);
  expect(restarts).toBe(1);
  await pass(10);
  expect(restarts).toBe(2);
  stopping.abort();
  await watching;
});
