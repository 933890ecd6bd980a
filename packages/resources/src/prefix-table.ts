/** Values by IPv4 network, for "what contains this" and "what does this contain" without comparing with each. */
import { firstFrom } from './earliest-overlap.ts';
import { addressRange, type HostAddress, type InterfaceAddress, type Ipv4, type Ipv4Prefix } from './ipv4.ts';

export interface PrefixTable<T> {
  /** Values of the networks that contain `inner` or equal it, widest first. Cost: one look-up a prefix length. */
  readonly containing: (inner: HostAddress | Ipv4 | Ipv4Prefix) => readonly T[];
  /** Values of all networks that share an address with it: those that contain it, then the narrower, by address. */
  readonly overlapping: (prefix: Ipv4Prefix) => readonly T[];
}

interface Entry<T> {
  readonly first: number;
  readonly length: number;
  readonly values: T[];
}

/** Of equal networks the values keep their order. Cost: that of sorting them. */
export function prefixTable<T>(
  entries: Iterable<readonly [prefix: HostAddress | InterfaceAddress | Ipv4Prefix, value: T]>,
): PrefixTable<T> {
  const byNetwork = new Map<number, Entry<T>>();
  for (const [prefix, value] of entries) {
    const { first, length } = addressRange(prefix);
    const known = byNetwork.get(keyOf(first, length));
    if (known === undefined) byNetwork.set(keyOf(first, length), { first, length, values: [value] });
    else known.values.push(value);
  }
  const sorted = [...byNetwork.values()].toSorted((a, b) => a.first - b.first || a.length - b.length);
  const starts = sorted.map((entry) => entry.first);
  const lengths = [...new Set(sorted.map(({ length }) => length))].toSorted((a, b) => a - b);
  const containing = (first: number, length: number): T[] =>
    lengths.flatMap((shorter) =>
      shorter > length ? [] : (byNetwork.get(keyOf(first - (first % 2 ** (32 - shorter)), shorter))?.values ?? []),
    );
  return {
    containing: (inner) => {
      const { first, length } = addressRange(inner);
      return containing(first, length);
    },
    overlapping: (prefix) => {
      const { first, last, length } = addressRange(prefix);
      const found = containing(first, length);
      for (let at = firstFrom(starts, first); at < sorted.length; at++) {
        const entry = sorted[at];
        if (entry === undefined || entry.first > last) break;
        if (entry.length > length) found.push(...entry.values);
      }
      return found;
    },
  };
}

function keyOf(first: number, length: number): number {
  return first * 33 + length;
}
