/**
 * The requests that change nothing beyond `ObserveNicRequest`. An executor may leave any of them out: it answers `invalid`, and the caller
 * does without. What it has it says in its answer to `DescribeRequest`.
 */
import { z } from 'zod';
import { API_VERSION, failedStatus, hostAddress, nic, nicState, PROVIDERS, resultOf, VERBS } from './protocol-parts.ts';

const count = z.number().int().min(0);

export const REQUEST_KINDS = [
  'ExecuteActionRequest',
  'ObserveNicRequest',
  'DescribeRequest',
  'InventoryRequest',
  'CheckRequest',
  'PreflightRequest',
] as const;

/**
 * Version negotiation, and what the executor can do. This message and its answer stay in v1alpha1 for ever, whatever versions there will be.
 * An executor that answers `invalid` speaks v1alpha1 and has `ExecuteActionRequest` and `ObserveNicRequest` alone.
 */
export const describeRequest = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('DescribeRequest'),
  id: z.string(),
  /** What the caller speaks, the one it likes best first. */
  spec: z.strictObject({ versions: z.array(z.string()).min(1) }),
});
export const describeResult = resultOf(
  'DescribeResult',
  z.discriminatedUnion('status', [
    z.strictObject({
      status: z.literal('completed'),
      /** One of `versions`: the first that both speak. Every later message is in it. */
      version: z.string(),
      executor: z.strictObject({ name: z.string(), release: z.string() }),
      /** Kinds that it does not refuse. Those that the caller does not know are of no interest to it. */
      requests: z.array(z.string()),
      actions: z.array(z.enum(VERBS)),
      providers: z.array(z.enum(PROVIDERS)),
      /** The provider keeps the epoch with the address, so an older request is refused there. */
      storesEpoch: z.boolean(),
    }),
    failedStatus,
  ]),
);

/** What is where in the subnet of the NIC, and how much more fits. Pages: see `page`. */
export const inventoryRequest = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('InventoryRequest'),
  id: z.string(),
  spec: z.strictObject({
    nic,
    /** `nextPage` of the page before; without it the first. Opaque, and good for a minute. */
    page: z.string().optional(),
  }),
});
export const inventoryResult = resultOf(
  'InventoryResult',
  z.discriminatedUnion('status', [
    z.strictObject({
      status: z.literal('completed'),
      nic: nicState,
      /** The NIC's own address, which can never be moved. */
      primary: hostAddress.optional(),
      capacity: z.strictObject({
        /** Secondaries that the NIC can have, by its kind and by the provider's quota; absent where nobody says. */
        secondariesMax: count.optional(),
        secondariesUsed: count,
        /** `10.77.60.0/24` */
        subnetPrefix: z.string().optional(),
        subnetAddressesFree: count.optional(),
      }),
      /** The provider's, as far as the executor knows them: what one call may carry, and how many calls one account may make. */
      limits: z.strictObject({
        addressesPerCall: count.optional(),
        writesPerSecond: z.number().positive().optional(),
        readsPerSecond: z.number().positive().optional(),
      }),
      /**
       * Who has which address in that subnet, no more than {@link INVENTORY_PAGE_ENTRIES_MAX} on a page. An address that is missing is unknown
       * until the last page, and afterwards too if the provider's listings lag.
       */
      entries: z.array(
        z.strictObject({
          address: hostAddress,
          /** Undefined if the provider only says that it is in use. */
          nicRef: z.string().optional(),
          isPrimary: z.boolean(),
          captureEpoch: count.optional(),
        }),
      ),
      /** Absent on the last page. */
      nextPage: z.string().optional(),
    }),
    failedStatus,
  ]),
);

/** Whether what an earlier request did is still in effect at the provider. */
export const checkRequest = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('CheckRequest'),
  id: z.string(),
  spec: z.strictObject({ nic, addresses: z.array(hostAddress).min(1) }),
});
export const checkResult = resultOf(
  'CheckResult',
  z.discriminatedUnion('status', [
    z.strictObject({
      status: z.literal('completed'),
      /** In the order of the request. */
      results: z.array(
        z.strictObject({
          address: hostAddress,
          /** `absent`: no NIC has it, by a read that does not lag. `unknown` is never treated as `absent`. */
          state: z.enum(['present', 'absent', 'elsewhere', 'unknown']),
          /** With `elsewhere`, where the provider tells. */
          holder: z.string().optional(),
          /** As the provider keeps it. */
          captureEpoch: count.optional(),
          message: z.string(),
        }),
      ),
      forwarding: z.enum(['enabled', 'disabled', 'unknown']),
    }),
    failedStatus,
  ]),
);

/** Whether the identity of this machine may do what will be asked of it. Reads and the provider's own dry runs; changes nothing. */
export const preflightRequest = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('PreflightRequest'),
  id: z.string(),
  spec: z.strictObject({ nic, actions: z.array(z.enum(VERBS)).min(1) }),
});
export const preflightResult = resultOf(
  'PreflightResult',
  z.discriminatedUnion('status', [
    z.strictObject({
      status: z.literal('completed'),
      /** Who the provider takes us for: a role's ARN, a principal id, a service account. Never a credential. */
      identity: z.string().optional(),
      findings: z.array(
        z.strictObject({
          /** Stable within the executor: `identity`, `nic`, or the name of the permission. */
          name: z.string(),
          /** `unknown`: it could not be found out without changing something. */
          verdict: z.enum(['passed', 'failed', 'unknown']),
          /** The provider's name of what is needed: `ec2:AssignPrivateIpAddresses`. */
          permission: z.string().optional(),
          /** What cannot be done without it. */
          actions: z.array(z.enum(VERBS)),
          message: z.string(),
          /** With `failed`: what an operator does about it. */
          remedy: z.string().optional(),
        }),
      ),
    }),
    failedStatus,
  ]),
);
