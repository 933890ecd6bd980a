/** Which network was declared first among those that overlap another: conflicts found without comparing each with each. */
import { addressRange, type HostAddress, type InterfaceAddress, type Ipv4Prefix } from './ipv4.ts';

export interface NetworkEntry<T> {
  readonly prefix: HostAddress | InterfaceAddress | Ipv4Prefix;
  /** Entries of one group are never in conflict with each other: the addresses of one interface, a pool with itself. */
  readonly group: string;
  readonly value: T;
}

export interface EarliestOverlap<T> {
  /**
   * The value declared first among those of other groups whose networks share an address with the entry's, if it was declared
   * before the entry. Cost: the logarithm of the number of networks.
   */
  readonly before: (entry: NetworkEntry<T>) => T | undefined;
}

interface Candidate {
  readonly position: number;
  readonly group: string;
}

/** The earliest, and the earliest of another group than it: whichever group asks, one of the two is the answer. */
interface Two {
  readonly first: Candidate | undefined;
  readonly other: Candidate | undefined;
}

const NONE: Two = { first: undefined, other: undefined };

/** @param entries in the order of declaration. Cost: that of sorting them */
export function earliestOverlap<T>(entries: readonly NetworkEntry<T>[]): EarliestOverlap<T> {
  const positions = new Map(entries.map((entry, position) => [entry.value, position] as const));
  const networks = new Map<string, { readonly first: number; readonly length: number; two: Two }>();
  for (const [position, { prefix, group }] of entries.entries()) {
    const { first, length } = addressRange(prefix);
    const known = networks.get(`${first}/${length}`);
    const two = withCandidate(known?.two ?? NONE, { position, group });
    if (known === undefined) networks.set(`${first}/${length}`, { first, length, two });
    else known.two = two;
  }
  const sorted = [...networks.values()].toSorted((a, b) => a.first - b.first || a.length - b.length);
  const starts = sorted.map(({ first }) => first);
  const tree = treeOf(sorted.map(({ two }) => two));
  const lengths = [...new Set(sorted.map(({ length }) => length))];
  return {
    before: ({ prefix, group, value }) => {
      const { first, last, length } = addressRange(prefix);
      // What begins inside the network overlaps it; what begins before does if it contains it.
      let two = earliestBetween(tree, firstFrom(starts, first), firstFrom(starts, last + 1));
      for (const shorter of lengths) {
        if (shorter >= length) continue;
        const containing = networks.get(`${first - (first % 2 ** (32 - shorter))}/${shorter}`);
        if (containing !== undefined) two = merged(two, containing.two);
      }
      const found = two.first?.group === group ? two.other : two.first;
      const own = positions.get(value) ?? entries.length;
      return found === undefined || found.position >= own ? undefined : entries[found.position]?.value;
    },
  };
}

function withCandidate(two: Two, candidate: Candidate | undefined): Two {
  if (candidate === undefined) return two;
  const { first, other } = two;
  if (first === undefined) return { first: candidate, other };
  const [early, late] = candidate.position < first.position ? [candidate, first] : [first, candidate];
  if (early.group !== late.group) {
    const second = other !== undefined && other.group !== early.group && other.position < late.position ? other : late;
    return { first: early, other: second };
  }
  return { first: early, other };
}

function merged(a: Two, b: Two): Two {
  return withCandidate(withCandidate(a, b.first), b.other);
}

/** A segment tree: leaves in the second half, each inner node the two earliest of its children. */
function treeOf(leaves: readonly Two[]): readonly Two[] {
  const tree: Two[] = Array.from({ length: leaves.length }, () => NONE).concat(leaves);
  for (let node = leaves.length - 1; node > 0; node -= 1) {
    tree[node] = merged(tree[2 * node] ?? NONE, tree[2 * node + 1] ?? NONE);
  }
  return tree;
}

/** Of the leaves from `from` up to, not including, `to`. */
function earliestBetween(tree: readonly Two[], from: number, to: number): Two {
  let found = NONE;
  const count = tree.length / 2;
  for (let left = from + count, right = to + count; left < right; left >>= 1, right >>= 1) {
    if (left % 2 === 1) found = merged(found, tree[left++] ?? NONE);
    if (right % 2 === 1) found = merged(found, tree[--right] ?? NONE);
  }
  return found;
}

/** Binary search for the first start that is at the address or after it. */
export function firstFrom(starts: readonly number[], address: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] ?? 0) < address) low = middle + 1;
    else high = middle;
  }
  return low;
}
