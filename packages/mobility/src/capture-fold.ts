/** The rule by which every node folds the totally ordered log of capture records. Pure; all nodes that read the same log agree. */
import type { CaptureRecord } from './capture-record.ts';

export type FoldOutcome =
  | { readonly kind: 'accepted'; readonly record: CaptureRecord }
  | { readonly kind: 'refused'; readonly because: FoldRefusal };

export type FoldRefusal =
  | 'malformed: nobody holds exactly when the phase is vacant'
  | 'revision is taken'
  | 'epoch went down'
  | 'a new holder needs a higher epoch'
  | 'a record names only its writer, or nobody in place of its writer'
  | 'only the holder changes its phase'
  | 'a first record needs an epoch above zero';

/**
 * @param current what stands for the key, undefined before its first record
 * @param next the record that comes next in the log
 *
 * 1. The first record of a revision wins; a gap is allowed, since only a writer that saw a winner writes the one after it
 *    (compaction may have dropped what lies between).
 * 2. The epoch never goes down, and grows whenever the holder changes.
 * 3. A holder is named by itself only, and vacated by itself only. Anybody may append the unchanged state: a witness.
 */
export function foldCapture(current: CaptureRecord | undefined, next: CaptureRecord): FoldOutcome {
  const because = refusalOf(current, next);
  return because === undefined ? { kind: 'accepted', record: next } : { kind: 'refused', because };
}

function refusalOf(current: CaptureRecord | undefined, next: CaptureRecord): FoldRefusal | undefined {
  if ((next.holder === undefined) !== (next.phase === 'vacant'))
    return 'malformed: nobody holds exactly when the phase is vacant';
  if (next.epoch < 1) return 'a first record needs an epoch above zero';
  if (current === undefined)
    return next.holder === undefined || next.holder === next.writer
      ? undefined
      : 'a record names only its writer, or nobody in place of its writer';
  if (next.revision <= current.revision) return 'revision is taken';
  if (next.epoch < current.epoch) return 'epoch went down';
  if (next.holder === current.holder && next.epoch === current.epoch) {
    return next.phase === current.phase || next.writer === next.holder
      ? undefined
      : 'only the holder changes its phase';
  }
  if (next.epoch === current.epoch) return 'a new holder needs a higher epoch';
  const namesItself = next.holder === next.writer;
  const vacatesItself = next.holder === undefined && current.holder === next.writer;
  return namesItself || vacatesItself ? undefined : 'a record names only its writer, or nobody in place of its writer';
}
