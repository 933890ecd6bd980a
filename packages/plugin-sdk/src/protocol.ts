/**
 * The executor protocol on the wire: one JSON object per line on stdin, one per line on stdout, matched by `id`.
 * A process may get one request or many, one after another. Standard error is for diagnostics.
 */
import { z } from 'zod';
import {
  API_VERSION,
  ERROR_CLASSES,
  failedStatus,
  hostAddress,
  nic,
  nicState,
  resultOf,
  VERBS,
  type PROVIDERS,
  type usage,
} from './protocol-parts.ts';
import {
  checkRequest,
  checkResult,
  describeRequest,
  describeResult,
  inventoryRequest,
  inventoryResult,
  preflightRequest,
  preflightResult,
} from './protocol-reads.ts';

export const executeActionRequest = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('ExecuteActionRequest'),
  id: z.string(),
  spec: z.strictObject({
    action: z.enum(VERBS),
    nic,
    addresses: z
      .array(
        z.strictObject({
          address: hostAddress,
          captureKey: z.string(),
          captureEpoch: z.number().int().min(0),
          seizeFrom: z.string().optional(),
        }),
      )
      .min(1),
    mode: z.enum(['dry-run', 'execute']),
    attempt: z.string(),
  }),
});

export const observeNicRequest = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('ObserveNicRequest'),
  id: z.string(),
  spec: z.strictObject({ nic }),
});

export const request = z.discriminatedUnion('kind', [
  executeActionRequest,
  observeNicRequest,
  describeRequest,
  inventoryRequest,
  checkRequest,
  preflightRequest,
]);

export const executeActionResult = resultOf(
  'ExecuteActionResult',
  z.discriminatedUnion('status', [
    z.strictObject({
      status: z.literal('completed'),
      results: z.array(
        z.strictObject({
          address: hostAddress,
          status: z.enum(['succeeded', 'failed', 'skipped']),
          message: z.string(),
          errorClass: z.enum(ERROR_CLASSES).optional(),
          errorNumber: z.number().int().min(0).optional(),
        }),
      ),
      /** Prior values and provider ids, flat strings; never secrets. */
      observed: z.record(z.string(), z.string()),
      nic: nicState.optional(),
    }),
    failedStatus,
  ]),
);

export const observeNicResult = resultOf(
  'ObserveNicResult',
  z.discriminatedUnion('status', [z.strictObject({ status: z.literal('completed'), nic: nicState }), failedStatus]),
);

export const result = z.discriminatedUnion('kind', [
  executeActionResult,
  observeNicResult,
  describeResult,
  inventoryResult,
  checkResult,
  preflightResult,
]);

export type Request = z.output<typeof request>;
export type RequestKind = Request['kind'];
export type ExecuteActionRequest = z.output<typeof executeActionRequest>;
export type ObserveNicRequest = z.output<typeof observeNicRequest>;
export type DescribeRequest = z.output<typeof describeRequest>;
export type InventoryRequest = z.output<typeof inventoryRequest>;
export type CheckRequest = z.output<typeof checkRequest>;
export type PreflightRequest = z.output<typeof preflightRequest>;
export type ResultMessage = z.output<typeof result>;
export type ExecuteActionResult = z.output<typeof executeActionResult>;
export type ObserveNicResult = z.output<typeof observeNicResult>;
export type DescribeResult = z.output<typeof describeResult>;
export type InventoryResult = z.output<typeof inventoryResult>;
export type CheckResult = z.output<typeof checkResult>;
export type PreflightResult = z.output<typeof preflightResult>;
export type Usage = z.output<typeof usage>;
export type ErrorClass = (typeof ERROR_CLASSES)[number];
export type Provider = (typeof PROVIDERS)[number];
export type Verb = (typeof VERBS)[number];
