/** A short digest of a text, to tell whether it changed. No secret depends on it. */

/** @returns 16 hexadecimal digits: two FNV-1a hashes of 32 bits, begun differently; equal texts give equal digests on every host */
export function textDigest(text: string): string {
  return hash(text, 0x811c9dc5) + hash(text, 0x9dc5811c);
}

function hash(text: string, seed: number): string {
  let state = seed;
  for (let index = 0; index < text.length; index += 1) {
    state ^= text.charCodeAt(index);
    state = Math.imul(state, 0x01000193);
  }
  return (state >>> 0).toString(16).padStart(8, '0');
}
