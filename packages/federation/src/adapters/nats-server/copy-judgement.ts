/** Whether a hub's own copies of the streams go along with the logs, by what it looked at three times. Pure. */

export interface StreamCopy {
  readonly lastSequence: number;
}

/** A stream as the hub that orders it has it. */
export interface OrderedStream extends StreamCopy {
  /** Server names. */
  readonly leader: string;
  readonly followers: readonly { readonly name: string; readonly isCurrent: boolean }[];
}

/** One look at all streams, by name. */
export interface CopyLook {
  readonly own: ReadonlyMap<string, StreamCopy>;
  readonly ordered: ReadonlyMap<string, OrderedStream>;
}

/** Looks in a row that have to say the same. */
export const LOOKS = 3;

/**
 * @param self server name of this hub
 * @param looks the last ones, the oldest first, with enough time between them for a copy that goes along to do so
 * @returns in words, which copies stand still; none with fewer than {@link LOOKS} looks
 */
export function standingCopies(self: string, looks: readonly CopyLook[]): readonly string[] {
  const [first, last] = [looks.at(-LOOKS), looks.at(-1)];
  if (first === undefined || last === undefined) return [];
  const recent = looks.slice(-LOOKS);
  return [...last.ordered].flatMap(([stream, log]) => {
    const before = first.ordered.get(stream);
    if (before === undefined || !isFollower(self, log)) return [];
    // A copy that is to be here and is not has nothing.
    const copies = recent.map(({ own }) => own.get(stream) ?? { lastSequence: 0 });
    const [copy] = copies;
    if (copy === undefined || copies.some(({ lastSequence }) => lastSequence !== copy.lastSequence)) return [];
    const ends = recent.map(({ ordered }) => ordered.get(stream)?.lastSequence ?? 0);
    const lacks = copy.lastSequence < before.lastSequence;
    const isAhead = ends.every((end) => copy.lastSequence > end);
    return lacks || isAhead
      ? [`${stream} ends at ${copy.lastSequence}, and at ${log.lastSequence} at ${log.leader}`]
      : [];
  });
}

function isFollower(self: string, { leader, followers }: OrderedStream): boolean {
  return leader !== self && followers.some(({ name }) => name === self);
}

/** Whether a majority of the hubs that keep it has each stream without this one: then this one can be down for a moment. */
export function isSpared(self: string, { ordered }: CopyLook): boolean {
  return [...ordered.values()].every(({ leader, followers }) => {
    const others =
      followers.filter(({ name, isCurrent }) => isCurrent && name !== self).length + (leader === self ? 0 : 1);
    return others * 2 > followers.length + 1;
  });
}
