/**
 * Azure Resource Manager through the vendor's runtime, without its generated layer: that one rebuilds a PUT's body from its schema and drops
 * what it does not know, and what a PUT leaves out goes back to its default. See docs/adr/0006.
 *
 * A PUT is sent once. The runtime's own resend after a reset is what a fence cannot see.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { getClient, type Client, type PathUncheckedResponse } from '@azure-rest/core-client';
import type { Arm, Machines, Permission, Subnet, SubnetEntry } from '../arm.ts';
import { ArmError } from '../classify.ts';
import {
  createCallMeter,
  listOf,
  objectOf,
  retryAfterOf,
  textOf,
  type CallMeter,
  type JsonObject,
} from '@routerd/plugin-sdk';
import { nicDocumentOf, type NicDocument } from '../nic-document.ts';
import { errorOf, operationStateOf, pollPauseMs, retryAfterMsOf } from '../operation.ts';
import { managedIdentity } from './identity.ts';

const ENDPOINT = 'https://management.azure.com';
const SCOPES = ['https://management.azure.com/.default'];
const API_VERSION = '2026-01-01';
/** Of `Microsoft.Authorization`, which counts its own. */
const PERMISSIONS_API_VERSION = '2022-04-01';
/** Of `Microsoft.Compute`. */
const MACHINES_API_VERSION = '2024-07-01';
const POWER_STATE = /^PowerState\/(.+)$/i;
const ENTRY_ID = /^(.*\/networkInterfaces\/[^/]+)\/ipConfigurations\/([^/]+)$/i;
const READ_RETRIES_MAX = 3;
/** Of one request; an operation takes as many as it needs. */
const REQUEST_LIMIT_MS = 30_000;

/** @param meter counts what is sent */
export function connectArm(meter: CallMeter = createCallMeter()): Arm & Machines {
  const credential = managedIdentity();
  const options = { credentials: { scopes: SCOPES } };
  const reader = getClient(ENDPOINT, credential, { ...options, retryOptions: { maxRetries: READ_RETRIES_MAX } });
  const writer = getClient(ENDPOINT, credential, { ...options, retryOptions: { maxRetries: 0 } });
  for (const { pipeline } of [reader, writer]) pipeline.addPolicy(callMeterPolicy(meter), { afterPhase: 'Retry' });
  return new ArmClient(reader, writer);
}

/**
 * Within the runtime's own retries, so that each of them counts. What is left is told in every answer ("Understand how Azure Resource Manager
 * throttles requests": subscription and principal). A 429 without `Retry-After` is a lock and no quota.
 */
function callMeterPolicy(meter: CallMeter): Parameters<Client['pipeline']['addPolicy']>[0] {
  return {
    name: 'routerdCallMeter',
    async sendRequest(request, next) {
      const call = request.method === 'GET' ? 'read' : 'write';
      meter.sent(call);
      const response = await next(request);
      const left = Number(response.headers.get(`x-ms-ratelimit-remaining-subscription-${call}s`) ?? 'absent');
      if (Number.isInteger(left) && left >= 0) meter.left(call, left);
      const retryAfterMs = retryAfterOf(response.headers.get('retry-after'));
      if (response.status === 429 && retryAfterMs !== undefined) meter.refused(call, retryAfterMs);
      return response;
    },
  };
}

class ArmClient implements Arm, Machines {
  readonly #reader: Client;
  readonly #writer: Client;

  constructor(reader: Client, writer: Client) {
    this.#reader = reader;
    this.#writer = writer;
  }

  async readNic(id: string): Promise<NicDocument | undefined> {
    const response = await this.#get(id);
    if (response.status === '404') return undefined;
    if (!isSuccess(response)) throw faultIn(response);
    return nicDocumentOf(response.body);
  }

  async putNic(id: string, body: JsonObject, etag: string): Promise<void> {
    const response = await this.#writer.pathUnchecked(id).put({
      queryParameters: { 'api-version': API_VERSION },
      headers: { 'If-Match': etag },
      body,
      timeout: REQUEST_LIMIT_MS,
    });
    if (!isSuccess(response)) throw faultIn(response);
    const operation = URL.parse(response.headers['azure-asyncoperation'] ?? '');
    // Only Resource Manager itself gets our token, whatever URL it sends.
    if (operation?.origin === ENDPOINT) await this.#waitFor(operation, pollPauseMs(response.headers), id);
    else if (nicDocumentOf(response.body).isUpdating) await this.#waitForNic(id);
  }

  async readSubnet(subnetId: string): Promise<Subnet> {
    const response = await this.#get(subnetId, { $expand: 'ipConfigurations' });
    if (!isSuccess(response)) throw faultIn(response);
    const properties = objectOf(objectOf(response.body)['properties']);
    const entries = listOf(properties['ipConfigurations']).flatMap((entry): readonly SubnetEntry[] => {
      const fields = objectOf(entry);
      const [, nicId, name] = ENTRY_ID.exec(textOf(fields['id'])) ?? [];
      const inner = objectOf(fields['properties']);
      const address = textOf(inner['privateIPAddress']);
      if (nicId === undefined || name === undefined) return [];
      return [{ nicId, name, address, isPrimary: inner['primary'] === true }];
    });
    const [first] = listOf(properties['addressPrefixes']);
    return { prefix: textOf(properties['addressPrefix']) || textOf(first), entries };
  }

  async listPermissions(resourceId: string): Promise<readonly Permission[]> {
    const path = `${resourceId}/providers/Microsoft.Authorization/permissions`;
    const response = await this.#get(path, { 'api-version': PERMISSIONS_API_VERSION });
    if (!isSuccess(response)) throw faultIn(response);
    return listOf(objectOf(response.body)['value']).map((each) => {
      const { actions, notActions } = objectOf(each);
      return { actions: listOf(actions).map(textOf), notActions: listOf(notActions).map(textOf) };
    });
  }

  async listNics(subscription: string): Promise<readonly NicDocument[]> {
    const path = `${subscription}/providers/Microsoft.Network/networkInterfaces`;
    return (await this.#list(path)).map(nicDocumentOf);
  }

  /** `statusOnly` is what gives the power state of all machines in one listing; their other properties are left out then. */
  async listPowerStates(subscription: string): Promise<readonly (readonly [id: string, state: string])[]> {
    const path = `${subscription}/providers/Microsoft.Compute/virtualMachines`;
    const machines = await this.#list(path, { 'api-version': MACHINES_API_VERSION, statusOnly: 'true' });
    return machines.map((machine) => {
      const { id, properties } = objectOf(machine);
      const statuses = listOf(objectOf(objectOf(properties)['instanceView'])['statuses']);
      const words = statuses.flatMap((status) => POWER_STATE.exec(textOf(objectOf(status)['code']))?.[1] ?? []);
      return [textOf(id), words[0] ?? ''];
    });
  }

  /** All pages. */
  async #list(first: string, query: Readonly<Record<string, string>> = {}): Promise<readonly unknown[]> {
    const found: unknown[] = [];
    let response = await this.#get(first, query);
    for (;;) {
      if (!isSuccess(response)) throw faultIn(response);
      const { value, nextLink } = objectOf(response.body);
      found.push(...listOf(value));
      const next = URL.parse(textOf(nextLink));
      if (next === null) return found;
      // Only Resource Manager itself gets our token, whatever URL it sends.
      if (next.origin !== ENDPOINT) throw new Error(`the listing goes on at ${next.origin}, which is not Azure`);
      response = await this.#get(next.pathname, Object.fromEntries(next.searchParams));
    }
  }

  async #get(path: string, query: Readonly<Record<string, string>> = {}): Promise<PathUncheckedResponse> {
    const queryParameters = { 'api-version': API_VERSION, ...query };
    return this.#reader.pathUnchecked(path).get({ queryParameters, timeout: REQUEST_LIMIT_MS });
  }

  async #waitFor(operation: URL, firstPauseMs: number, nicId: string): Promise<void> {
    const queryParameters = Object.fromEntries(operation.searchParams);
    for (let pause = firstPauseMs; ;) {
      await delay(pause);
      const path = this.#reader.pathUnchecked(operation.pathname);
      const response = await path.get({ queryParameters, timeout: REQUEST_LIMIT_MS });
      // The operation has expired, or may not be read: that says nothing about the NIC.
      if (!isSuccess(response)) return this.#waitForNic(nicId);
      const state = operationStateOf(response.body);
      if (state.kind === 'succeeded') return;
      if (state.kind === 'failed') throw faultIn(response, state);
      pause = pollPauseMs(response.headers);
    }
  }

  /** Where no operation tells, the NIC itself does: it says `Updating` until it is done. */
  async #waitForNic(id: string): Promise<void> {
    while ((await this.readNic(id))?.isUpdating === true) await delay(pollPauseMs({}));
  }
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
