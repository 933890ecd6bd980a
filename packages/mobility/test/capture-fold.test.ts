import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldCapture, standingOf } from '../src/capture-fold.ts';
import type { CaptureRecord } from '../src/capture-record.ts';
import { contextOf, recordOf } from './fixtures.ts';

const context = contextOf();
const record = (holder: string | undefined, options: Parameters<typeof recordOf>[2] = {}): CaptureRecord =>
  recordOf(context, holder, options);
const held = record('aws-router-a', { revision: 3, epoch: 2 });

test.each([
  ['the holder confirms', record('aws-router-a', { revision: 4, epoch: 2, phase: 'confirmed' })],
  [
    'another node witnesses the unchanged state',
    record('aws-router-a', { revision: 4, epoch: 2, writer: 'oci-router-a' }),
  ],
  [
    'another router names itself with a higher epoch',
    record('aws-router-b', { revision: 4, epoch: 3, phase: 'acquiring' }),
  ],
  ['the holder vacates itself', record(undefined, { revision: 4, epoch: 3, writer: 'aws-router-a' })],
  ['the same holder begins a new tenure', record('aws-router-a', { revision: 4, epoch: 3, phase: 'acquiring' })],
  ['a gap left by compaction', record('aws-router-b', { revision: 9, epoch: 7, phase: 'acquiring' })],
])('accepted: %s', (_, next) => {
  expect(foldCapture(held, next)).toEqual({ kind: 'accepted', record: next });
});

test.each([
  ['the revision is taken', record('aws-router-b', { revision: 3, epoch: 3 }), 'revision is taken'],
  ['the epoch went down', record('aws-router-a', { revision: 4, epoch: 1 }), 'epoch went down'],
  [
    'a new holder in the same epoch',
    record('aws-router-b', { revision: 4, epoch: 2 }),
    'a new holder needs a higher epoch',
  ],
  [
    'a holder named by another',
    record('aws-router-b', { revision: 4, epoch: 3, writer: 'oci-router-a' }),
    'a record names only its writer, or nobody in place of its writer',
  ],
  [
    'a holder vacated by another',
    record(undefined, { revision: 4, epoch: 3, writer: 'aws-router-b' }),
    'a record names only its writer, or nobody in place of its writer',
  ],
  [
    'a phase changed by another',
    record('aws-router-a', { revision: 4, epoch: 2, phase: 'releasing', writer: 'aws-router-b' }),
    'only the holder changes its phase',
  ],
  [
    'a vacant record with a holder',
    record('aws-router-a', { revision: 4, epoch: 3, phase: 'vacant' }),
    'malformed: nobody holds exactly when the phase is vacant',
  ],
  [
    'a held capture acquired again in its epoch',
    record('aws-router-a', { revision: 4, epoch: 2, phase: 'acquiring' }),
    'a phase does not go back within its epoch',
  ],
  [
    'another predecessor within the epoch',
    record('aws-router-a', { revision: 4, epoch: 2, previous: 'aws-router-b' }),
    'a tenure keeps the node that it follows',
  ],
  [
    'another key',
    record('aws-router-a', { revision: 4, epoch: 2, domain: contextOf({ self: 'oci-router-a' }).selfMember!.domain }),
    'malformed: the record is about another key',
  ],
])('refused: %s', (_, next, because) => {
  expect(foldCapture(held, next)).toEqual({ kind: 'refused', because });
});

test('a key that compaction has shortened begins with any record, a fresh one only with a claim', () => {
  const witness = record('aws-router-a', { revision: 7, epoch: 3, writer: 'oci-router-a' });
  expect(foldCapture(undefined, witness).kind).toBe('accepted');
  expect(foldCapture(undefined, record('aws-router-a', { writer: 'oci-router-a' })).kind).toBe('refused');
  expect(foldCapture(undefined, record(undefined)).kind).toBe('refused');
  expect(foldCapture(undefined, record('aws-router-a', { phase: 'acquiring' })).kind).toBe('accepted');
});

test.each([0, -1, 1.5, Number.NaN, Number.MAX_SAFE_INTEGER + 1])('%d is no epoch and no revision', (count) => {
  const because = 'malformed: epoch and revision count from 1';
  expect(foldCapture(undefined, record('aws-router-a', { revision: count }))).toEqual({ kind: 'refused', because });
  expect(foldCapture(undefined, record('aws-router-a', { epoch: count }))).toEqual({ kind: 'refused', because });
});

const NODES = ['aws-router-a', 'aws-router-b', 'oci-router-a'] as const;
const entries = fc.array(
  fc.record({
    holder: fc.constantFrom(...NODES, undefined),
    writer: fc.constantFrom(...NODES),
    revision: fc.integer({ min: 1, max: 12 }),
    epoch: fc.integer({ min: 0, max: 8 }),
    phase: fc.constantFrom('acquiring', 'confirmed', 'held', 'releasing', 'vacant'),
    previous: fc.constantFrom(...NODES),
  }),
  { maxLength: 60 },
);

function folded(log: readonly CaptureRecord[]): readonly CaptureRecord[] {
  const accepted: CaptureRecord[] = [];
  for (const next of log) {
    const outcome = foldCapture(accepted.at(-1), next);
    if (outcome.kind === 'accepted') accepted.push(outcome.record);
  }
  return accepted;
}

test('no history lowers an epoch, gives one revision two winners or one epoch two holders', () => {
  fc.assert(
    fc.property(entries, (log) => {
      const accepted = folded(log.map(({ holder, ...options }) => record(holder, options)));
      for (const [index, next] of accepted.entries()) {
        const before = accepted[index - 1];
        expect(next.epoch).toBeGreaterThanOrEqual(before?.epoch ?? 1);
        expect(next.revision).toBeGreaterThan(before?.revision ?? 0);
        expect(next.epoch === before?.epoch ? next.holder : undefined).toBe(
          next.epoch === before?.epoch ? before.holder : undefined,
        );
      }
    }),
    { numRuns: 2000 },
  );
});

test('however concurrent claims are ordered, each revision has one winner and a reader that joins later agrees', () => {
  const race = fc.shuffledSubarray([...NODES], { minLength: 2 });
  fc.assert(
    fc.property(fc.array(race, { minLength: 1, maxLength: 8 }), fc.nat(), (races, cut) => {
      const log: CaptureRecord[] = [];
      let standing: CaptureRecord | undefined;
      for (const writers of races) {
        const revision = (standing?.revision ?? 0) + 1;
        const epoch = (standing?.epoch ?? 0) + 1;
        const claims = writers.map((writer) => record(writer, { revision, epoch, phase: 'acquiring' }));
        log.push(...claims);
        standing = folded(log).at(-1);
        expect(standing).toEqual(claims[0]);
      }
      expect(standingOf(log), 'by what compaction leaves').toEqual(standing);
      const accepted = folded(log);
      const from = cut % accepted.length;
      expect(folded(accepted.slice(from))).toEqual(accepted.slice(from)); // what a compacted log leaves
      const early = folded(log.slice(0, cut % (log.length + 1)));
      expect(early).toEqual(accepted.slice(0, early.length)); // what a reader knew on the way
    }),
  );
});

test('a record from before the log lost data does not stand by its high revision, for those who read it as history either', () => {
  const anew = [
    record('aws-router-a', { revision: 1, epoch: 2, phase: 'acquiring' }),
    record('aws-router-a', { revision: 2, epoch: 2, phase: 'held' }),
  ];
  // Sent by a node that was cut off when the log was lost: a witness of what had stood there.
  const late = record('aws-router-a', { revision: 5, epoch: 1, phase: 'held', writer: 'aws-router-b' });
  expect(folded([...anew, late]).at(-1)).toEqual(anew[1]);
  expect(standingOf([...anew, late])).toEqual(anew[1]);
  expect(standingOf([late, ...anew])).toEqual(anew[1]);
  const loser = record('aws-router-b', { revision: 3, epoch: 3, phase: 'acquiring' });
  const next = record('aws-router-a', { revision: 4, epoch: 2, phase: 'releasing' });
  expect(standingOf([...anew, loser, next]), 'a claim that lost proves nothing by its epoch').toEqual(next);
  expect(standingOf([])).toBeUndefined();
});
