/**
 * How large a packet passes, found by trying sizes out: packetization layer path MTU discovery (RFC 8899) with a binary search. Pure.
 *
 * 1. It believes no ICMP: what counts is which sizes were answered. A path that swallows large packets without a word is found out.
 * 2. The largest size is tried first, as most paths are as good as their device (section 5.3.2).
 * 3. What was found is confirmed at intervals; when it is answered no more while smaller packets are, the path became a black hole for it,
 *    and the search begins again below (section 4.3). Larger sizes are tried again after ten minutes (PMTU_RAISE_TIMER, section 5.1.1).
 */

/** No path is searched below: every IPv4 host takes packets of this size (RFC 791, section 3.1). */
export const PATH_MTU_MIN = 576;
const CONFIRM_AFTER_MS = 15_000;
const RAISE_AFTER_MS = 600_000;
/** MAX_PROBES (RFC 8899, section 5.1.2). */
const TRIES_MIN = 3;
const TRIES_MAX = 10;
/** A size that passes is given up wrongly this seldom. */
const WRONG_PART_MAX = 0.001;

export interface MtuSearch {
  /** MTU of the device, bytes with IP header. */
  readonly ceiling: number;
  /** Largest size that was answered; undefined: none yet. */
  readonly passes: number | undefined;
  /** Smallest size that was given up; above the ceiling while none was. */
  readonly fails: number;
  /** Of the size that is tried now, how often it was not answered. */
  readonly tries: number;
  readonly phase: 'searching' | 'complete';
  /** When the next size may be tried, monotonic milliseconds. */
  readonly nextAt: number;
  /** When larger sizes are tried again. */
  readonly raiseAt: number;
}

export function startMtuSearch(ceiling: number, now: number): MtuSearch {
  return {
    ceiling: Math.max(ceiling, PATH_MTU_MIN),
    passes: undefined,
    fails: Math.max(ceiling, PATH_MTU_MIN) + 1,
    tries: 0,
    phase: 'searching',
    nextAt: now,
    raiseAt: now + RAISE_AFTER_MS,
  };
}

/** The size to try next. */
export function sizeToTry({ phase, passes, fails, ceiling }: MtuSearch): number {
  if (phase === 'complete') return passes ?? PATH_MTU_MIN;
  if (fails > ceiling) return ceiling;
  return Math.floor(((passes ?? PATH_MTU_MIN - 1) + fails) / 2);
}

export function withSizeAnswered(search: MtuSearch, size: number, now: number): MtuSearch {
  const passes = Math.max(size, search.passes ?? 0);
  // An answer that came after its size was given up proves that it passes.
  const fails = passes >= search.fails ? search.ceiling + 1 : search.fails;
  const isFound = passes === search.ceiling || fails - passes <= 1;
  if (!isFound) return { ...search, passes, fails, tries: 0, phase: 'searching', nextAt: now };
  if (now >= search.raiseAt && passes < search.ceiling) return raised({ ...search, passes }, now);
  return { ...search, passes, fails, tries: 0, phase: 'complete', nextAt: now + CONFIRM_AFTER_MS };
}

/** @param lossPart of ordinary samples on this path, 0 to 1: the more of them are lost, the more often a size is tried */
export function withSizeUnanswered(search: MtuSearch, size: number, lossPart: number, now: number): MtuSearch {
  const tries = search.tries + 1;
  if (tries < triesFor(lossPart)) return { ...search, tries, nextAt: now };
  if (search.phase === 'complete' && search.passes === undefined)
    return { ...search, tries: 0, nextAt: now + CONFIRM_AFTER_MS };
  // A black hole: nothing above it is believed any more.
  if (search.phase === 'complete')
    return { ...search, passes: undefined, fails: size, tries: 0, phase: 'searching', nextAt: now };
  const fails = Math.min(size, search.fails);
  const isOver = fails - (search.passes ?? PATH_MTU_MIN - 1) <= 1;
  return isOver
    ? { ...search, fails, tries: 0, phase: 'complete', nextAt: now + CONFIRM_AFTER_MS }
    : { ...search, fails, tries: 0, nextAt: now };
}

function raised(search: MtuSearch, now: number): MtuSearch {
  return {
    ...search,
    fails: search.ceiling + 1,
    tries: 0,
    phase: 'searching',
    nextAt: now,
    raiseAt: now + RAISE_AFTER_MS,
  };
}

function triesFor(lossPart: number): number {
  if (lossPart <= 0) return TRIES_MIN;
  if (lossPart >= 1) return TRIES_MAX;
  return Math.min(TRIES_MAX, Math.max(TRIES_MIN, Math.ceil(Math.log(WRONG_PART_MAX) / Math.log(lossPart))));
}
