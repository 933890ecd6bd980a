/** What this executor needs of OCI's virtual network service: the port between its decisions and the vendor's SDK. */

export type Tags = Readonly<Record<string, string>>;

export interface Vnic {
  readonly id: string;
  readonly compartmentId: string;
  readonly subnetId: string;
  readonly skipSourceDestCheck: boolean;
  readonly etag: string;
}

/** An address as an object of its own, which a VNIC has or nobody has. */
export interface PrivateIp {
  readonly id: string;
  /** Bare. */
  readonly address: string;
  /** Undefined for a reserved address that is detached: it still occupies the address. */
  readonly vnicId: string | undefined;
  readonly isPrimary: boolean;
  readonly freeformTags: Tags;
}

/** Every method rejects with something that `faultOf` reads. Writes are sent once. */
export interface VirtualNetwork {
  /** @returns undefined on 404, which means absent or forbidden */
  readVnic(id: string): Promise<Vnic | undefined>;
  listOfVnic(vnicId: string): Promise<readonly PrivateIp[]>;
  /** Every address that somebody has in the subnet. */
  listOfSubnet(subnetId: string): Promise<readonly PrivateIp[]>;
  /** @returns the prefix, `10.77.60.0/24` */
  readSubnetPrefix(subnetId: string): Promise<string | undefined>;
  /** The object that has the address in the subnet. */
  findByAddress(subnetId: string, address: string): Promise<PrivateIp | undefined>;
  /** With its etag, which listings do not have. @returns undefined on 404 */
  readPrivateIp(id: string): Promise<{ readonly privateIp: PrivateIp; readonly etag: string } | undefined>;
  create(order: {
    readonly vnicId: string;
    readonly address: string;
    readonly freeformTags: Tags;
    readonly retryToken: string;
  }): Promise<void>;
  /** Onto another VNIC of the subnet, or only other tags: one atomic write under the etag. */
  update(id: string, etag: string, change: { readonly vnicId?: string; readonly freeformTags: Tags }): Promise<void>;
  remove(id: string, etag: string): Promise<void>;
  setSkipSourceDestCheck(vnicId: string, etag: string, value: boolean): Promise<void>;
}
