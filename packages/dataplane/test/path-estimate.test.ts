import { expect, test } from 'vitest';
import {
  EMPTY_ESTIMATE,
  LOSS_WINDOW,
  lossOf,
  lostInARow,
  withAnswer,
  withLoss,
  type PathEstimate,
} from '../src/overlay/path-estimate.ts';
import {
  encodePathMessage,
  IP_UDP_BYTES,
  MESSAGE_BYTES,
  parsePathMessage,
  type PathMessage,
} from '../src/overlay/path-message.ts';
import {
  PATH_MTU_MIN,
  sizeToTry,
  startMtuSearch,
  withSizeAnswered,
  withSizeUnanswered,
  type MtuSearch,
} from '../src/overlay/path-mtu-search.ts';

const answers = (rtts: readonly number[], from = 1): PathEstimate =>
  rtts.reduce(
    (estimate, rttMs, at) => withAnswer(estimate, { sequence: from + at, rttMs, receivedThere: from + at }),
    EMPTY_ESTIMATE,
  );

test('a steady round trip has no jitter, and one that alternates by 16 ms has a jitter that nears 16 ms', () => {
  expect(answers(Array.from({ length: 50 }, () => 20))).toMatchObject({ rttMs: 20, jitterMs: 0 });
  const { jitterMs, rttMs } = answers(Array.from({ length: 200 }, (_, at) => (at % 2 === 0 ? 12 : 28)));
  expect(jitterMs).toBeCloseTo(16, 1);
  expect(rttMs).toBeGreaterThan(12);
  expect(rttMs).toBeLessThan(28);
});

test('one round trip that is far off moves the estimate by an eighth', () => {
  expect(answers([10, 10, 90]).rttMs).toBe(20);
});

test('loss is told of each direction, by what the peer says that it received', () => {
  // Of 40 samples every fourth does not arrive there; of what it answers every third does not come back.
  let there = 0;
  let estimate = EMPTY_ESTIMATE;
  for (let sequence = 1; sequence <= 40; sequence += 1) {
    const arrives = sequence % 4 !== 0;
    if (arrives) there += 1;
    estimate =
      arrives && there % 3 !== 0
        ? withAnswer(estimate, { sequence, rttMs: 10, receivedThere: there })
        : withLoss(estimate, sequence);
  }
  const { roundTrip, toPeer, fromPeer } = lossOf(estimate);
  expect(roundTrip).toBe(0.5);
  expect(toPeer).toBeCloseTo(0.25, 1);
  expect(fromPeer).toBeCloseTo(1 / 3, 1);
});

test('without loss nothing is lost in any direction, and nothing is said before anything was decided', () => {
  expect(lossOf(answers([10, 10, 10]))).toEqual({ roundTrip: 0, toPeer: 0, fromPeer: 0 });
  expect(lossOf(EMPTY_ESTIMATE)).toEqual({ roundTrip: undefined, toPeer: undefined, fromPeer: undefined });
  expect(lossOf(withLoss(EMPTY_ESTIMATE, 1))).toEqual({ roundTrip: 1, toPeer: undefined, fromPeer: undefined });
});

test('a peer that was started anew and counts from the beginning makes no loss up', () => {
  let estimate = answers([10, 10, 10, 10], 100);
  for (let there = 1; there <= 3; there += 1)
    estimate = withAnswer(estimate, { sequence: 103 + there, rttMs: 10, receivedThere: there });
  expect(lossOf(estimate)).toEqual({ roundTrip: 0, toPeer: undefined, fromPeer: undefined });
});

test('answers that overtake each other are counted in their order, and the window is bounded', () => {
  let estimate = withLoss(answers([10, 10, 10]), 5);
  estimate = withAnswer(estimate, { sequence: 4, rttMs: 10, receivedThere: 4 });
  expect(estimate.window.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
  expect(lostInARow(estimate)).toBe(1);
  for (let sequence = 6; sequence < 200; sequence += 1) estimate = withLoss(estimate, sequence);
  expect(estimate.window).toHaveLength(LOSS_WINDOW);
  expect(lostInARow(estimate)).toBe(LOSS_WINDOW);
});

/** Asks until the search is complete. @returns the search, and the sizes that were tried */
function searched(begin: MtuSearch, pathMtu: number, lossPart = 0): { search: MtuSearch; sizes: number[] } {
  const sizes: number[] = [];
  let search = begin;
  while (search.phase === 'searching' || sizes.length === 0) {
    const size = sizeToTry(search);
    sizes.push(size);
    search = size <= pathMtu ? withSizeAnswered(search, size, 0) : withSizeUnanswered(search, size, lossPart, 0);
    if (sizes.length > 200) throw new Error('the search does not end');
  }
  return { search, sizes };
}

test('every path MTU between the least and the MTU of the device is found exactly', () => {
  for (const ceiling of [PATH_MTU_MIN, 1280, 1420, 1500, 9000])
    for (let pathMtu = PATH_MTU_MIN; pathMtu <= ceiling; pathMtu += 1)
      expect(searched(startMtuSearch(ceiling, 0), pathMtu).search).toMatchObject({
        phase: 'complete',
        passes: pathMtu,
      });
});

test('a path as good as its device costs one try, any other at most three tries a step', () => {
  expect(searched(startMtuSearch(1420, 0), 1420).sizes).toEqual([1420]);
  expect(searched(startMtuSearch(1420, 0), 1300).sizes.length).toBeLessThanOrEqual(3 + 3 * Math.ceil(Math.log2(1420)));
});

test('a path through which not even the least passes ends the search without a finding, until one does', () => {
  const { search } = searched(startMtuSearch(1420, 0), 500);
  expect(search).toMatchObject({ phase: 'complete', passes: undefined });
  const still = withSizeUnanswered({ ...search, tries: 2 }, sizeToTry(search), 0, 60_000);
  expect(still).toMatchObject({ phase: 'complete', passes: undefined, nextAt: 75_000 });
  expect(searched(withSizeAnswered(still, PATH_MTU_MIN, 80_000), 1000).search.passes).toBe(1000);
});

test('what was found is confirmed, and a black hole is searched for below', () => {
  const { search } = searched(startMtuSearch(1420, 0), 1420);
  expect(search.nextAt).toBe(15_000);
  let lost = search;
  for (let tries = 0; tries < 3; tries += 1) lost = withSizeUnanswered(lost, 1420, 0, 15_000);
  expect(lost).toMatchObject({ phase: 'searching', passes: undefined });
  const again = searched(lost, 1300);
  expect(again.search.passes).toBe(1300);
  expect(Math.max(...again.sizes)).toBeLessThan(1420);
});

test('a path that became better is found out after ten minutes', () => {
  const { search } = searched(startMtuSearch(1420, 0), 1300);
  const confirmed = withSizeAnswered(search, 1300, 599_000);
  expect(confirmed.phase).toBe('complete');
  const raised = withSizeAnswered(confirmed, 1300, 600_000);
  expect(sizeToTry(raised)).toBe(1420);
  expect(searched(raised, 1420).search.passes).toBe(1420);
});

test('the more samples are lost, the more often a size is tried before it is given up', () => {
  const triesUntilGivenUp = (lossPart: number): number => {
    let search = startMtuSearch(1420, 0);
    let tries = 0;
    for (; search.fails > 1420; tries += 1) search = withSizeUnanswered(search, 1420, lossPart, 0);
    return tries;
  };
  expect([0, 0.01, 0.2, 0.4, 0.9].map(triesUntilGivenUp)).toEqual([3, 3, 5, 8, 10]);
});

const TOKEN = '00ff00ff00ff00ff';
const ask: PathMessage = {
  kind: 'ask',
  purpose: 'size',
  sequence: 7,
  token: TOKEN,
  pathMtu: undefined,
  session: 0xffff_ffff,
};
const answer: PathMessage = {
  kind: 'answer',
  purpose: 'sample',
  sequence: 0xffff_fffe,
  token: TOKEN,
  pathMtu: 1420,
  samplesReceived: 12,
  askBytes: 1340,
};

test('messages are read as they were written, an ask in the size that it tries out', () => {
  expect(parsePathMessage(encodePathMessage(ask, 1340))).toEqual(ask);
  expect(encodePathMessage(ask, 1340)).toHaveLength(1340 - IP_UDP_BYTES);
  expect(parsePathMessage(encodePathMessage(answer, 1340))).toEqual(answer);
  expect(encodePathMessage(answer, 1340)).toHaveLength(MESSAGE_BYTES);
});

test.each([
  ['too short', (bytes: Uint8Array) => bytes.slice(0, MESSAGE_BYTES - 1)],
  ['of something else', (bytes: Uint8Array) => bytes.with(0, 0)],
  ['of another version', (bytes: Uint8Array) => bytes.with(4, 2)],
  ['of no known kind', (bytes: Uint8Array) => bytes.with(5, 9)],
  ['for no known purpose', (bytes: Uint8Array) => bytes.with(6, 9)],
])('a message %s is none', (_, spoil) => {
  expect(parsePathMessage(spoil(encodePathMessage(answer)))).toBeUndefined();
});
