/**
 * One signature for facts that were recorded together: it is about the root of a Merkle tree (hashes as in RFC 6962, section 2.1, padded to a
 * power of two), and each fact carries the path from itself to the root. So each is still verified by itself, whatever became of the others.
 */
import { hash } from 'node:crypto';

/** Facts under one signature at most: a path of eight hashes is 344 characters of base64. */
export const BATCH_FACTS_MAX = 256;
export const BATCH_PATH_LENGTH_MAX = 344;

const HASH_BYTES = 32;
/** Nothing has this hash, so nothing can be claimed to stand where the tree is padded. */
const PADDING = Buffer.alloc(HASH_BYTES);

export interface BatchPlace {
  readonly index: number;
  /** Base64 of the siblings' hashes from the leaf upwards. */
  readonly path: string;
}

export interface Batch {
  /** What is signed. */
  readonly signed: Uint8Array;
  /** In the order of the contents. */
  readonly places: readonly BatchPlace[];
}

/** @param contents 2 to {@link BATCH_FACTS_MAX} of them */
export function batchOf(contents: readonly Uint8Array[]): Batch {
  const levels: Buffer[][] = [contents.map(leafOf)];
  for (let width = 1; width < contents.length; width *= 2) {
    const below = levels.at(-1) ?? [];
    levels.push(
      Array.from({ length: Math.ceil(below.length / 2) }, (_, parent) =>
        nodeOf(below[parent * 2] ?? PADDING, below[parent * 2 + 1] ?? PADDING),
      ),
    );
  }
  const places = contents.map((_, index) => {
    const siblings = levels.slice(0, -1).map((level, height) => level[(index >> height) ^ 1] ?? PADDING);
    return { index, path: Buffer.concat(siblings).toString('base64') };
  });
  return { signed: signedOf(levels.at(-1)?.[0] ?? PADDING), places };
}

/** @returns what must have been signed if the content stands at that place; undefined when there is no such place */
export function signedAt(content: Uint8Array, { index, path }: BatchPlace): Uint8Array | undefined {
  const siblings = Buffer.from(path, 'base64');
  const height = siblings.length / HASH_BYTES;
  if (!Number.isInteger(height) || index >= 2 ** height) return undefined;
  let root = leafOf(content);
  for (let level = 0; level < height; level++) {
    const sibling = siblings.subarray(level * HASH_BYTES, (level + 1) * HASH_BYTES);
    root = ((index >> level) & 1) === 0 ? nodeOf(root, sibling) : nodeOf(sibling, root);
  }
  return signedOf(root);
}

/** No single fact is signed so: those begin with `{`. */
function signedOf(root: Buffer): Uint8Array {
  return Buffer.concat([Buffer.from('routerd.facts.v1:', 'utf8'), root]);
}

function leafOf(content: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([Buffer.of(0), content]), 'buffer');
}

function nodeOf(left: Buffer, right: Buffer): Buffer {
  return hash('sha256', Buffer.concat([Buffer.of(1), left, right]), 'buffer');
}
