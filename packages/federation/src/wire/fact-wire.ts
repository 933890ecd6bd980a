/** A fact on the wire: CloudEvents 1.0, structured JSON, signed by its source. Reference: docs/reference/facts.md. */
import { err, ok, type DurationMs, type Result } from '@routerd/resources';
import { z } from 'zod';
import { FACT_TYPES, type Fact } from '../ports.ts';
import { BATCH_FACTS_MAX, BATCH_PATH_LENGTH_MAX, batchOf, leadsToRoot } from './fact-batch.ts';
import { decodeWire, encodeWire, parseText, type WireFault } from './bounded-json.ts';
import { contentOf, factOfText, factText, TTL_MS_MAX, type SignedFact } from './fact-text.ts';
import { hostAddress, nodeName, poolName, siteName, time, uniqueId } from './scalars.ts';

/** Longest `origin`, in UTF-16 units. */
export const ORIGIN_LENGTH_MAX = 128;

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

/** @param sign Ed25519 with the source's own key; 64 bytes */
export function encodeFact(fact: Fact, sign: (content: Uint8Array) => Uint8Array): string {
  return factText(fact, Buffer.from(sign(encodeWire(contentOf(fact)))).toString('base64'));
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
    const batch = batchOf(chunk.map(contentOf));
    const signature = Buffer.from(sign(batch.signed)).toString('base64');
    for (const [position, fact] of chunk.entries()) texts.push(factText(fact, signature, batch.places[position]));
  }
  return texts;
}

export function parseFact(data: Uint8Array): Result<SignedFact, WireFault> {
  const text = decodeWire(data);
  if (!text.ok) return text;
  const read = factOfText(text.value);
  const parsed = read === undefined ? factOfMembers(text.value) : ok(read);
  if (!parsed.ok) return parsed;
  const { place } = parsed.value;
  if (place === undefined || leadsToRoot(place)) return parsed;
  return err({ code: 'wire.malformed', detail: 'batchpath: does not lead from batchindex' });
}

/** Whatever the order of the members and the white space between them. */
function factOfMembers(text: string): Result<SignedFact, WireFault> {
  const parsed = parseText(text, schema);
  if (!parsed.ok) return parsed;
  const { id, source, type, subject: address, time: observedAt, group, pool, site } = parsed.value;
  const { ttlms: ttl, sequence, origin, signature, batchindex: index, batchpath: path } = parsed.value;
  const fact: Fact = { id, type, source, group, pool, site, address, observedAt, ttl, sequence, origin };
  if ((index === undefined) !== (path === undefined)) {
    return err({ code: 'wire.malformed', detail: 'batchindex and batchpath: one is there without the other' });
  }
  const place = index === undefined || path === undefined ? undefined : { index, path };
  return ok({ fact, content: contentOf(fact), place, signature });
}
