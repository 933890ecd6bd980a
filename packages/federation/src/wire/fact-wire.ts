/** A fact on the wire: CloudEvents 1.0, structured JSON, signed by its source. Reference: docs/reference/facts.md. */
import { canonicalJson } from '@routerd/config';
import { err, formatInstant, ok, type DurationMs, type Result } from '@routerd/resources';
import { z } from 'zod';
import { FACT_TYPES, type Fact } from '../ports.ts';
import { BATCH_FACTS_MAX, BATCH_PATH_LENGTH_MAX, batchOf, signedAt } from './fact-batch.ts';
import { encodeWire, parseWire, type WireFault } from './bounded-json.ts';
import { hostAddress, nodeName, poolName, siteName, time, uniqueId } from './scalars.ts';

/** Longest `origin`, in UTF-16 units. */
export const ORIGIN_LENGTH_MAX = 128;
/** CloudEvents integers have 32 bits (spec section 3.1); 2^31-1 ms are 24 days. */
export const TTL_MS_MAX = 2 ** 31 - 1;

const schema = z.strictObject({
  specversion: z.literal('1.0'),
  id: uniqueId,
  source: nodeName,
  type: z.enum(FACT_TYPES),
  subject: hostAddress,
  time,
  group: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/),
  pool: poolName,
  site: siteName,
  ttlms: z
    .number()
    .int()
    .min(0)
    .max(TTL_MS_MAX)
    .transform((ms) => ms as DurationMs),
  /** The CloudEvents extension of this name: a string that sorts as it counts; 32 bits would be too few for a number. */
  sequence: z
    .string()
    .regex(/^\d{16}$/)
    .transform(Number)
    .refine((sequence) => sequence >= 1 && Number.isSafeInteger(sequence), 'is not from 1 to 2^53 - 1'),
  origin: z.string().max(ORIGIN_LENGTH_MAX),
  /** Where the fact stands among those that share its signature; both or none. */
  batchindex: z
    .number()
    .int()
    .min(0)
    .max(BATCH_FACTS_MAX - 1)
    .optional(),
  batchpath: z.base64().max(BATCH_PATH_LENGTH_MAX).optional(),
  signature: z.base64().length(88),
});

/** A fact as parsed, not yet believed. */
export interface SignedFact {
  readonly fact: Fact;
  /** What the signature is about: the canonical JSON of every other member, or the root of the batch that has it as a leaf. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/** @param sign Ed25519 with the source's own key; 64 bytes */
export function encodeFact(fact: Fact, sign: (content: Uint8Array) => Uint8Array): string {
  const envelope = envelopeOf(fact);
  const signature = Buffer.from(sign(encodeWire(canonicalJson(envelope)))).toString('base64');
  return canonicalJson({ ...envelope, signature });
}

/**
 * Facts that were recorded together, under as few signatures as may be.
 * @returns their texts, in the order given
 */
export function encodeFacts(facts: readonly Fact[], sign: (content: Uint8Array) => Uint8Array): readonly string[] {
  const texts: string[] = [];
  for (let from = 0; from < facts.length; from += BATCH_FACTS_MAX) {
    const chunk = facts.slice(from, from + BATCH_FACTS_MAX);
    const [first] = chunk;
    if (chunk.length === 1 && first !== undefined) {
      texts.push(encodeFact(first, sign));
      continue;
    }
    const envelopes = chunk.map(envelopeOf);
    const batch = batchOf(envelopes.map((envelope) => encodeWire(canonicalJson(envelope))));
    const signature = Buffer.from(sign(batch.signed)).toString('base64');
    for (const [position, envelope] of envelopes.entries()) {
      const { index, path } = batch.places[position] ?? { index: 0, path: '' };
      texts.push(canonicalJson({ ...envelope, batchindex: index, batchpath: path, signature }));
    }
  }
  return texts;
}

export function parseFact(data: Uint8Array): Result<SignedFact, WireFault> {
  const parsed = parseWire(data, schema);
  if (!parsed.ok) return parsed;
  const { id, source, type, subject: address, time: observedAt, group, pool, site } = parsed.value;
  const { ttlms: ttl, sequence, origin, signature } = parsed.value;
  const fact: Fact = { id, type, source, group, pool, site, address, observedAt, ttl, sequence, origin };
  const content = encodeWire(canonicalJson(envelopeOf(fact)));
  const { batchindex: index, batchpath: path } = parsed.value;
  if ((index === undefined) !== (path === undefined)) {
    return err({ code: 'wire.malformed', detail: 'batchindex and batchpath: one is there without the other' });
  }
  const signed = index === undefined || path === undefined ? content : signedAt(content, { index, path });
  if (signed === undefined) return err({ code: 'wire.malformed', detail: 'batchpath: does not lead from batchindex' });
  return ok({ fact, signed, signature: Buffer.from(signature, 'base64') });
}

function envelopeOf(fact: Fact): Readonly<Record<string, string | number>> {
  return {
    specversion: '1.0',
    id: fact.id,
    source: fact.source,
    type: fact.type,
    subject: fact.address,
    time: formatInstant(fact.observedAt),
    group: fact.group,
    pool: fact.pool,
    site: fact.site,
    ttlms: fact.ttl,
    sequence: String(fact.sequence).padStart(16, '0'),
    origin: fact.origin,
  };
}
