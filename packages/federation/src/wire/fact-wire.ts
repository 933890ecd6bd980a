/** A fact on the wire: CloudEvents 1.0, structured JSON, signed by its source. Reference: docs/reference/facts.md. */
import { canonicalJson } from '@routerd/config';
import { formatInstant, ok, type DurationMs, type Result } from '@routerd/resources';
import { z } from 'zod';
import { FACT_TYPES, type Fact } from '../ports.ts';
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
  signature: z.base64().length(88),
});

/** A fact as parsed, not yet believed. */
export interface SignedFact {
  readonly fact: Fact;
  /** What the signature is about: the canonical JSON of every other member. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/** @param sign Ed25519 with the source's own key; 64 bytes */
export function encodeFact(fact: Fact, sign: (content: Uint8Array) => Uint8Array): string {
  const envelope = envelopeOf(fact);
  const signature = Buffer.from(sign(encodeWire(canonicalJson(envelope)))).toString('base64');
  return canonicalJson({ ...envelope, signature });
}

export function parseFact(data: Uint8Array): Result<SignedFact, WireFault> {
  const parsed = parseWire(data, schema);
  if (!parsed.ok) return parsed;
  const { id, source, type, subject: address, time: observedAt, group, pool, site } = parsed.value;
  const { ttlms: ttl, sequence, origin, signature } = parsed.value;
  const fact: Fact = { id, type, source, group, pool, site, address, observedAt, ttl, sequence, origin };
  return ok({
    fact,
    signed: encodeWire(canonicalJson(envelopeOf(fact))),
    signature: Buffer.from(signature, 'base64'),
  });
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
