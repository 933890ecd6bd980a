/**
 * How an inventory waits for its cloud: until a queue says that something changed. What the message says is a reason to look and never a fact.
 *
 * 1. A message is looked at twice: a cloud's listings may lag behind its events. It stays in the queue the first time, which hides it for a
 *    while and then shows it again; what this look missed, and what becomes of a run that is broken off, is seen by the second.
 * 2. The second time it is removed before the look, so a queue that never ends is no loop. What is lost then the next interval makes up for.
 */
import { setTimeout as delay } from 'node:timers/promises';

export interface CloudNews {
  /** A few words of the cloud's own, for people. */
  readonly about: string;
  /** Whether it was received before. */
  readonly isRepeated: boolean;
  /** What it is removed by. */
  readonly receipt: string;
}

/** Every method rejects with what operators are told. */
export interface NewsFeed {
  /**
   * What is there, at most as much as the queue gives at a time; hidden from then on for a while.
   * @param waits whether to wait for some, as long as the queue lets it, which may be not at all
   */
  receive(waits: boolean): Promise<readonly CloudNews[]>;
  /** Removes what it can; what was removed already, or is shown again, is no failure. */
  remove(receipts: readonly string[]): Promise<void>;
}

/** What waiting takes of the machine; a test brings its own. */
export interface WaitPorts {
  /** Steady, milliseconds. */
  readonly now: () => number;
  readonly pause: (milliseconds: number) => Promise<unknown>;
}

/** A queue that waits less than that for a message is not asked again before: it may be one that does not wait at all. Milliseconds. */
const EMPTY_SPACING_MS = 1000;
/** Batches that are taken together before a look. */
const BATCHES_MAX = 20;
/** Of the messages, named in the note. */
const NAMED_MAX = 3;

/** Resolves when the cloud has told of something. @throws what the feed does */
export async function awaitNews(
  feed: NewsFeed,
  note: (text: string) => void,
  ports: WaitPorts = { now: () => performance.now(), pause: delay },
): Promise<void> {
  let batch = await firstBatch(feed, ports);
  const news = [...batch];
  for (let batches = 1; batches < BATCHES_MAX && batch.length > 0; batches += 1) {
    batch = await feed.receive(false);
    news.push(...batch);
  }
  const repeated = news.filter(({ isRepeated }) => isRepeated);
  if (repeated.length > 0) await feed.remove(repeated.map(({ receipt }) => receipt));
  const named = news.slice(0, NAMED_MAX).map(({ about, isRepeated }) => (isRepeated ? `${about} again` : about));
  const more = news.length - named.length;
  note(`told of ${named.join(', ')}${more === 0 ? '' : ` and ${more} more`}`);
}

async function firstBatch(feed: NewsFeed, { now, pause }: WaitPorts): Promise<readonly CloudNews[]> {
  for (;;) {
    const askedAt = now();
    const batch = await feed.receive(true);
    if (batch.length > 0) return batch;
    const rest = askedAt + EMPTY_SPACING_MS - now();
    if (rest > 0) await pause(rest);
  }
}
