/** An event on the wire: CloudEvents 1.0, structured JSON, signed by its source. Reference: docs/reference/facts.md. */
import { canonicalJson } from '@routerd/config';
import { formatInstant, instant, ok, type DurationMs, type Instant, type Result } from '@routerd/resources';
import { z } from 'zod';
import type { EventId, GroupEvent } from '../event.ts';
import { encodeWire, parseWire, type WireFault } from './bounded-json.ts';
import { TTL_MS_MAX } from './fact-text.ts';
import { nodeName, time, uniqueId } from './scalars.ts';

/** Longest subject and dedupe key, in UTF-16 units. */
const TEXT_LENGTH_MAX = 512;
const PAYLOAD_MEMBERS_MAX = 64;

const schema = z.strictObject({
  specversion: z.literal('1.0'),
  id: uniqueId.transform((text) => text as EventId),
  source: nodeName,
  type: z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,126}[a-z0-9])?$/),
  subject: z.string().min(1).max(TEXT_LENGTH_MAX),
  time,
  group: z.string(),
  ttlms: z
    .number()
    .int()
    .min(0)
    .max(TTL_MS_MAX)
    .transform((ms) => ms as DurationMs),
  dedupekey: z.string().min(1).max(TEXT_LENGTH_MAX),
  data: z
    .record(z.string().regex(/\S/).max(TEXT_LENGTH_MAX), z.string())
    .refine((data) => Object.keys(data).length <= PAYLOAD_MEMBERS_MAX, `more than ${PAYLOAD_MEMBERS_MAX} members`),
  signature: z.base64().length(88),
});

/** What travels: acceptance is each receiver's own. */
export type SentEvent = Omit<GroupEvent, 'acceptedAt' | 'expiresAt'>;

export interface SignedEvent {
  readonly event: SentEvent;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/** Fails when the event is not one that a receiver would parse. */
export function encodeEvent(event: SentEvent, sign: (content: Uint8Array) => Uint8Array): Result<string, WireFault> {
  const envelope = envelopeOf(event);
  const signature = Buffer.from(sign(encodeWire(canonicalJson(envelope)))).toString('base64');
  const text = canonicalJson({ ...envelope, signature });
  const parsed = parseWire(encodeWire(text), schema);
  return parsed.ok ? ok(text) : parsed;
}

export function parseEvent(data: Uint8Array): Result<SignedEvent, WireFault> {
  const parsed = parseWire(data, schema);
  if (!parsed.ok) return parsed;
  const { id, source, type, subject, time: observedAt, group, ttlms: ttl, dedupekey, data: payload } = parsed.value;
  const event: SentEvent = {
    id,
    group,
    sourceNode: source,
    type,
    subject,
    dedupeKey: dedupekey,
    payload,
    observedAt,
    ttl,
  };
  return ok({
    event,
    signed: encodeWire(canonicalJson(envelopeOf(event))),
    signature: Buffer.from(parsed.value.signature, 'base64'),
  });
}

export function acceptedEvent(event: SentEvent, acceptedAt: Instant): GroupEvent {
  return { ...event, acceptedAt, expiresAt: instant(acceptedAt + event.ttl) };
}

function envelopeOf({ id, sourceNode, type, subject, observedAt, group, ttl, dedupeKey, payload }: SentEvent) {
  return {
    specversion: '1.0',
    id,
    source: sourceNode,
    type,
    subject,
    time: formatInstant(observedAt),
    group,
    ttlms: ttl,
    dedupekey: dedupeKey,
    data: { ...payload },
  };
}
