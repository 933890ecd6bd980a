/** The nearest valid spelling of a word, for "did you mean". */

/** Longer words are not compared: cost is the product of the lengths. */
const LENGTH_MAX = 64;
/** Nor are more candidates: a file of wrong names must not cost the square of its length. */
const CANDIDATES_MAX = 100;

/** @returns the candidate that a third of the letters or fewer, at least one, tell apart; by code unit among equals */
export function nearestSpelling(word: string, candidates: readonly string[]): string | undefined {
  if (word === '' || word.length > LENGTH_MAX) return undefined;
  const limit = Math.max(1, Math.floor(word.length / 3));
  const lower = word.toLowerCase();
  let best: { readonly candidate: string; readonly distance: number } | undefined;
  for (const candidate of comparable(word, candidates)) {
    if (candidate.length > LENGTH_MAX || Math.abs(candidate.length - word.length) > limit) continue;
    const distance = editDistance(lower, candidate.toLowerCase());
    if (distance > limit || (best !== undefined && distance > best.distance)) continue;
    if (best === undefined || distance < best.distance || candidate < best.candidate) best = { candidate, distance };
  }
  return best?.candidate;
}

/** Of too many those that begin alike, as far as they go: the first letter is rarely the one that is wrong. */
function comparable(word: string, candidates: readonly string[]): readonly string[] {
  if (candidates.length <= CANDIDATES_MAX) return candidates;
  const alike: string[] = [];
  for (const candidate of candidates) {
    if (candidate[0] === word[0] && candidate !== word) alike.push(candidate);
    if (alike.length === CANDIDATES_MAX) break;
  }
  return alike;
}

/** Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours, each costing one. */
function editDistance(a: string, b: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const next = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(at(last, column) + 1, at(next, column - 1) + 1, at(last, column - 1) + (same ? 0 : 1));
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) cost = Math.min(cost, at(beforeLast, column - 2) + 1);
      next.push(cost);
    }
    beforeLast = last;
    last = next;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
