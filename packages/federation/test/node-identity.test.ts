import { fromPublic, fromSeed } from '@nats-io/nkeys';
import { generateNodeIdentity, signerOf } from '@routerd/federation';
import { describe, expect, it } from 'vitest';
import { verifierOf } from '../src/node-identity.ts';
import { valueOf } from './value-of.ts';

const content = new TextEncoder().encode('10.77.60.10/32 is here');

describe('a node identity', () => {
  it('is an NKey user pair', () => {
    const { publicKey, seed } = generateNodeIdentity();
    expect(publicKey).toMatch(/^U[A-Z2-7]{55}$/);
    expect(seed).toMatch(/^SU[A-Z2-7]{56}$/);
  });

  it('signs as the NKey library does, and each verifies the other', () => {
    for (let count = 0; count < 5; count++) {
      const { publicKey, seed } = generateNodeIdentity();
      const signer = valueOf(signerOf(seed));
      const verify = valueOf(verifierOf(publicKey));
      const theirs = fromSeed(new TextEncoder().encode(seed)).sign(content);
      expect(signer.publicKey).toBe(publicKey);
      expect(Buffer.from(signer.sign(content)).equals(theirs)).toBe(true);
      expect(verify(content, theirs)).toBe(true);
      expect(fromPublic(publicKey).verify(content, signer.sign(content))).toBe(true);
    }
  });

  it('does not verify what another signed, or other content', () => {
    const [one, other] = [generateNodeIdentity(), generateNodeIdentity()];
    const signer = valueOf(signerOf(one.seed));
    const verify = valueOf(verifierOf(other.publicKey));
    const own = valueOf(verifierOf(one.publicKey));
    expect(verify(content, signer.sign(content))).toBe(false);
    expect(own(content.slice(1), signer.sign(content))).toBe(false);
    expect(own(content, new Uint8Array(64))).toBe(false);
  });

  it('a malformed seed is refused without being repeated', () => {
    const { publicKey, seed } = generateNodeIdentity();
    const swapped = `${seed.slice(0, 30)}${seed[30] === 'A' ? 'B' : 'A'}${seed.slice(31)}`;
    for (const wrong of ['', 'SU', publicKey, seed.slice(0, -1), swapped, seed.toLowerCase()]) {
      const signer = signerOf(wrong);
      expect(signer).toMatchObject({ ok: false, error: { code: 'identity.seed-malformed' } });
      expect(JSON.stringify(signer)).not.toContain(wrong === '' ? seed : wrong.slice(4) || seed);
    }
  });

  it('a malformed public key is refused', () => {
    const { seed } = generateNodeIdentity();
    for (const wrong of ['', 'U', seed, 'UAAAA'])
      expect(verifierOf(wrong)).toMatchObject({ ok: false, error: { code: 'identity.key-malformed' } });
  });
});
