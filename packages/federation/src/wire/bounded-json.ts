/** From bytes that anybody may have sent to a value that a schema can look at. */
import { err, ok, type Result } from '@routerd/resources';
import type { z } from 'zod';

/** No message of federation is longer. The streams refuse more (`max_msg_size`), and so does every reader. */
export const WIRE_BYTES_MAX = 8192;

export interface WireFault {
  readonly code: 'wire.too-long' | 'wire.not-json' | 'wire.malformed';
  readonly detail: string;
}

/** Parses bounded UTF-8 JSON by a strict schema: unknown members are refused, nothing is coerced. Never throws. */
export function parseWire<T>(data: Uint8Array, schema: z.ZodType<T>): Result<T, WireFault> {
  const text = decodeWire(data);
  return text.ok ? parseText(text.value, schema) : text;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** The text of a message that is short enough and UTF-8. */
export function decodeWire(data: Uint8Array): Result<string, WireFault> {
  if (data.length > WIRE_BYTES_MAX) {
    return err({ code: 'wire.too-long', detail: `${data.length} bytes; at most ${WIRE_BYTES_MAX} are read` });
  }
  try {
    return ok(UTF8.decode(data));
  } catch (cause) {
    return err({ code: 'wire.not-json', detail: cause instanceof Error ? cause.message : String(cause) });
  }
}

/** As {@link parseWire}, of a text that was decoded already. */
export function parseText<T>(text: string, schema: z.ZodType<T>): Result<T, WireFault> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return err({ code: 'wire.not-json', detail: cause instanceof Error ? cause.message : String(cause) });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'message'}: ${message}`);
  return err({ code: 'wire.malformed', detail: issues.join('; ') });
}

const ENCODER = new TextEncoder();

export function encodeWire(text: string): Uint8Array {
  return ENCODER.encode(text);
}
