/** What this executor needs to know of EC2, and to do there: the port between its decisions and the vendor's SDK. */

export interface NetworkInterface {
  readonly id: string;
  readonly subnetId: string;
  readonly primary: string;
  /** Bare addresses without the primary. */
  readonly secondaries: readonly string[];
  /** On: the fabric drops what is neither from nor to one of its addresses. Forwarding needs it off. */
  readonly sourceDestCheck: boolean;
  /** The machine that it is attached to; undefined for one that nobody or a service of AWS has. */
  readonly instanceId: string | undefined;
}

export interface Subnet {
  readonly cidr: string;
  /** As EC2 counts them, without those that it keeps for itself. */
  readonly addressesFree: number | undefined;
}

/** Every method rejects with what the SDK throws; see `classify.ts`. */
export interface Ec2 {
  /** @returns undefined if EC2 says that there is none */
  readInterface(id: string): Promise<NetworkInterface | undefined>;
  /** The interfaces of the subnet that have one of these addresses, as primary or secondary. May lag behind a write. */
  findHolders(subnetId: string, addresses: readonly string[]): Promise<readonly NetworkInterface[]>;
  /** Every interface of the subnet. May lag behind a write. */
  listSubnet(subnetId: string): Promise<readonly NetworkInterface[]>;
  readSubnet(subnetId: string): Promise<Subnet | undefined>;
  /** Addresses that an interface of this machine's type can have, its primary included. @returns undefined where nobody says */
  addressesPerInterface(): Promise<number | undefined>;
  /** Asks EC2 whether we may switch the check, by its own dry run. Resolves when we may. */
  mayModify(id: string): Promise<void>;
  /** One request, never sent twice. All or nothing. */
  assign(id: string, addresses: readonly string[], allowReassignment: boolean): Promise<void>;
  unassign(id: string, addresses: readonly string[]): Promise<void>;
  setSourceDestCheck(id: string, enabled: boolean): Promise<void>;
}

/** What an inventory needs besides; it changes nothing. Rejects as {@link Ec2} does. */
export interface Machines {
  /** State of each machine with an interface in the subnet, by its id: `running`, `stopped`, …, EC2's own word. May lag behind a change. */
  listStates(subnetId: string): Promise<ReadonlyMap<string, string>>;
}
