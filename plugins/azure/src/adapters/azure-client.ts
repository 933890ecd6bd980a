/** The vendor's client for an endpoint of Azure other than Resource Manager, as the machine's managed identity. */
import { getClient, type Client } from '@azure-rest/core-client';
import { ArmError } from '../classify.ts';
import { managedIdentity } from './identity.ts';

export type AzureClient = Client;

/** @param scope of the token that is sent to it, and to nobody else: `https://servicebus.azure.net/.default` */
export function connectAzure(endpoint: string, scope: string): AzureClient {
  return getClient(endpoint, managedIdentity(), { credentials: { scopes: [scope] }, retryOptions: { maxRetries: 0 } });
}

/** An answer that is no success, for whoever reads `ArmError`s. @param status of HTTP, as text */
export function refusalOf(status: string, message: string): ArmError {
  const nothing = { requestId: undefined, retryAfterMs: undefined };
  return new ArmError({ code: `HTTP ${status}`, message, httpStatus: Number(status), ...nothing });
}
