/** A node's Ed25519 key, in the NKey text forms that the hub uses. */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { createUser, fromPublic, fromSeed } from '@nats-io/nkeys';
import { err, ok, type Result } from '@routerd/resources';

export interface NodeIdentity {
  /** `U…`, 56 characters: goes into the hub's configuration and the peers' EventPeer. */
  readonly publicKey: string;
  /** `SU…`, 58 characters. Secret. */
  readonly seed: string;
}

export interface IdentityFault {
  readonly code: 'identity.seed-malformed' | 'identity.key-malformed';
  readonly detail: string;
}

/** Signs with a node's key. */
export interface Signer {
  readonly publicKey: string;
  /** @returns 64 bytes; the same for the same content */
  readonly sign: (content: Uint8Array) => Uint8Array;
}

export type VerifySignature = (content: Uint8Array, signature: Uint8Array) => boolean;

export function generateNodeIdentity(): NodeIdentity {
  const pair = createUser();
  return { publicKey: pair.getPublicKey(), seed: new TextDecoder().decode(pair.getSeed()) };
}

// Fixed DER heads of an Ed25519 key (RFC 8410 section 7), before the 32 raw bytes.
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

/** The platform's Ed25519 is used: the JavaScript one of the NKey library takes milliseconds a fact, this one 0.1 ms. */
export function signerOf(seed: string): Result<Signer, IdentityFault> {
  try {
    const publicKey = fromSeed(new TextEncoder().encode(seed)).getPublicKey();
    if (!publicKey.startsWith('U')) return err({ code: 'identity.seed-malformed', detail: 'not a user seed (SU…)' });
    // Two bytes of prefix, 32 of seed, two of checksum (checked by fromSeed).
    const raw = base32Bytes(seed).subarray(2, 34);
    const key = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, raw]), format: 'der', type: 'pkcs8' });
    return ok({ publicKey, sign: (content) => sign(null, content, key) });
  } catch {
    // The cause is not told: it could hold parts of the seed.
    return err({ code: 'identity.seed-malformed', detail: 'not an NKey user seed: "SU" and 56 base32 characters' });
  }
}

export function verifierOf(publicKey: string): Result<VerifySignature, IdentityFault> {
  let key: KeyObject;
  try {
    fromPublic(publicKey);
    // One byte of prefix, 32 of key, two of checksum (checked by fromPublic).
    const raw = base32Bytes(publicKey).subarray(1, 33);
    key = createPublicKey({ key: Buffer.concat([SPKI_HEAD, raw]), format: 'der', type: 'spki' });
  } catch {
    return err({ code: 'identity.key-malformed', detail: `${JSON.stringify(publicKey)} is not an NKey public key` });
  }
  return ok((content, signature) => verify(null, content, key, signature));
}

/** RFC 4648 base32 without padding; characters outside the alphabet were refused before. */
function base32Bytes(text: string): Buffer {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bytes: number[] = [];
  let held = 0;
  let bits = 0;
  for (const character of text) {
    held = ((held << 5) | alphabet.indexOf(character)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((held >> bits) & 0xff);
  }
  return Buffer.from(bytes);
}
