/** What this executor needs of Compute Engine: the port between its decisions and the wire. */
import type { InstanceDocument } from './instance-document.ts';
import type { JsonObject } from '@routerd/plugin-sdk';
import type { NicName } from './nic-name.ts';

/** Every method rejects with something that `faultOf` reads. */
export interface Compute {
  /** @param name `projects/…/zones/…/instances/…` @returns undefined if it does not exist */
  readInstance(name: string): Promise<InstanceDocument | undefined>;
  /**
   * Writes the whole list of alias ranges under the NIC's fingerprint, sent once, and waits for the zone operation to end.
   * What the operation failed with is rejected as the request's own failure would be.
   */
  patchAliases(nic: NicName, ranges: readonly JsonObject[], fingerprint: string): Promise<void>;
  /**
   * Writes the instance under its fingerprint, sent once, without a restart, and waits for the zone operation to end.
   * @param body what was read, with the change
   */
  updateInstance(name: string, body: JsonObject): Promise<void>;
  /** @param resource an instance or a subnetwork @returns those of the permissions that the caller has there; needs none itself */
  testPermissions(resource: string, permissions: readonly string[]): Promise<readonly string[]>;
  /**
   * Asks for an operation that does not exist. Rejects as any read does where operations may not be read.
   * @param zone `projects/…/zones/…`
   */
  probeOperations(zone: string): Promise<void>;
  /** Every instance of the project, in all zones. May lag. @param project `projects/…` */
  listInstances(project: string): Promise<readonly InstanceDocument[]>;
}
