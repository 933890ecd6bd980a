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
}

const NIC_ID =
  /^(\/subscriptions\/[^/?#]+)\/resourceGroups\/[^/?#]+\/providers\/Microsoft\.Network\/networkInterfaces\/[^/?#]+$/i;

/** @throws Error that says what is missing, for the operator */
export function settingsOf(environment: Environment, request: Pick<ObserveRequest, 'context'>): InventorySettings {
  const nicId = requiredVariable(environment, 'AZURE_NIC', "it names this router's NIC by its resource id");
  const [, subscription] = NIC_ID.exec(nicId) ?? [];
  if (subscription === undefined) throw new Error(`spec.env.AZURE_NIC: "${nicId}" is not the resource id of a NIC`);
  return { nicId, subscription, ...poolSettingsOf(environment, request) };
}
