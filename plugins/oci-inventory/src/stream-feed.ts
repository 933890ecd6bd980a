/**
 * A stream as the feed of news that the other clouds have as a queue. A stream has no message that shows again, and takes none away; what it
 * keeps is how far each consumer group has come. So a reader has two groups, and needs no memory of its own (docs/adr/0027):
 *
 * 1. What the first group reads is new. It is committed at once and looked at, so that no run takes it for new a second time.
 * 2. What the second group reads is looked at once more, when the last of it is ten seconds old and listings have caught up. It is committed
 *    before that look. No more than `READ_MAX` wait for one another, so that news that never end do not put it off for ever.
 */
import type { CloudNews, NewsFeed } from '@routerd/plugin-sdk';
import { aboutEvent } from './about-event.ts';

export type ReaderGroup = 'first' | 'second';

export interface StreamBatch {
  readonly messages: readonly StreamMessage[];
  /** Where the next read goes on, and what is committed for these. */
  readonly next: string;
  /** By the clock of the stream, milliseconds; undefined where it tells none. */
  readonly readAt: number | undefined;
}

export interface StreamMessage {
  readonly text: string;
  /** By the same clock; undefined where it cannot be read. */
  readonly sentAt: number | undefined;
}

/** A stream of one partition. Every method rejects with what operators are told. */
export interface Stream {
  /**
   * Reads from what the group committed last. One that is new, or has fallen behind what the stream still keeps, begins with the oldest that
   * there is: what was sent since the last look at an interval is in it.
   */
  begin(group: ReaderGroup, max: number): Promise<StreamBatch>;
  /** Does not wait, and commits nothing. */
  read(cursor: string, max: number): Promise<StreamBatch>;
  /** @returns the cursor to go on with */
  commit(cursor: string): Promise<string>;
}

/** Messages of one read: a megabyte at most, as events have one or two kilobytes. */
const READ_MAX = 500;
const SECOND_LOOK_AFTER_MS = 10_000;
/** The service takes five reads a second from each group. */
const READ_SPACING_MS = 250;

export function createStreamFeed(stream: Stream, pause: (milliseconds: number) => Promise<unknown>): NewsFeed {
  let first: { readonly cursor: string; readonly isMore: boolean } | undefined;
  /** What the second group has before it when this reader begins; what comes later is the next one's. */
  let second: StreamBatch | undefined;
  let now: number | undefined;

  const readSecond = async (read: Promise<StreamBatch>): Promise<void> => {
    const batch = await read;
    second = batch.messages.length > 0 ? batch : undefined;
  };
  const readFirst = async (): Promise<readonly StreamMessage[]> => {
    // The second before the first: what comes in between is looked at once, and not never.
    if (first === undefined) await readSecond(stream.begin('second', READ_MAX));
    const batch = first === undefined ? stream.begin('first', READ_MAX) : stream.read(first.cursor, READ_MAX);
    const { messages, next, readAt } = await batch;
    now = readAt;
    first = {
      cursor: messages.length > 0 ? await stream.commit(next) : next,
      isMore: messages.length === READ_MAX,
    };
    return messages;
  };
  const takeDue = async (): Promise<readonly CloudNews[]> => {
    if (second === undefined || !isDue(second, now)) return [];
    const { messages, next } = second;
    if (messages.length === READ_MAX) await readSecond(stream.read(next, READ_MAX));
    else second = undefined;
    return messages.map(({ text }) => ({ about: aboutEvent(text), isRepeated: true, receipt: next }));
  };
  const readMore = async (): Promise<readonly StreamMessage[]> => (first?.isMore === true ? readFirst() : []);
  return {
    async receive(waits) {
      if (!waits) {
        if (first?.isMore !== true && (second === undefined || !isDue(second, now))) return [];
        await pause(READ_SPACING_MS);
      }
      const fresh = waits ? await readFirst() : await readMore();
      const due = await takeDue();
      return [...fresh.map(({ text }) => ({ about: aboutEvent(text), isRepeated: false, receipt: '' })), ...due];
    },
    async remove(receipts) {
      const last = receipts.at(-1);
      if (last !== undefined) await stream.commit(last);
    },
  };
}

/** Without a clock it is due at once: it is committed then, and no loop. */
function isDue({ messages }: StreamBatch, now: number | undefined): boolean {
  const youngest = Math.max(...messages.map(({ sentAt }) => sentAt ?? 0));
  return now === undefined || now - youngest >= SECOND_LOOK_AFTER_MS;
}
