/** What the plugin is told by its environment and by the context of its request. Pure. */
import {
  poolSettingsOf,
  requiredVariable,
  type Environment,
  type ObserveRequest,
  type PoolSettings,
} from '@routerd/plugin-sdk';
import { parseNicName, type NicName } from '@routerd/plugin-gcp';

export interface InventorySettings extends PoolSettings {
  /** This router's NIC: its subnetwork is looked at. */
  readonly nic: NicName;
  /** `projects/…/subscriptions/…`, this router's own; needed where events are followed. */
  readonly subscription: string | undefined;
}

const SUBSCRIPTION = /^projects\/[^/?#:]+\/subscriptions\/[^/?#:]+$/;

/** @throws Error that says what is missing, for the operator */
export function settingsOf(environment: Environment, request: Pick<ObserveRequest, 'context'>): InventorySettings {
  const text = requiredVariable(environment, 'GCP_NIC', "it names this router's NIC");
  const nic = parseNicName(text);
  if (nic === undefined)
    throw new Error(`spec.env.GCP_NIC: "${text}" is not written as projects/…/instances/…/networkInterfaces/nic0`);
  const subscription = environment['GCP_SUBSCRIPTION'];
  if (subscription !== undefined && !SUBSCRIPTION.test(subscription))
    throw new Error(`spec.env.GCP_SUBSCRIPTION: "${subscription}" is not written as projects/…/subscriptions/…`);
  return { nic, subscription, ...poolSettingsOf(environment, request) };
}
