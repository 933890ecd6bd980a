import { durationMs, instant, type HostAddress } from '@routerd/resources';
import { describe, expect, it } from 'vitest';
import { RIG_GROUP, RIG_POOL, RIG_SITES, AWS_A } from '../src/contract/federation-rig.ts';
import { generateNodeIdentity, signerOf, verifierOf } from '../src/node-identity.ts';
import { verifyingFacts } from '../src/batch-memory.ts';
import type { Fact } from '../src/ports.ts';
import { encodeFacts, parseFact } from '../src/wire/fact-wire.ts';
import { valueOf } from './value-of.ts';

const identity = generateNodeIdentity();
const { sign } = valueOf(signerOf(identity.seed));
const verify = valueOf(verifierOf(identity.publicKey));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const isSound = (text: string): boolean => {
  const parsed = parseFact(bytes(text));
  return parsed.ok && verifyingFacts(verify)(parsed.value);
};

describe('facts under one signature', () => {
  it.each([1, 2, 3, 5, 8, 255, 256, 257, 600])('are each verified by themselves, %i of them', (count) => {
    const facts = Array.from({ length: count }, (_, index) => factOf(index));
    let signed = 0;
    const texts = encodeFacts(facts, (content) => {
      signed += 1;
      return sign(content);
    });
    expect(signed).toBe(Math.ceil(count / 256));
    expect(texts.map((text) => valueOf(parseFact(bytes(text))).fact)).toEqual(facts);
    expect(texts.every(isSound)).toBe(true);
  });

  it('prove nothing when fact, place or path is another', () => {
    const [first = '', second = ''] = encodeFacts([0, 1, 2].map(factOf), sign);
    const parsed = JSON.parse(first);
    const other = JSON.parse(second);
    for (const forged of [
      { ...parsed, subject: '10.77.60.99/32' },
      { ...parsed, batchindex: 1 },
      { ...parsed, batchpath: other.batchpath },
      { ...parsed, batchindex: 3, batchpath: other.batchpath },
      { ...parsed, batchindex: undefined, batchpath: undefined },
      { ...parsed, batchindex: undefined },
      { ...parsed, batchindex: 4 },
      { ...parsed, batchpath: parsed.batchpath.slice(4) },
      { ...parsed, batchpath: '' },
    ]) {
      expect(isSound(JSON.stringify(forged)), JSON.stringify(forged)).toBe(false);
    }
    expect(isSound(first)).toBe(true);
  });

  it('cost one verification, whatever their order', () => {
    const texts = encodeFacts(
      Array.from({ length: 100 }, (_, index) => factOf(index)),
      sign,
    );
    for (const order of [texts, texts.toReversed(), texts.toSorted(byLastCharacters)]) {
      let verified = 0;
      const isProved = verifyingFacts((content, signature) => {
        verified += 1;
        return verify(content, signature);
      });
      for (const text of order) expect(isProved(valueOf(parseFact(bytes(text))))).toBe(true);
      expect(verified).toBe(1);
    }
  });

  it('prove nothing false beside those of their batch that were proved', () => {
    const texts = encodeFacts([0, 1, 2, 3, 4].map(factOf), sign);
    const isProved = verifyingFacts(verify);
    for (const text of texts) expect(isProved(valueOf(parseFact(bytes(text))))).toBe(true);
    const values = texts.map((text): Record<string, unknown> => JSON.parse(text));
    const forgeries = values.flatMap((value, at) => [
      { ...value, subject: '10.77.60.99/32' },
      { ...value, batchindex: at ^ 1 },
      { ...value, batchindex: 7 },
      { ...value, signature: Buffer.alloc(64).toString('base64') },
      // Each hash of the path in turn, also those above the first that the batch had shown before.
      ...[0, 32, 64].map((from) => ({ ...value, batchpath: withOneBitChanged(String(value['batchpath']), from) })),
    ]);
    for (const forged of forgeries) {
      const parsed = parseFact(bytes(JSON.stringify(forged)));
      expect(parsed.ok && isProved(parsed.value), JSON.stringify(forged)).toBe(false);
    }
    for (const text of texts) expect(isProved(valueOf(parseFact(bytes(text))))).toBe(true);
  });
});

function byLastCharacters(a: string, b: string): number {
  return a.slice(40) < b.slice(40) ? -1 : 1;
}

function withOneBitChanged(path: string, at: number): string {
  const bytesOfPath = Buffer.from(path, 'base64');
  bytesOfPath[at] = (bytesOfPath[at] ?? 0) ^ 1;
  return bytesOfPath.toString('base64');
}

function factOf(index: number): Fact {
  return {
    id: `fact-${index}`,
    type: 'routerd.client.ipv4.observed',
    source: AWS_A,
    group: RIG_GROUP,
    pool: RIG_POOL,
    site: RIG_SITES.get(AWS_A)!,
    address: `10.77.${index >> 8}.${index & 255}/32` as HostAddress,
    observedAt: instant(1_795_000_000_000),
    ttl: durationMs(1000),
    sequence: index + 1,
    origin: 'test',
  };
}
