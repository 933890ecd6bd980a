/** Verifies each signature of a batch once, however many of its facts come. */
import type { VerifySignature } from './node-identity.ts';

/** Content of a batch's signature is short; that of a single fact is not, and hardly ever comes again. */
const CONTENT_BYTES_MAX = 64;
/** Of one source; 65,536 facts are 256 batches. */
const REMEMBERED_MAX = 512;

export function rememberingBatches(verify: VerifySignature): VerifySignature {
  const sound = new Set<string>();
  return (content, signature) => {
    if (content.length > CONTENT_BYTES_MAX) return verify(content, signature);
    const key = Buffer.concat([content, signature]).toString('latin1');
    if (sound.has(key)) return true;
    if (!verify(content, signature)) return false;
    if (sound.size >= REMEMBERED_MAX) for (const oldest of sound.values().take(1)) sound.delete(oldest);
    sound.add(key);
    return true;
  };
}
