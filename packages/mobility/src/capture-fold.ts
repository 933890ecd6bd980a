/** The rule by which every node folds the totally ordered log of capture records. Pure; all nodes that read the same log agree. */
import type { CapturePhase, CaptureRecord } from './capture-record.ts';

export type FoldOutcome =
  | { readonly kind: 'accepted'; readonly record: CaptureRecord }
  | { readonly kind: 'refused'; readonly because: FoldRefusal };

export type FoldRefusal =
  | 'malformed: epoch and revision count from 1'
  | 'malformed: nobody holds exactly when the phase is vacant'
  | 'malformed: the record is about another key'
  | 'revision is taken'
  | 'epoch went down'
  | 'a new holder needs a higher epoch'
  | 'a record names only its writer, or nobody in place of its writer'
  | 'only the holder changes its phase'
  | 'a phase does not go back within its epoch'
  | 'a tenure keeps the node that it follows';

/**
 * @param current what stands for the key, undefined before its first record
 * @param next the record that comes next in the log
 *
 * 1. The first record of a revision wins; a gap is allowed, since only a writer that saw a winner writes the one after it
 *    (compaction may have dropped what lies between).
 * 2. The epoch never goes down, and grows whenever the holder changes. The same holder may begin a new epoch too: that is how a
 *    capture is taken up again, and how a registry that lost data is overtaken.
 * 3. A holder is named by itself only, and vacated by itself only.
 * 4. Within an epoch only the holder changes the phase, and never back: what was being released is taken up again in a new epoch.
 * 5. Anybody may append the unchanged state: a witness, by which a node that does not hold confirms the epoch of its release.
 * 6. A log that begins behind revision 1 was compacted: its first record stands as it is, because whoever could contest it is gone.
 */
export function foldCapture(current: CaptureRecord | undefined, next: CaptureRecord): FoldOutcome {
  const because = malformation(next) ?? (current === undefined ? refusedFirst(next) : refusedAfter(current, next));
  return because === undefined ? { kind: 'accepted', record: next } : { kind: 'refused', because };
}

function malformation(next: CaptureRecord): FoldRefusal | undefined {
  if (!isCount(next.revision) || !isCount(next.epoch)) return 'malformed: epoch and revision count from 1';
  if ((next.holder === undefined) !== (next.phase === 'vacant'))
    return 'malformed: nobody holds exactly when the phase is vacant';
  return undefined;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}

function refusedFirst(next: CaptureRecord): FoldRefusal | undefined {
  if (next.revision > 1 || next.holder === next.writer) return undefined;
  return 'a record names only its writer, or nobody in place of its writer';
}

function refusedAfter(current: CaptureRecord, next: CaptureRecord): FoldRefusal | undefined {
  if (next.key !== current.key) return 'malformed: the record is about another key';
  if (next.revision <= current.revision) return 'revision is taken';
  if (next.epoch < current.epoch) return 'epoch went down';
  if (next.epoch > current.epoch) return refusedTenure(current, next);
  if (next.holder !== current.holder) return 'a new holder needs a higher epoch';
  if (next.previous !== current.previous) return 'a tenure keeps the node that it follows';
  if (next.phase === current.phase) return undefined;
  if (next.writer !== current.holder) return 'only the holder changes its phase';
  return FOLLOWING[current.phase].includes(next.phase) ? undefined : 'a phase does not go back within its epoch';
}

function refusedTenure(current: CaptureRecord, next: CaptureRecord): FoldRefusal | undefined {
  const namesItself = next.holder === next.writer;
  const vacatesItself = next.holder === undefined && current.holder === next.writer;
  return namesItself || vacatesItself ? undefined : 'a record names only its writer, or nobody in place of its writer';
}

/** Steps within one tenure. A holder that repairs a drift confirms its fence again, so `held` may be followed by `confirmed`. */
const FOLLOWING: Readonly<Record<CapturePhase, readonly CapturePhase[]>> = {
  acquiring: ['confirmed', 'held', 'releasing'],
  confirmed: ['held', 'releasing'],
  held: ['confirmed', 'releasing'],
  releasing: [],
  vacant: [],
};

/**
 * Which record of a key stands, of what compaction left of its log: the first of the highest revision, among those whose epoch is not
 * below one that has proved itself. Nobody writes revision n+1 without having seen the winner of n, so the rules for epoch and holder need
 * not be tested, and could not be: the winner that beat a loser may be gone. An epoch has proved itself when its holder went on in it
 * (`confirmed`, `held`, `releasing`), for which its claim must have won. So a record that was sent before the log lost data, and came to rest in
 * what began anew, does not stand by its high revision: those who read the log as it was written refused it, too.
 *
 * @param history all of one key, in the order of the log
 */
export function standingOf(history: readonly CaptureRecord[]): CaptureRecord | undefined {
  let proven = 0;
  for (const { phase, epoch } of history) if (PROVING.has(phase)) proven = Math.max(proven, epoch);
  let standing: CaptureRecord | undefined;
  for (const record of history)
    if (record.epoch >= proven && (standing === undefined || record.revision > standing.revision)) standing = record;
  return standing;
}

const PROVING: ReadonlySet<CapturePhase> = new Set(['confirmed', 'held', 'releasing']);
