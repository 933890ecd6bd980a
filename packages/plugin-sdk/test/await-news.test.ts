import { expect, test } from 'vitest';
import { awaitNews, type CloudNews, type NewsFeed } from '../src/index.ts';

const news = (about: string, isRepeated = false): CloudNews => ({ about, isRepeated, receipt: `receipt of ${about}` });

class FeedTwin implements NewsFeed {
  readonly #batches: (readonly CloudNews[])[];
  readonly asked: boolean[] = [];
  readonly removed: string[] = [];

  constructor(batches: readonly (readonly CloudNews[])[]) {
    this.#batches = [...batches];
  }

  async receive(waits: boolean): Promise<readonly CloudNews[]> {
    this.asked.push(waits);
    return this.#batches.shift() ?? [];
  }

  async remove(receipts: readonly string[]): Promise<void> {
    this.removed.push(...receipts);
  }
}

async function told(feed: FeedTwin, pauses: number[] = [], tookMs = 0): Promise<readonly string[]> {
  const notes: string[] = [];
  let time = 0;
  const ports = {
    now: () => (time += tookMs),
    pause: async (milliseconds: number) => void pauses.push(milliseconds),
  };
  await awaitNews(feed, (text) => notes.push(text), ports);
  return notes;
}

test('a queue that does not wait is asked once a second, one that waits at once again', async () => {
  const pauses: number[] = [];
  await told(new FeedTwin([[], [], [news('a stop')]]), pauses);
  expect(pauses).toEqual([1000, 1000]);
  await told(new FeedTwin([[], [], [news('a stop')]]), pauses, 20_000);
  expect(pauses).toHaveLength(2);
});

test('it waits as often as nothing came, takes what is there together, and leaves what is new in the queue', async () => {
  const feed = new FeedTwin([[], [], [news('a stop')], [news('a start')], []]);
  expect(await told(feed)).toEqual(['told of a stop, a start']);
  expect(feed.asked).toEqual([true, true, true, false, false]);
  expect(feed.removed).toEqual([]);
});

test('what was seen before is removed, and looked at again', async () => {
  const feed = new FeedTwin([[news('a stop', true), news('a start')], []]);
  expect(await told(feed)).toEqual(['told of a stop again, a start']);
  expect(feed.removed).toEqual(['receipt of a stop']);
});

test('a queue that never ends does not keep it from looking', async () => {
  const feed = new FeedTwin(Array.from({ length: 1000 }, (_, index) => [news(`${index}`)]));
  expect(await told(feed)).toEqual(['told of 0, 1, 2 and 17 more']);
});

test('a queue that cannot be read is no news', async () => {
  const feed = new FeedTwin([[]]);
  feed.receive = async () => Promise.reject(new Error('AccessDenied'));
  await expect(told(feed)).rejects.toThrow('AccessDenied');
});
