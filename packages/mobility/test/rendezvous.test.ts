import { parseHostAddress } from '@routerd/resources';
import { expect, test } from 'vitest';
import type { PoolMember } from '../src/model.ts';
import { byWeight, contenderOf, heaviest } from '../src/rendezvous.ts';
import { contextOf, must } from './fixtures.ts';
import { rendezvousWeight } from './oracle.ts';

const members: readonly PoolMember[] = [...contextOf({ self: 'oci-router-a' }).members.values()];
const contenders = members.map(contenderOf);
const addresses = Array.from({ length: 4096 }, (_, index) =>
  must(parseHostAddress(`10.77.${Math.floor(index / 256)}.${index % 256}/32`)),
);

test('neighbouring addresses are spread evenly over routers', () => {
  const counts = new Map<string, number>();
  for (const address of addresses) {
    const winner = heaviest(address, contenders)?.node ?? '';
    counts.set(winner, (counts.get(winner) ?? 0) + 1);
  }
  const even = addresses.length / members.length;
  expect(counts.size).toBe(members.length);
  for (const count of counts.values()) expect(Math.abs(count - even)).toBeLessThan(even * 0.15);
});

test('the loss of a router moves what that one had, and nothing else', () => {
  const [lost, ...others] = contenders;
  for (const address of addresses) {
    const before = heaviest(address, contenders);
    if (before !== lost) expect(heaviest(address, others)).toBe(before);
    else expect(heaviest(address, others)).toBe(byWeight(address, contenders)[1]);
  }
});

test('the order is that of a naive second implementation, however the routers are given', () => {
  for (const address of addresses.slice(0, 200)) {
    const naive = contenders
      .map(({ node }) => node)
      .toSorted((a, b) => rendezvousWeight(address, b) - rendezvousWeight(address, a));
    expect(byWeight(address, contenders.toReversed()).map(({ node }) => node)).toEqual(naive);
  }
});
