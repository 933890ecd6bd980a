/** What must hold of all records that were ever won, whatever happened. */
import { expect } from 'vitest';
import type { ChaosSite } from './chaos-site.ts';

/**
 * 1. No epoch of a key was won by two holders, and none below an earlier one after it.
 * 2. No revision was won twice, unless the hubs forgot it in between.
 */
export function expectOneHistory(sites: readonly ChaosSite[]): void {
  const all = sites.flatMap((site) => site.won);
  const byKey = Map.groupBy(all, ({ key }) => key);
  for (const [key, records] of byKey) {
    const holders = new Map<number, string>();
    for (const { epoch, holder } of records) {
      const before = holders.get(epoch);
      expect(before ?? holder ?? 'nobody', `epoch ${epoch} of ${key}`).toBe(holder ?? 'nobody');
      holders.set(epoch, holder ?? 'nobody');
    }
    for (const generation of Map.groupBy(records, ({ forgotten }) => forgotten).values()) {
      const inOrder = generation.toSorted((a, b) => a.revision - b.revision);
      expect(new Set(inOrder.map(({ revision }) => revision)).size, `revisions of ${key}`).toBe(inOrder.length);
      for (const [index, { epoch }] of inOrder.entries()) {
        expect(epoch, `epochs of ${key}`).toBeGreaterThanOrEqual(inOrder[index - 1]?.epoch ?? 0);
      }
    }
  }
}
