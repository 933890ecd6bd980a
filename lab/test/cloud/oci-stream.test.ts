import { durationMs, instant } from '@routerd/resources';
import { ManualClock } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { NewsStream, type GroupCursor } from '../../src/cloud/oci/news-stream.ts';
import { valueOf } from './sample-space.ts';

const READER: GroupCursor = { group: 'g', instance: 'a', from: 'LATEST', timeoutMs: 30_000, commitOnGet: false };

function openStream() {
  const clock = new ManualClock(instant(1_800_000_000_000));
  const stream = new NewsStream(clock);
  const bodies = (cursor: string, max = 10): readonly string[] =>
    valueOf(stream.read(cursor, max)).messages.map(({ body }) => body);
  return { clock, stream, bodies };
}

test('a group begins at what is sent from then on, or at the oldest, and goes on at what it committed', () => {
  const { stream, bodies } = openStream();
  stream.put('a');
  expect(bodies(valueOf(stream.open(READER)))).toEqual([]);
  expect(bodies(valueOf(stream.open({ ...READER, group: 'h', from: 'TRIM_HORIZON' })))).toEqual(['a']);
  stream.put('b');
  stream.put('c');
  const { messages, next } = valueOf(stream.read(valueOf(stream.open(READER)), 1));
  expect(messages).toMatchObject([{ body: 'b', offset: 1 }]);
  expect(bodies(next)).toEqual(['c']);
  expect(bodies(valueOf(stream.open(READER)))).toEqual(['b', 'c']); // nothing was committed
  valueOf(stream.commit(next));
  expect(bodies(valueOf(stream.open({ ...READER, from: 'TRIM_HORIZON' })))).toEqual(['c']);
});

test('commits on get what was got before, unless it is told not to', () => {
  const { stream, bodies } = openStream();
  const cursor = valueOf(stream.open({ ...READER, commitOnGet: true }));
  stream.put('a');
  const { next } = valueOf(stream.read(cursor, 10));
  expect(bodies(valueOf(stream.open(READER)))).toEqual(['a']);
  valueOf(stream.read(next, 10));
  expect(bodies(valueOf(stream.open(READER)))).toEqual([]);
});

test('a partition has one instance of a group at a time, until that one has been silent', () => {
  const { clock, stream, bodies } = openStream();
  valueOf(stream.open(READER));
  stream.put('a');
  const other = valueOf(stream.open({ ...READER, instance: 'b' }));
  expect(bodies(other)).toEqual([]);
  expect(stream.commit(other)).toMatchObject({ ok: false, error: { status: 409 } });
  expect(bodies(valueOf(stream.open(READER)))).toEqual(['a']); // the same name, another process
  clock.advance(durationMs(30_000));
  expect(bodies(other)).toEqual(['a']);
});

test('a cursor is over after five minutes, or behind what is kept; the group can be brought up', () => {
  const { clock, stream, bodies } = openStream();
  const cursor = valueOf(stream.open(READER));
  clock.advance(durationMs(300_001));
  expect(stream.read(cursor, 10)).toMatchObject({ ok: false, error: { status: 400 } });
  expect(stream.read('nonsense', 10)).toMatchObject({ ok: false, error: { status: 400 } });
  stream.put('a');
  clock.advance(durationMs(25 * 3_600_000));
  stream.put('b');
  expect(stream.read(valueOf(stream.open(READER)), 10)).toMatchObject({ ok: false, error: { status: 400 } });
  valueOf(stream.update('g', 'TRIM_HORIZON'));
  expect(bodies(valueOf(stream.open(READER)))).toEqual(['b']);
  expect(stream.update('h', 'LATEST')).toMatchObject({ ok: false, error: { status: 404 } });
});

test('a group may read five times a second, and a stream has fifty of them', () => {
  const { clock, stream } = openStream();
  const cursor = valueOf(stream.open(READER));
  for (let each = 0; each < 5; each += 1) valueOf(stream.read(cursor, 10));
  expect(stream.read(cursor, 10)).toMatchObject({ ok: false, error: { status: 429, code: 'TooManyRequests' } });
  valueOf(stream.read(valueOf(stream.open({ ...READER, group: 'h' })), 10));
  clock.advance(durationMs(1000));
  valueOf(stream.read(cursor, 10));
  for (let each = 2; each < 50; each += 1) valueOf(stream.open({ ...READER, group: `g${each}` }));
  expect(stream.open({ ...READER, group: 'one more' })).toMatchObject({ ok: false, error: { code: 'LimitExceeded' } });
});
