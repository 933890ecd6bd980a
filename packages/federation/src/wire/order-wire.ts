/** An operator's order on the wire. Who wrote it is proven by the subject, not by a signature. */
import { canonicalJson } from '@routerd/config';
import type { ClaimId, OperatorOrder, OrderSubject, OrderVersion } from '@routerd/mobility';
import { formatInstant, type Result } from '@routerd/resources';
import { z } from 'zod';
import { parseWire, type WireFault } from './bounded-json.ts';
import { counter, hostAddress, nodeName, poolName, siteName, time, uniqueId } from './scalars.ts';

/** Longest `who` and `why`, in UTF-16 units; longer ones are cut when the order is written. */
export const WHO_LENGTH_MAX = 128;
export const WHY_LENGTH_MAX = 512;

const schema = z.strictObject({
  /** Whether it is that of the order is for the fold to say. */
  subject: z
    .string()
    .max(256)
    .transform((text) => text as OrderSubject),
  version: counter.transform((count) => count as OrderVersion),
  order: z.union([
    z.strictObject({ verb: z.enum(['drain', 'undrain']), node: nodeName }),
    z.strictObject({ verb: z.enum(['freeze', 'hand-over']), pool: poolName, address: hostAddress, site: siteName }),
    z.strictObject({ verb: z.literal('release'), pool: poolName, address: hostAddress }),
  ]),
  who: z.string().max(WHO_LENGTH_MAX),
  why: z.string().max(WHY_LENGTH_MAX),
  when: time,
  writer: nodeName,
  claim: uniqueId.transform((text) => text as ClaimId),
});

export function encodeOrder({ who, why, when, ...rest }: OperatorOrder): string {
  const cut = { who: who.slice(0, WHO_LENGTH_MAX), why: why.slice(0, WHY_LENGTH_MAX) };
  return canonicalJson({ ...rest, ...cut, when: formatInstant(when) });
}

export function parseOrder(data: Uint8Array): Result<OperatorOrder, WireFault> {
  return parseWire(data, schema);
}
