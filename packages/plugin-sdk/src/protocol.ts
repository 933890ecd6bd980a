/**
 * The executor protocol on the wire: one JSON object per line on stdin, one per line on stdout, matched by `id`.
 * A process may get one request or many, one after another. Standard error is for diagnostics.
 */
import { z } from 'zod';

export const API_VERSION = 'provideraction.routerd.net/v1alpha1';
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

const hostAddress = z.string().regex(/^\d{1,3}(\.\d{1,3}){3}\/32$/);
const nic = z.strictObject({
  provider: z.enum(PROVIDERS),
  providerRef: z.string(),
  nicRef: z.string(),
  target: z.record(z.string(), z.string()),
});

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

export const request = z.discriminatedUnion('kind', [executeActionRequest, observeNicRequest]);

const fault = z.strictObject({
  class: z.enum(ERROR_CLASSES),
  message: z.string(),
  retryAfterMs: z.number().min(0).optional(),
});
const nicState = z.strictObject({ addresses: z.array(hostAddress), forwarding: z.boolean() });

export const executeActionResult = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('ExecuteActionResult'),
  id: z.string(),
  status: z.discriminatedUnion('status', [
    z.strictObject({
      status: z.literal('completed'),
      results: z.array(
        z.strictObject({
          address: hostAddress,
          status: z.enum(['succeeded', 'failed', 'skipped']),
          message: z.string(),
          errorClass: z.enum(ERROR_CLASSES).optional(),
        }),
      ),
      /** Prior values and provider ids, flat strings; never secrets. */
      observed: z.record(z.string(), z.string()),
      nic: nicState.optional(),
    }),
    z.strictObject({ status: z.literal('failed'), error: fault }),
  ]),
});

export const observeNicResult = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('ObserveNicResult'),
  id: z.string(),
  status: z.discriminatedUnion('status', [
    z.strictObject({ status: z.literal('completed'), nic: nicState }),
    z.strictObject({ status: z.literal('failed'), error: fault }),
  ]),
});

export const result = z.discriminatedUnion('kind', [executeActionResult, observeNicResult]);

export type Request = z.output<typeof request>;
export type ExecuteActionRequest = z.output<typeof executeActionRequest>;
export type ObserveNicRequest = z.output<typeof observeNicRequest>;
export type ResultMessage = z.output<typeof result>;
export type ExecuteActionResult = z.output<typeof executeActionResult>;
export type ObserveNicResult = z.output<typeof observeNicResult>;
export type ErrorClass = (typeof ERROR_CLASSES)[number];
export type Provider = (typeof PROVIDERS)[number];
export type Verb = (typeof VERBS)[number];
