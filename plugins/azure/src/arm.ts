/** What this executor needs of Azure Resource Manager: the port between its decisions and the vendor's runtime. */
import type { JsonObject } from '@routerd/plugin-sdk';
import type { NicDocument } from './nic-document.ts';

export interface SubnetEntry {
  readonly nicId: string;
  /** Of the ipConfiguration. */
  readonly name: string;
  /** Bare; empty where the listing does not tell. */
  readonly address: string;
  readonly isPrimary: boolean;
}

export interface Subnet {
  /** `10.77.60.0/24`; empty where it is not told. */
  readonly prefix: string;
  readonly entries: readonly SubnetEntry[];
}

/** One role's share of what the caller may do: `Microsoft.Network/*`, without regard to case. */
export interface Permission {
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
}

/** Every method rejects with something that `faultOf` reads. */
export interface Arm {
  /** @returns undefined if it does not exist */
  readNic(id: string): Promise<NicDocument | undefined>;
  /**
   * Writes the document under its ETag, sent once, and waits for the operation to end.
   * May take minutes; Azure needs 30 to 90 s for a NIC in ordinary times.
   */
  putNic(id: string, body: JsonObject, etag: string): Promise<void>;
  /** Every NIC entry of the subnet, in whatever resource group. May lag. */
  readSubnet(subnetId: string): Promise<Subnet>;
  /** What the caller may do with a resource. */
  listPermissions(resourceId: string): Promise<readonly Permission[]>;
}

/** What an inventory needs besides; it changes nothing. Rejects as {@link Arm} does. May lag behind a change. */
export interface Machines {
  /** Every NIC of the subscription that the identity may read. @param subscription `/subscriptions/…` */
  listNics(subscription: string): Promise<readonly NicDocument[]>;
  /** The power state of each machine of the subscription, by its id: `running`, `deallocated`, …, Azure's own word; empty where it tells none. */
  listPowerStates(subscription: string): Promise<readonly (readonly [id: string, state: string])[]>;
}
