import { awaitNews } from '@routerd/plugin-sdk';
import { expect, test } from 'vitest';
import { aboutEvent, createStreamFeed, type ReaderGroup, type Stream, type StreamBatch } from '../src/index.ts';

/** A stream of one partition that outlives its readers; a cursor is `<group> <offset>`. */
class StreamTwin implements Stream {
  now = 100_000;
  readonly messages: { readonly text: string; readonly sentAt: number }[] = [];
  readonly committed = new Map<string, number>();
  /** `read first 2`. */
  readonly asked: string[] = [];

  put(text: string): void {
    this.messages.push({ text: JSON.stringify({ eventType: `com.oraclecloud.c.${text}` }), sentAt: this.now });
  }

  async begin(group: ReaderGroup, max: number): Promise<StreamBatch> {
    return this.read(`${group} ${this.committed.get(group) ?? 0}`, max);
  }

  async read(cursor: string, max: number): Promise<StreamBatch> {
    this.asked.push(`read ${cursor}`);
    const [group = '', offset = ''] = cursor.split(' ');
    const from = Number(offset);
    const messages = this.messages.slice(from, from + max);
    return { messages, next: `${group} ${from + messages.length}`, readAt: this.now };
  }

  async commit(cursor: string): Promise<string> {
    const [group = '', offset = ''] = cursor.split(' ');
    this.committed.set(group, Number(offset));
    return cursor;
  }
}

/** One run of a plugin: it waits until it is told of something. @param meanwhile by the number of the wait; each takes a second */
async function run(stream: StreamTwin, meanwhile: Readonly<Record<number, () => void>> = {}): Promise<string> {
  const notes: string[] = [];
  let waits = 0;
  const pause = async (milliseconds: number): Promise<void> => {
    stream.now += milliseconds;
    meanwhile[waits]?.();
    waits += 1;
    if (waits > 100) throw new Error('it waits for ever');
  };
  await awaitNews(createStreamFeed(stream, pause), (text) => notes.push(text), { now: () => stream.now, pause });
  return notes.join();
}

test('what comes is told at once, and once more when it is ten seconds old, by whatever reader is there then', async () => {
  const stream = new StreamTwin();
  expect(await run(stream, { 2: () => stream.put('stop') })).toBe('told of stop');
  const toldAt = stream.now;
  expect(await run(stream)).toBe('told of stop again');
  expect(stream.now - toldAt).toBeGreaterThanOrEqual(9000);
  expect(stream.now - toldAt).toBeLessThanOrEqual(11_000);
  await expect(run(stream)).rejects.toThrow('it waits for ever');
});

test('a reader that is new is told of what the stream still has, once: it may have come after the last look', async () => {
  const stream = new StreamTwin();
  for (let each = 0; each < 1200; each += 1) stream.put('start');
  stream.now += 3_600_000;
  expect(await run(stream)).toBe('told of start, start, start and 2397 more');
  expect([...stream.committed.values()]).toEqual([1200, 1200]);
  await expect(run(stream)).rejects.toThrow('it waits for ever');
});

test('a reader that is killed at any point leaves nothing out: it is told again by the next', async () => {
  const stream = new StreamTwin();
  await expect(run(stream)).rejects.toThrow('for ever'); // both groups are there
  stream.put('stop');
  // Killed before it commits what it read.
  const feed = createStreamFeed(stream, async () => undefined);
  stream.commit = async () => Promise.reject(new Error('killed'));
  await expect(feed.receive(true)).rejects.toThrow('killed');
  stream.commit = StreamTwin.prototype.commit.bind(stream);
  expect(await run(stream)).toBe('told of stop');
  // Killed in the middle of the first look: the second comes all the same.
  expect(await run(stream)).toBe('told of stop again');
});

test('what comes while nobody reads is told to the next reader, by both groups', async () => {
  const stream = new StreamTwin();
  await expect(run(stream)).rejects.toThrow('for ever');
  stream.put('start');
  stream.now += 60_000;
  expect(await run(stream)).toBe('told of start, start again');
});

test('news that come again and again do not keep older ones from their second look', async () => {
  const stream = new StreamTwin();
  await expect(run(stream)).rejects.toThrow('for ever');
  for (let round = 0; round < 12; round += 1) {
    for (let each = 0; each < 100; each += 1) stream.put('stop');
    stream.now += 2000;
    expect(await run(stream)).toContain('told of stop');
  }
  // 500 are looked at together; the first 500 are all older than ten seconds before the twelfth round.
  expect(stream.committed.get('second')).toBe(500);
});

test('a reader that waits asks one group alone, once a second, and a flood not more than four times', async () => {
  const stream = new StreamTwin();
  await expect(run(stream)).rejects.toThrow('for ever');
  expect(stream.asked.filter((each) => each === 'read second 0')).toHaveLength(1);
  expect(stream.asked.filter((each) => each === 'read first 0')).toHaveLength(101);
  for (let each = 0; each < 1200; each += 1) stream.put('stop');
  const before = stream.now;
  expect(await run(stream)).toBe('told of stop, stop, stop and 1197 more');
  expect(stream.now - before).toBe(500); // two reads more, a quarter of a second before each
});

test.each([
  [
    '{"eventType":"com.oraclecloud.computeapi.instanceaction.end","data":{"resourceName":"vm"}}',
    'instanceaction.end vm',
  ],
  ['{"eventType":"com.oraclecloud.virtualnetwork.createprivateip"}', 'createprivateip'],
  ['{}', 'something'],
  ['not JSON', 'something'],
])('the event %s is about %s', (text, about) => {
  expect(aboutEvent(text)).toBe(about);
});
