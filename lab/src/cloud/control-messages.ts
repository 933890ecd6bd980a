/** What is said on the control socket, between an emulated cloud and the lab. Never reachable by guests. */
import { z } from 'zod';

const instant = z.number();

/** A line of `GET /watch`. `at` is wall clock in milliseconds, taken when the kernel had the change. */
export const fabricEvent = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('fabric.captured'),
    at: instant,
    address: z.string(),
    /** Name of the instance that gets its packets from now on. */
    holder: z.string(),
    previous: z.string().optional(),
  }),
  z.strictObject({
    event: z.literal('fabric.released'),
    at: instant,
    address: z.string(),
    previous: z.string().optional(),
  }),
  z.strictObject({
    event: z.literal('fabric.forwarding'),
    at: instant,
    instance: z.string(),
    /** True: the source/destination check is off. */
    forwarding: z.boolean(),
  }),
]);
export type FabricEvent = z.output<typeof fabricEvent>;

export const FAULT_KINDS = [
  'delay',
  'throttle',
  'error-before',
  'error-after',
  'reset-after',
  'hang',
  'busy',
  'denied',
  'unauthenticated',
  'overtaken',
  'operation-failed',
  'operation-half-done',
] as const;

/**
 * Names for more than one operation: `*` is any of the vendor's API, `writes` and `reads` are parts of it, `polls` the reads of long-running
 * operations; `metadata` is the metadata service, `identity` the part of it that hands out credentials.
 */
export const OPERATION_GROUPS = ['*', 'writes', 'reads', 'polls', 'metadata', 'identity'] as const;

/** As good as for ever: whoever lays a card means to take it off. */
export const COUNT_MAX = 10_000;
export const FOR_MS_MAX = 3_600_000;

/** `POST /faults`: the next `count` requests for `operation` meet it. Cards are used up in the order they came. */
export const faultCard = z.strictObject({
  /** As the journal names operations, or one of {@link OPERATION_GROUPS}. */
  operation: z.string(),
  count: z.number().int().min(1).max(COUNT_MAX).default(1),
  /**
   * `delay`: answered later, by `delayMs`. `throttle`: the vendor's refusal. `error-before`, `error-after`: a 5xx with the change not made, made.
   * `reset-after`: the change is made and the connection reset. `hang`: the change is not made and nothing is ever answered.
   * `busy`: refused, because something else is being done. `denied`: the caller may not. `unauthenticated`: its credential is not accepted.
   * `overtaken`: somebody else writes the object between the caller's read and this write; of no effect without a condition.
   * `operation-failed`: the long-running operation of Azure or GCP is accepted and ends badly; `operation-half-done`: and the change is made.
   */
  kind: z.enum(FAULT_KINDS),
  /** Only requests of this instance. */
  principal: z.string().optional(),
  delayMs: z.number().min(0).default(0),
  /** Taken off after that time, if it was not used up before. */
  forMs: z.number().min(1).max(FOR_MS_MAX).optional(),
  /** The named card that it belongs to; see fault-catalogue.ts. */
  card: z.string().optional(),
});
export type FaultCard = z.output<typeof faultCard>;
export type FaultRequest = z.input<typeof faultCard>;

/** `POST /knobs`: how far the control plane is from an ideal one. All off at the start. */
export const knobs = z.strictObject({
  /** Describes and lists tell what was true that long ago, milliseconds. Never used for a writer's own conditions. */
  readLagMs: z.number().min(0).default(0),
  /** Azure: how long a removed address still counts as allocated, after the removal succeeded. */
  releaseLagMs: z.number().min(0).default(0),
  /** OCI: how long a session token lives; 20 minutes, as the real ones, unless a test is impatient. */
  tokenLifetimeMs: z.number().min(0).default(1_200_000),
  /** GCP: `canIpForward` cannot be changed without a restart. Documents of different age say either. */
  forwardingIsFixed: z.boolean().default(false),
  /** Each mutating call, or its operation, takes that much longer, milliseconds. */
  latencyMs: z.number().min(0).default(0),
  /** The cloud tells of a change that much later, milliseconds. CloudTrail takes seconds, sometimes minutes. */
  newsLagMs: z.number().min(0).default(0),
  /** Packets follow that much later, milliseconds. */
  fabricLagMs: z.number().min(0).default(0),
  /** How much of the vendor's token buckets there is, percent; without, calls are not counted. See call-quota.ts. */
  quotaPercent: z.number().min(0).max(100).optional(),
  /** What the routers' identities may do, by the vendor's names of permissions, and nothing else; without, all. See permissions.ts. */
  permissions: z.array(z.string()).optional(),
  /** No NIC may have more addresses than that, its primary included; less than the vendor's limit. */
  addressesPerNicMax: z.number().int().min(1).optional(),
});
export type Knobs = z.output<typeof knobs>;

/** `POST /cards`: a card of the catalogue, by name. */
export const cardOrder = z.strictObject({
  card: z.string(),
  /** How many requests meet it; the card's own number without. */
  count: z.number().int().min(1).max(COUNT_MAX).optional(),
  /** Taken off after that time. */
  forMs: z.number().min(1).max(FOR_MS_MAX).optional(),
  /** What the card measures: milliseconds, addresses, or percent. */
  amount: z.number().min(0).optional(),
  /** Only requests of this instance; knobs are for all. */
  principal: z.string().optional(),
  /** Instead of the operations that the card is for. */
  operation: z.string().optional(),
});
export type CardOrder = z.output<typeof cardOrder>;

/** A line of `GET /cards`. */
export const cardState = z.strictObject({
  name: z.string(),
  about: z.string(),
  /** Why this vendor has no such thing. */
  absent: z.string().optional(),
  /** Requests that will still meet it, or `on` for what is no matter of requests. */
  state: z.string(),
});
export type CardState = z.output<typeof cardState>;

const outcome = z.strictObject({
  /** HTTP status; 0 when nothing was answered. */
  status: z.number().int(),
  /** The vendor's error code. */
  code: z.string().optional(),
  /** The fault card that it met. */
  fault: z.enum(FAULT_KINDS).optional(),
});

/** One request, in the order of arrival. */
export const journalEntry = z.strictObject({
  sequence: z.number().int(),
  at: instant,
  service: z.enum(['api', 'imds', 'queue']),
  /** Name of the instance whose identity it had; `unknown` if it had none that counts. */
  principal: z.string(),
  operation: z.string(),
  /** What it asked for; never a credential. */
  parameters: z.record(z.string(), z.unknown()),
  /** Whether the operation can change anything, whatever came of it. */
  mutating: z.boolean(),
  /** Absent while it runs. */
  outcome: outcome.optional(),
});
export type JournalEntry = z.output<typeof journalEntry>;
export type JournalOutcome = z.output<typeof outcome>;

export const cloudState = z.strictObject({
  cloud: z.enum(['aws', 'azure', 'oci', 'gcp']),
  nics: z.array(
    z.strictObject({
      instance: z.string(),
      nicId: z.string(),
      device: z.string(),
      power: z.enum(['on', 'off']),
      /** What the API says; primary first. */
      controlPlane: z.strictObject({ addresses: z.array(z.string()), forwarding: z.boolean() }),
      /** What packets meet. */
      fabric: z.strictObject({ addresses: z.array(z.string()), forwarding: z.boolean() }),
      /** Absent on AWS, which has none. */
      etag: z.string().optional(),
    }),
  ),
  /** Packets dropped by the fabric: `srcdrop`, `dstdrop` (source/destination check), `metadatadrop`, `wandrop`. */
  dropped: z.record(z.string(), z.number()),
});
export type CloudState = z.output<typeof cloudState>;

export const powerOrder = z.strictObject({ power: z.enum(['on', 'off']) });
/** `POST /instances/<name>/forwarding`: somebody at the console switches it, past any identity. */
export const forwardingOrder = z.strictObject({ forwarding: z.boolean() });
/** `POST /instances/<name>/addresses`: somebody other than routerd changes the NIC, past any identity. */
export const addressOrder = z.strictObject({
  assign: z.array(z.string()).default([]),
  unassign: z.array(z.string()).default([]),
  takeOver: z.boolean().default(false),
});
