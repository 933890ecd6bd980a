/** Dynamic parts, one row per source and generation. Only this process has the file: rows are read once and mirrored. */
import {
  compareParts,
  intactPart,
  isDamaged,
  numberPart,
  partDigest,
  type PartContent,
  type PartStamp,
  type PartStore,
  type StoredPart,
} from '@routerd/config';
import type { Instant } from '@routerd/resources';
import { decode, encode } from './row-codec.ts';
import type { StateFile } from './state-file.ts';

interface PartColumns {
  readonly source: string;
  readonly generation: number;
  readonly observed_at: Instant;
  readonly expires_at: Instant;
  readonly digest: string;
  readonly content: string;
}

export function partStoreOn(file: StateFile): PartStore {
  const { durable } = file;
  const all = durable.prepare<[], PartColumns>('SELECT * FROM dynamic_config_parts');
  const save = durable.prepare<[string, number, Instant, Instant, string, string]>(
    `INSERT INTO dynamic_config_parts (source, generation, observed_at, expires_at, digest, content)
     VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (source, generation) DO UPDATE SET observed_at = excluded.observed_at, expires_at = excluded.expires_at`,
  );
  const remove = durable.prepare<[string, number]>(
    'DELETE FROM dynamic_config_parts WHERE source = ? AND generation = ?',
  );
  let parts: readonly StoredPart[] = file.read(() => all.all().map(partOf)).toSorted(compareParts);
  const listeners = new Set<() => void>();
  const mirror = (next: readonly StoredPart[]): void => {
    parts = next.toSorted(compareParts);
    for (const listener of listeners) listener();
  };
  const forget = (gone: readonly StoredPart[]): void => {
    if (gone.length === 0) return;
    file.write('durable', () => gone.forEach(({ source, generation }) => remove.run(source, generation)));
    mirror(parts.filter((part) => !gone.includes(part)));
  };
  const newest = (source: string): StoredPart | undefined => parts.find((part) => part.source === source);
  return {
    put(offered) {
      const { source, observedAt, expiresAt } = offered;
      const digest = partDigest(offered);
      const own = parts.filter((part) => part.source === source);
      const { generation, isRenewal, dropped } = numberPart(
        own.map((part) => ({ generation: part.generation, digest: isDamaged(part) ? undefined : part.digest })),
        digest,
      );
      const before = newest(source);
      const content = isRenewal && before !== undefined && !isDamaged(before) ? before : offered;
      const part = intactPart({ source, generation, observedAt, expiresAt }, content, digest);
      file.write('durable', () => {
        save.run(source, generation, observedAt, expiresAt, digest, contentText(part));
        for (const each of dropped) remove.run(source, each);
      });
      const isReplaced = (other: StoredPart): boolean =>
        other.source === source && (other.generation === generation || dropped.includes(other.generation));
      mirror([...parts.filter((other) => !isReplaced(other)), part]);
      return part;
    },
    list: () => parts,
    newest,
    withdraw(source) {
      const gone = parts.filter((part) => part.source === source);
      forget(gone);
      return gone.length > 0;
    },
    prune(expiredBefore) {
      const gone = parts.filter(({ expiresAt }) => expiresAt < expiredBefore);
      forget(gone);
      return gone.length;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function contentText({ resources, directives, actionPlans }: PartContent): string {
  return encode({ resources, directives, actionPlans });
}

function partOf(columns: PartColumns): StoredPart {
  const { source, generation, observed_at: observedAt, expires_at: expiresAt, digest } = columns;
  const stamp: PartStamp = { source, generation, observedAt, expiresAt };
  const content = contentOf(columns.content);
  if (content === undefined) return { ...stamp, damage: 'The stored content of the part cannot be read.' };
  if (content.digest === digest) return intactPart(stamp, content, digest);
  const damage = `The stored content has the digest ${content.digest.slice(0, 12)}…, not ${digest.slice(0, 12)}… as it was stored with.`;
  return { ...stamp, damage };
}

/** The digest says whether it is what was stored, so its shape is looked at only as far as the digest needs it. */
function contentOf(text: string): (PartContent & { readonly digest: string }) | undefined {
  try {
    const { resources, directives, actionPlans } = decode<PartContent>(text);
    const content = { resources, directives, actionPlans };
    return { ...content, digest: partDigest(content) };
  } catch {
    return undefined; // no JSON, or JSON that no digest can be made of
  }
}
