/** Verifies facts of one source: what one fact of a batch proved is not proved again for the others. */
import type { VerifySignature } from './node-identity.ts';
import { encodeWire } from './wire/bounded-json.ts';
import { ProvedTree, signedAt } from './wire/fact-batch.ts';
import type { SignedFact } from './wire/fact-text.ts';

export type VerifyFact = (fact: SignedFact) => boolean;

/** Of one source, at most 16 KiB each; facts of one batch come close together, as they were sent. */
const TREES_MAX = 64;
/** Roots that were found to be signed; 65,536 facts are 256 batches. */
const ROOTS_MAX = 512;

export function verifyingFacts(verify: VerifySignature): VerifyFact {
  const trees = new Map<string, ProvedTree>();
  const roots = new Set<string>();
  return ({ content, place, signature }) => {
    if (place === undefined) return verify(encodeWire(content), Buffer.from(signature, 'base64'));
    if (trees.get(signature)?.proves(content, place) === true) return true;
    const root = signedAt(content, place);
    const key = `${Buffer.from(root).toString('latin1')}${signature}`;
    if (!roots.has(key)) {
      if (!verify(root, Buffer.from(signature, 'base64'))) return false;
      if (roots.size >= ROOTS_MAX) for (const oldest of roots.values().take(1)) roots.delete(oldest);
      roots.add(key);
    }
    if (trees.size >= TREES_MAX) for (const oldest of trees.keys().take(1)) trees.delete(oldest);
    trees.set(signature, new ProvedTree(content, place));
    return true;
  };
}
