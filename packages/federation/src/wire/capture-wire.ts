/** A record of the capture registry on the wire. Who wrote it is proven by the subject, not by a signature. */
import { canonicalJson } from '@routerd/config';
import {
  CAPTURE_PHASES,
  captureKeyOf,
  type CaptureDomain,
  type CaptureEpoch,
  type CaptureRecord,
  type ClaimId,
  type Revision,
} from '@routerd/mobility';
import { err, formatInstant, ok, type Result } from '@routerd/resources';
import { z } from 'zod';
import { parseWire, type WireFault } from './bounded-json.ts';
import { counter, hostAddress, nodeName, poolName, time, uniqueId } from './scalars.ts';

/** Longest `reason`, in UTF-16 units; a longer one is cut when the record is written. */
export const REASON_LENGTH_MAX = 512;

const schema = z.strictObject({
  key: z.string().max(512),
  pool: poolName,
  address: hostAddress,
  domain: z
    .string()
    .regex(/^\S{1,256}$/)
    .transform((text) => text as CaptureDomain),
  revision: counter.transform((count) => count as Revision),
  epoch: counter.transform((count) => count as CaptureEpoch),
  holder: nodeName.nullable(),
  phase: z.enum(CAPTURE_PHASES),
  previous: nodeName.nullable(),
  writer: nodeName,
  claim: uniqueId.transform((text) => text as ClaimId),
  since: time,
  reason: z.string().max(REASON_LENGTH_MAX),
});

/** Absent nodes travel as null, so that every member is always there. */
export function encodeCapture(record: CaptureRecord): string {
  return canonicalJson({
    ...record,
    holder: record.holder ?? null,
    previous: record.previous ?? null,
    since: formatInstant(record.since),
    reason: record.reason.slice(0, REASON_LENGTH_MAX),
  });
}

/** Besides the form of each member: the key names its parts, and nobody holds exactly when the record is vacant. */
export function parseCapture(data: Uint8Array): Result<CaptureRecord, WireFault> {
  const parsed = parseWire(data, schema);
  if (!parsed.ok) return parsed;
  const { key: keyText, holder, previous, ...rest } = parsed.value;
  const key = captureKeyOf(rest.pool, rest.address, rest.domain);
  if (key !== keyText)
    return err({ code: 'wire.malformed', detail: `key: ${keyText} does not name its parts, ${key}` });
  if ((rest.phase === 'vacant') !== (holder === null)) {
    return err({ code: 'wire.malformed', detail: `holder: ${holder ?? 'nobody'} in phase ${rest.phase}` });
  }
  return ok({ key, ...rest, holder: holder ?? undefined, previous: previous ?? undefined });
}
