/** Parts in memory, for tests and simulation; forgets everything with the process. */
import { compareParts, isDamaged, partDigest } from '../../dynamic-config-part.ts';
import { intactPart, numberPart, type PartStore, type StoredPart } from '../../part-store.ts';

export interface MemoryPartStore extends PartStore {
  /** Lets the newest part of a source appear damaged, as a row that was changed by hand. */
  damage(source: string, damage: string): void;
}

export function createMemoryPartStore(): MemoryPartStore {
  let parts: readonly StoredPart[] = [];
  const listeners = new Set<() => void>();
  const change = (next: readonly StoredPart[]): void => {
    parts = next.toSorted(compareParts);
    for (const listener of listeners) listener();
  };
  const newest = (source: string): StoredPart | undefined => parts.find((part) => part.source === source);
  return {
    put(offered) {
      const digest = partDigest(offered);
      const own = parts.filter(({ source }) => source === offered.source);
      const { generation, isRenewal, dropped } = numberPart(own.map(stampAndDigest), digest);
      const before = newest(offered.source);
      const content = isRenewal && before !== undefined && !isDamaged(before) ? before : offered;
      const part = intactPart({ ...offered, generation }, content, digest);
      const isReplaced = (other: StoredPart): boolean =>
        other.source === offered.source && (other.generation === generation || dropped.includes(other.generation));
      change([...parts.filter((other) => !isReplaced(other)), part]);
      return part;
    },
    list: () => parts,
    newest,
    withdraw(source) {
      const kept = parts.filter((part) => part.source !== source);
      if (kept.length === parts.length) return false;
      change(kept);
      return true;
    },
    prune(expiredBefore) {
      const kept = parts.filter(({ expiresAt }) => expiresAt >= expiredBefore);
      const pruned = parts.length - kept.length;
      if (pruned > 0) change(kept);
      return pruned;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    damage(source, damage) {
      const victim = newest(source);
      if (victim === undefined) return;
      const { generation, observedAt, expiresAt } = victim;
      change([...parts.filter((part) => part !== victim), { source, generation, observedAt, expiresAt, damage }]);
    },
  };
}

function stampAndDigest(part: StoredPart): { readonly generation: number; readonly digest: string | undefined } {
  return { generation: part.generation, digest: 'digest' in part ? part.digest : undefined };
}
