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
export function batchOf(contents: readonly string[]): Batch {
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

/** Whether there is such a place in a tree of the path's height. */
export function leadsToRoot({ index, path }: BatchPlace): boolean {
  const height = heightOf(path);
  return Number.isInteger(height) && index < 2 ** height;
}

/** @param place one that leads to the root. @returns what must have been signed if the content stands there */
export function signedAt(content: string, { index, path }: BatchPlace): Uint8Array {
  const siblings = Buffer.from(path, 'base64');
  let root = leafOf(content);
  for (let level = 0; level < heightOf(path); level++) {
    const sibling = siblings.subarray(level * HASH_BYTES, (level + 1) * HASH_BYTES);
    root = ((index >> level) & 1) === 0 ? nodeOf(root, sibling) : nodeOf(sibling, root);
  }
  return signedOf(root);
}

/** Levels between leaf and root; no whole number when the path is none. */
export function heightOf(path: string): number {
  const padding = path.endsWith('==') ? 2 : path.endsWith('=') ? 1 : 0;
  return ((path.length / 4) * 3 - padding) / HASH_BYTES;
}

/**
 * The nodes of a batch's tree that are known to be below its signed root. A content is proved by one hash if its leaf is known, and by one more
 * for each level up to the first known node: two for each fact of a batch that comes whole, where each by itself takes nine.
 */
export class ProvedTree {
  readonly #height: number;
  /** Numbered as a heap: the root is 1, the children of n are 2n and 2n + 1. */
  readonly #hashes: Buffer;
  readonly #isKnown: Uint8Array;

  /** @param content stands at `place`, as its signature proved */
  constructor(content: string, place: BatchPlace) {
    this.#height = heightOf(place.path);
    this.#hashes = Buffer.alloc(2 ** (this.#height + 1) * HASH_BYTES);
    this.#isKnown = new Uint8Array(2 ** (this.#height + 1));
    const siblings = Buffer.from(place.path, 'base64');
    let node = 2 ** this.#height + place.index;
    let own = leafOf(content);
    for (let level = 0; level < this.#height; level++) {
      const sibling = siblings.subarray(level * HASH_BYTES, (level + 1) * HASH_BYTES);
      this.#learn(node, own);
      this.#learn(node ^ 1, sibling);
      own = (node & 1) === 0 ? nodeOf(own, sibling) : nodeOf(sibling, own);
      node >>= 1;
    }
    this.#learn(node, own);
  }

  /** Whether content and whole path are those of this tree. `false` says nothing: the signature decides. */
  proves(content: string, { index, path }: BatchPlace): boolean {
    if (heightOf(path) !== this.#height) return false;
    const siblings = Buffer.from(path, 'base64');
    const learned: [number, Buffer][] = [];
    let own = leafOf(content);
    let node = 2 ** this.#height + index;
    let level = 0;
    for (; this.#isKnown[node] === 0; level++) {
      const sibling = siblings.subarray(level * HASH_BYTES, (level + 1) * HASH_BYTES);
      learned.push([node, own], [node ^ 1, sibling]);
      own = (node & 1) === 0 ? nodeOf(own, sibling) : nodeOf(sibling, own);
      node >>= 1;
    }
    if (!this.#has(node, own, 0)) return false;
    // From a known node upwards all siblings are known: a path that names others is not this one's.
    for (; level < this.#height; level++, node >>= 1)
      if (!this.#has(node ^ 1, siblings, level * HASH_BYTES)) return false;
    for (const [at, hashed] of learned) this.#learn(at, hashed);
    return true;
  }

  #learn(node: number, hashed: Buffer): void {
    hashed.copy(this.#hashes, node * HASH_BYTES);
    this.#isKnown[node] = 1;
  }

  #has(node: number, bytes: Buffer, from: number): boolean {
    const at = node * HASH_BYTES;
    return this.#hashes.compare(bytes, from, from + HASH_BYTES, at, at + HASH_BYTES) === 0;
  }
}

/** No single fact is signed so: those begin with `{`. */
function signedOf(root: Buffer): Uint8Array {
  return Buffer.concat([Buffer.from('routerd.facts.v1:', 'utf8'), root]);
}

/** A zero byte and the UTF-8 of the content. */
function leafOf(content: string): Buffer {
  return hash('sha256', `\0${content}`, 'buffer');
}

/** Written anew for each node: nothing waits between writing and hashing. */
const pair = Buffer.alloc(1 + 2 * HASH_BYTES, 1);

function nodeOf(left: Buffer, right: Buffer): Buffer {
  left.copy(pair, 1);
  right.copy(pair, 1 + HASH_BYTES);
  return hash('sha256', pair, 'buffer');
}
