/**
 * A stream of one partition as its consumer groups see it (Streaming: "Using Consumer Groups", "Limits on Streaming Resources"): nothing is ever
 * taken away, and each group has a place that it has committed.
 */
import { randomUUID } from 'node:crypto';
import { err, ok, type Result } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';
import type { NewsOutlet } from '../news-desk.ts';
import { ociFault, type OciFault } from './oci-reply.ts';

/** A cursor that is not used for so long is over. */
const CURSOR_LIFE_MS = 5 * 60_000;
/** The least that a stream can be told to keep what it was sent. */
const RETENTION_MS = 24 * 3_600_000;
const GROUPS_MAX = 50;
/** Of one group, in any second. */
const GETS_PER_SECOND = 5;
/** How much older everything gets where what was told is to be told again. */
const AGED_BY_MS = 15_000;

export interface StreamMessage {
  readonly offset: number;
  readonly body: string;
  /** Wall clock, milliseconds. */
  readonly sentAt: number;
}

export type StartingPoint = 'LATEST' | 'TRIM_HORIZON';

export interface GroupCursor {
  readonly group: string;
  readonly instance: string;
  readonly from: StartingPoint;
  readonly timeoutMs: number;
  readonly commitOnGet: boolean;
}

interface Group {
  /** The offset that comes next. */
  committed: number;
  /** Who has the partition, until then; monotonic, milliseconds. */
  holder: { instance: string; until: number } | undefined;
  /** Of the last second, monotonic, milliseconds. */
  gets: readonly number[];
}

interface Cursor extends GroupCursor {
  readonly offset: number;
  /** Monotonic, milliseconds. */
  readonly madeAt: number;
}

export class NewsStream implements NewsOutlet {
  readonly #clock: Clock;
  #messages: readonly StreamMessage[] = [];
  #nextOffset = 0;
  readonly #groups = new Map<string, Group>();
  readonly #cursors = new Map<string, Cursor>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  put(body: string): void {
    const sentAt = this.#clock.now();
    const kept = this.#messages.filter((message) => sentAt - message.sentAt < RETENTION_MS);
    this.#messages = [...kept, { offset: this.#nextOffset, body, sentAt }];
    this.#nextOffset += 1;
  }

  /** A stream shows nothing again by itself. Its messages grow older at once, for readers who wait until they are of some age. */
  showAgain(): void {
    this.#messages = this.#messages.map((message) => ({ ...message, sentAt: message.sentAt - AGED_BY_MS }));
  }

  /** The starting point counts for a group that is new. @returns a cursor at what it has committed */
  open(asked: GroupCursor): Result<string, OciFault> {
    let group = this.#groups.get(asked.group);
    if (group === undefined) {
      if (this.#groups.size >= GROUPS_MAX)
        return err(ociFault(400, 'LimitExceeded', `A stream has at most ${GROUPS_MAX} consumer groups.`));
      group = { committed: this.#offsetOf(asked.from), holder: undefined, gets: [] };
      this.#groups.set(asked.group, group);
    }
    this.#reserve(group, asked);
    return ok(this.#cursorAt(asked, group.committed));
  }

  /** An instance that has no partition is given nothing. @returns messages, and the cursor to go on with */
  read(name: string, max: number): Result<{ messages: readonly StreamMessage[]; next: string }, OciFault> {
    const found = this.#find(name);
    if (!found.ok) return found;
    const { cursor, group } = found.value;
    const now = this.#clock.monotonic();
    const lastSecond = group.gets.filter((at) => now - at < 1000);
    if (lastSecond.length >= GETS_PER_SECOND)
      return err(ociFault(429, 'TooManyRequests', 'The partition was read too often by this consumer group.'));
    group.gets = [...lastSecond, now];
    if (!this.#reserve(group, cursor)) return ok({ messages: [], next: this.#cursorAt(cursor, cursor.offset) });
    if (cursor.offset < this.#offsetOf('TRIM_HORIZON'))
      return err(ociFault(400, 'InvalidParameter', 'The cursor is before the oldest message of the stream.'));
    if (cursor.commitOnGet) group.committed = Math.max(group.committed, cursor.offset);
    const messages = this.#messages.filter(({ offset }) => offset >= cursor.offset).slice(0, max);
    return ok({ messages, next: this.#cursorAt(cursor, cursor.offset + messages.length) });
  }

  commit(name: string): Result<string, OciFault> {
    const found = this.#find(name);
    if (!found.ok) return found;
    const { cursor, group } = found.value;
    if (!this.#reserve(group, cursor))
      return err(ociFault(409, 'Conflict', 'The partition is reserved for another instance of the group.'));
    group.committed = cursor.offset;
    return ok(this.#cursorAt(cursor, cursor.offset));
  }

  /** Takes the group to another place, whoever reads. */
  update(name: string, to: StartingPoint): Result<void, OciFault> {
    const group = this.#groups.get(name);
    if (group === undefined) return err(ociFault(404, 'NotAuthorizedOrNotFound', 'There is no such consumer group.'));
    group.committed = this.#offsetOf(to);
    return ok(undefined);
  }

  #offsetOf(point: StartingPoint): number {
    return point === 'LATEST' ? this.#nextOffset : (this.#messages[0]?.offset ?? this.#nextOffset);
  }

  /** @returns whether the instance has the partition now */
  #reserve(group: Group, { instance, timeoutMs }: GroupCursor): boolean {
    const now = this.#clock.monotonic();
    const { holder } = group;
    if (holder !== undefined && holder.instance !== instance && now < holder.until) return false;
    group.holder = { instance, until: now + timeoutMs };
    return true;
  }

  #cursorAt({ group, instance, from, timeoutMs, commitOnGet }: GroupCursor, offset: number): string {
    const madeAt = this.#clock.monotonic();
    for (const [name, cursor] of this.#cursors) if (madeAt - cursor.madeAt > CURSOR_LIFE_MS) this.#cursors.delete(name);
    const name = Buffer.from(randomUUID()).toString('base64url');
    this.#cursors.set(name, { group, instance, from, timeoutMs, commitOnGet, offset, madeAt });
    return name;
  }

  #find(name: string): Result<{ cursor: Cursor; group: Group }, OciFault> {
    const cursor = this.#cursors.get(name);
    const group = cursor === undefined ? undefined : this.#groups.get(cursor.group);
    const isOver = cursor === undefined || this.#clock.monotonic() - cursor.madeAt > CURSOR_LIFE_MS;
    return isOver || group === undefined
      ? err(ociFault(400, 'InvalidParameter', 'The cursor is none of this stream, or is over.'))
      : ok({ cursor, group });
  }
}
