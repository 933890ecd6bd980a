/** What several messages of the executor protocol are made of. */
import { z } from 'zod';

export const API_VERSION = 'provideraction.routerd.net/v1alpha1';
/** What this side speaks, the newest first. */
export const API_VERSIONS = [API_VERSION] as const;
export const VERBS = [
  'assign-secondary-ip',
  'unassign-secondary-ip',
  'ensure-forwarding-enabled',
  'ensure-forwarding-disabled',
] as const;
export const PROVIDERS = ['aws', 'azure', 'oci', 'gcp'] as const;
/** A longer request is refused; a batch of 256 addresses needs about 60 KiB. Bytes. */
export const REQUEST_LINE_BYTES_MAX = 1024 * 1024;
/** A longer result gets the plugin killed. Bytes. */
export const RESULT_LINE_BYTES_MAX = 4 * 1024 * 1024;
/** In one page of an inventory: about 2 MiB with the longest ids there are. */
export const INVENTORY_PAGE_ENTRIES_MAX = 5000;
/** What the caller has to do about a failure; see docs/reference/plugin-protocol.md. */
export const ERROR_CLASSES = [
  'throttled',
  'conflict',
  'held-elsewhere',
  'permission',
  'invalid',
  'limit',
  'not-found',
  'unknown-outcome',
  'transport',
] as const;

export const hostAddress = z.string().regex(/^\d{1,3}(\.\d{1,3}){3}\/32$/);
const count = z.number().int().min(0);

export const nic = z.strictObject({
  provider: z.enum(PROVIDERS),
  providerRef: z.string(),
  nicRef: z.string(),
  target: z.record(z.string(), z.string()),
});

export const fault = z.strictObject({
  class: z.enum(ERROR_CLASSES),
  /** Which condition of the class, see `ERRORS`. The class alone decides what the caller does. */
  number: count.optional(),
  message: z.string(),
  retryAfterMs: z.number().min(0).optional(),
});

/** `addresses` are the secondaries, without the primary. */
export const nicState = z.strictObject({ addresses: z.array(hostAddress), forwarding: z.boolean() });

/** What the answer cost at the provider, and what its rate headers said. Every field where it is known. */
export const usage = z.strictObject({
  /** Mutating calls that were sent, whatever came of them. */
  writes: count.optional(),
  reads: count.optional(),
  /** Before the provider throttles, as it last said. */
  readsLeft: count.optional(),
  writesLeft: count.optional(),
  /** When `readsLeft` and `writesLeft` are full again. Milliseconds from the answer. */
  resetsAfterMs: z.number().min(0).optional(),
});

/** What a result has beside its `status`. */
export function resultOf<Kind extends string, Status extends z.ZodType>(
  kind: Kind,
  status: Status,
): z.ZodObject<
  {
    apiVersion: z.ZodLiteral<typeof API_VERSION>;
    kind: z.ZodLiteral<Kind>;
    id: z.ZodString;
    status: Status;
    usage: z.ZodOptional<typeof usage>;
  },
  z.core.$strict
> {
  return z.strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal(kind),
    id: z.string(),
    status,
    usage: usage.optional(),
  });
}

export const failedStatus = z.strictObject({ status: z.literal('failed'), error: fault });
