/** What the plugin is told by its environment and by the context of its request. Pure. */
import {
  poolSettingsOf,
  requiredVariable,
  type Environment,
  type ObserveRequest,
  type PoolSettings,
} from '@routerd/plugin-sdk';

export interface InventorySettings extends PoolSettings {
  /** Resource id of this router's NIC: its subnet is looked at. */
  readonly nicId: string;
  /** `/subscriptions/…`, where the NIC is: the machines of the subnet are looked for there. */
  readonly subscription: string;
  /** `https://<namespace>.servicebus.windows.net/<queue>`, this router's own; needed where events are followed. */
  readonly queueUrl: string | undefined;
}

const NIC_ID =
  /^(\/subscriptions\/[^/?#]+)\/resourceGroups\/[^/?#]+\/providers\/Microsoft\.Network\/networkInterfaces\/[^/?#]+$/i;

/** The token of the machine goes there, so it has to be Azure. */
const QUEUE_URL = /^https:\/\/[A-Za-z0-9-]+\.servicebus\.windows\.net\/[^?#]+[^/?#]$/;

/** @throws Error that says what is missing, for the operator */
export function settingsOf(environment: Environment, request: Pick<ObserveRequest, 'context'>): InventorySettings {
  const nicId = requiredVariable(environment, 'AZURE_NIC', "it names this router's NIC by its resource id");
  const [, subscription] = NIC_ID.exec(nicId) ?? [];
  if (subscription === undefined) throw new Error(`spec.env.AZURE_NIC: "${nicId}" is not the resource id of a NIC`);
  const queueUrl = environment['AZURE_QUEUE_URL'];
  if (queueUrl !== undefined && !QUEUE_URL.test(queueUrl))
    throw new Error(`spec.env.AZURE_QUEUE_URL: "${queueUrl}" is not the URL of a queue of Service Bus`);
  return { nicId, subscription, queueUrl, ...poolSettingsOf(environment, request) };
}
