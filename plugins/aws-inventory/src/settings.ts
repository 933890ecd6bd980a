/** What the plugin is told by its environment and by the context of its request. Pure. */
import {
  poolSettingsOf,
  requiredVariable,
  type Environment,
  type ObserveRequest,
  type PoolSettings,
} from '@routerd/plugin-sdk';

export interface InventorySettings extends PoolSettings {
  /** This router's network interface: its subnet is looked at. */
  readonly interfaceId: string;
  readonly region: string;
}

/** @throws Error that says what is missing, for the operator */
export function settingsOf(environment: Environment, request: Pick<ObserveRequest, 'context'>): InventorySettings {
  const interfaceId = requiredVariable(environment, 'AWS_ENI', "it names this router's network interface");
  const region = requiredVariable(environment, 'AWS_REGION');
  return { interfaceId, region, ...poolSettingsOf(environment, request) };
}
