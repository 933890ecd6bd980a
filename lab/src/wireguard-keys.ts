import { generateKeyPairSync } from 'node:crypto';

export interface WireGuardKeyPair {
  /** Base64, as `wg` reads it. */
  readonly privateKey: string;
  readonly publicKey: string;
}

/** A Curve25519 pair. JWK carries the 32 raw bytes in base64url (RFC 8037). */
export function generateWireGuardKeys(): WireGuardKeyPair {
  const { privateKey } = generateKeyPairSync('x25519');
  const { d = '', x = '' } = privateKey.export({ format: 'jwk' });
  const base64 = (text: string): string => Buffer.from(text, 'base64url').toString('base64');
  return { privateKey: base64(d), publicKey: base64(x) };
}
