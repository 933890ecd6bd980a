/**
 * Azure Resource Manager through the vendor's runtime, without its generated layer: that one rebuilds a PUT's body from its schema and drops
 * what it does not know, and what a PUT leaves out goes back to its default. See docs/adr/0006.
 *
 * A PUT is sent once. The runtime's own resend after a reset is what a fence cannot see.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { getClient, type PathUncheckedResponse } from '@azure-rest/core-client';
import type { Arm, SubnetEntry } from '../arm.ts';
import { ArmError } from '../classify.ts';
import { listOf, objectOf, textOf, type JsonObject } from '../json.ts';
import { nicDocumentOf } from '../nic-document.ts';
import { errorOf, operationStateOf, pollPauseMs, retryAfterMsOf } from '../operation.ts';
import { managedIdentity } from './identity.ts';

const ENDPOINT = 'https://management.azure.com';
const SCOPES = ['https://management.azure.com/.default'];
const API_VERSION = '2026-01-01';
const READ_RETRIES_MAX = 3;
/** Of one request; an operation takes as many as it needs. */
const REQUEST_LIMIT_MS = 30_000;

export function connectArm(): Arm {
  const credential = managedIdentity();
  const options = { credentials: { scopes: SCOPES } };
  const reader = getClient(ENDPOINT, credential, { ...options, retryOptions: { maxRetries: READ_RETRIES_MAX } });
  const writer = getClient(ENDPOINT, credential, { ...options, retryOptions: { maxRetries: 0 } });

  const get = async (path: string, query: Readonly<Record<string, string>> = {}): Promise<PathUncheckedResponse> =>
    reader.pathUnchecked(path).get({
      queryParameters: { 'api-version': API_VERSION, ...query },
      timeout: REQUEST_LIMIT_MS,
    });

  /** @param operationUrl absolute; only Resource Manager's own host gets our token */
  const waitFor = async (operationUrl: URL, firstPauseMs: number): Promise<void> => {
    const queryParameters = Object.fromEntries(operationUrl.searchParams);
    for (let pause = firstPauseMs; ;) {
      await delay(pause);
      const response = await reader
        .pathUnchecked(operationUrl.pathname)
        .get({ queryParameters, timeout: REQUEST_LIMIT_MS });
      if (!isSuccess(response)) throw faultIn(response);
      const state = operationStateOf(response.body);
      if (state.kind === 'succeeded') return;
      if (state.kind === 'failed') throw faultIn(response, state);
      pause = pollPauseMs(response.headers);
    }
  };

  const readNic: Arm['readNic'] = async (id) => {
    const response = await get(id);
    if (response.status === '404') return undefined;
    if (!isSuccess(response)) throw faultIn(response);
    return nicDocumentOf(response.body);
  };

  /** For a reply that names no operation: the NIC itself tells when it is done. */
  const waitForNic = async (id: string): Promise<void> => {
    while ((await readNic(id))?.isUpdating === true) await delay(pollPauseMs({}));
  };

  return {
    readNic,
    async putNic(id: string, body: JsonObject, etag: string) {
      const response = await writer.pathUnchecked(id).put({
        queryParameters: { 'api-version': API_VERSION },
        headers: { 'If-Match': etag },
        body,
        timeout: REQUEST_LIMIT_MS,
      });
      if (!isSuccess(response)) throw faultIn(response);
      const operation = URL.parse(response.headers['azure-asyncoperation'] ?? '');
      if (operation?.origin === ENDPOINT) await waitFor(operation, pollPauseMs(response.headers));
      else if (nicDocumentOf(response.body).isUpdating) await waitForNic(id);
    },
    async readSubnetEntries(subnetId) {
      const response = await get(subnetId, { $expand: 'ipConfigurations' });
      if (!isSuccess(response)) throw faultIn(response);
      const entries = listOf(objectOf(objectOf(response.body)['properties'])['ipConfigurations']);
      return entries.flatMap((entry): readonly SubnetEntry[] => {
        const fields = objectOf(entry);
        const [, nicId] = /^(.*\/networkInterfaces\/[^/]+)\/ipConfigurations\//i.exec(textOf(fields['id'])) ?? [];
        const address = textOf(objectOf(fields['properties'])['privateIPAddress']);
        return nicId === undefined ? [] : [{ nicId, address }];
      });
    },
  };
}

function isSuccess({ status }: PathUncheckedResponse): boolean {
  return status === '200' || status === '201';
}

/** @param error what an operation failed with; its reply was a success */
function faultIn(
  { status, headers, body }: PathUncheckedResponse,
  error?: { readonly code: string; readonly message: string },
): ArmError {
  return new ArmError({
    ...(error ?? errorOf(body, `HTTP ${status}`)),
    httpStatus: error === undefined ? Number(status) : undefined,
    requestId: headers['x-ms-request-id'] ?? headers['x-ms-correlation-request-id'],
    retryAfterMs: retryAfterMsOf(headers),
  });
}
