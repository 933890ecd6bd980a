/** Look-ups by network agree with comparing each with each. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { earliestOverlap, type NetworkEntry } from '../src/earliest-overlap.ts';
import { parseIpv4Prefix, prefixContains, prefixesOverlap, type Ipv4Prefix } from '../src/index.ts';
import { prefixTable } from '../src/prefix-table.ts';

/** Few and near to each other, so that they often meet; at both ends of the address space. */
const prefix = fc
  .record({
    high: fc.constantFrom(0, 10, 255),
    low: fc.nat(15),
    length: fc.constantFrom(0, 1, 4, 8, 28, 29, 30, 31, 32),
  })
  .map(({ high, low, length }): Ipv4Prefix => {
    const quad = length <= 8 ? [high, 0, 0, 0] : [high, 0, 0, low];
    const text = `${quad.join('.')}/${length}`;
    const parsed = parseIpv4Prefix(text);
    if (parsed.ok) return parsed.value;
    const canonical = parsed.error.code === 'address.host-bits-set' ? parseIpv4Prefix(parsed.error.canonical) : parsed;
    if (!canonical.ok) throw new Error(`no prefix: ${text}`);
    return canonical.value;
  });

describe('a prefix table', () => {
  it('finds what contains and what overlaps a network', () => {
    fc.assert(
      fc.property(fc.array(prefix, { maxLength: 12 }), prefix, (entries, wanted) => {
        const table = prefixTable(entries.map((entry, position) => [entry, position] as const));
        const positions = (test: (entry: Ipv4Prefix) => boolean): readonly number[] =>
          entries.flatMap((entry, position) => (test(entry) ? [position] : []));
        const sorted = (found: readonly number[]): readonly number[] => found.toSorted((a, b) => a - b);
        expect(sorted(table.containing(wanted))).toEqual(positions((entry) => prefixContains(entry, wanted)));
        expect(sorted(table.overlapping(wanted))).toEqual(positions((entry) => prefixesOverlap(entry, wanted)));
      }),
      { numRuns: 1000 },
    );
  });

  it('names the widest network first', () => {
    const all = ['10.0.0.0/8', '10.0.0.0/30', '0.0.0.0/0'].flatMap((text) => {
      const parsed = parseIpv4Prefix(text);
      return parsed.ok ? [[parsed.value, text] as const] : [];
    });
    const wanted = parseIpv4Prefix('10.0.0.1/32');
    expect(wanted.ok && prefixTable(all).containing(wanted.value)).toEqual(['0.0.0.0/0', '10.0.0.0/8', '10.0.0.0/30']);
  });
});

describe('the earliest overlap', () => {
  it('is that of comparing with all before, other than those of the same group', () => {
    const entry = fc.record({ prefix, group: fc.constantFrom('a', 'b', 'c') });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 14 }), (drawn) => {
        const entries: NetworkEntry<object>[] = drawn.map((fields) => ({ ...fields, value: {} }));
        const table = earliestOverlap(entries);
        const naive = entries.map((own, position) =>
          entries
            .slice(0, position)
            .findIndex((other) => other.group !== own.group && networksMeet(other.prefix, own.prefix)),
        );
        const found = entries.map((own) => entries.findIndex(({ value }) => value === table.before(own)));
        expect(found).toEqual(naive);
      }),
      { numRuns: 3000 },
    );
  });
});

function networksMeet(a: string, b: string): boolean {
  const [left, right] = [parseIpv4Prefix(a), parseIpv4Prefix(b)];
  return left.ok && right.ok && prefixesOverlap(left.value, right.value);
}
