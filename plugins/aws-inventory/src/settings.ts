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
  /** Of this router's own queue; needed where events are followed. */
  readonly queueUrl: string | undefined;
}

/** @throws Error that says what is missing, for the operator */
export function settingsOf(environment: Environment, request: Pick<ObserveRequest, 'context'>): InventorySettings {
  const interfaceId = requiredVariable(environment, 'AWS_ENI', "it names this router's network interface");
  const region = requiredVariable(environment, 'AWS_REGION');
  const queueUrl = environment['AWS_QUEUE_URL'];
  if (queueUrl !== undefined && URL.parse(queueUrl)?.protocol !== 'https:')
    throw new Error(`spec.env.AWS_QUEUE_URL: "${queueUrl}" is not the URL of a queue`);
  return { interfaceId, region, queueUrl, ...poolSettingsOf(environment, request) };
}
