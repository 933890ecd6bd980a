import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldCapture } from '../src/capture-fold.ts';
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
])('refused: %s', (_, next, because) => {
  expect(foldCapture(held, next)).toEqual({ kind: 'refused', because });
});

test('no history lowers an epoch, gives one revision two winners or one epoch two holders', () => {
  const holder = fc.constantFrom('aws-router-a', 'aws-router-b', undefined);
  const entry = fc.record({
    holder,
    writer: fc.constantFrom('aws-router-a', 'aws-router-b', 'oci-router-a'),
    revision: fc.integer({ min: 1, max: 12 }),
    epoch: fc.integer({ min: 0, max: 8 }),
    phase: fc.constantFrom('acquiring' as const, 'held' as const, 'releasing' as const, 'vacant' as const),
  });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 40 }), (log) => {
      let current: CaptureRecord | undefined;
      const holderOfEpoch = new Map<number, string | undefined>();
      for (const { holder: name, ...options } of log) {
        const outcome = foldCapture(current, record(name, options));
        if (outcome.kind === 'refused') continue;
        const next = outcome.record;
        expect(next.epoch).toBeGreaterThanOrEqual(current?.epoch ?? 1);
        expect(next.revision).toBeGreaterThan(current?.revision ?? 0);
        expect(next.holder).toBe(holderOfEpoch.has(next.epoch) ? holderOfEpoch.get(next.epoch) : next.holder);
        holderOfEpoch.set(next.epoch, next.holder);
        current = next;
      }
    }),
  );
});
