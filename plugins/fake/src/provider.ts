/** What the executor needs of its provider. Behind it stands an adapter: a file, the cloud of a lab, and one day the provider's SDK. */

export interface Nic {
  /** Bare. */
  readonly primary: string;
  readonly addresses: readonly string[];
  readonly forwarding: boolean;
}

/** By the provider's id of the NIC. */
export type Nics = Readonly<Record<string, Nic>>;

/** Every method rejects with a {@link CloudError}. Changes are one call each, sent once. */
export interface Provider {
  /** Every NIC of the subnet. A provider is asked for one NIC, or for the holders of some addresses, instead. */
  nics(): Promise<Nics>;
  /**
   * All addresses onto one NIC, or none.
   * @param takeFrom NICs that may lose a secondary by it
   */
  assign(nicRef: string, addresses: readonly string[], takeFrom: readonly string[]): Promise<void>;
  unassign(nicRef: string, addresses: readonly string[]): Promise<void>;
  setForwarding(nicRef: string, forwarding: boolean): Promise<void>;
  /** @returns why it could not be changed, as far as that can be told without changing it */
  writeProblem(): Promise<string | undefined>;
}

/** As a provider's SDK rejects. */
export class CloudError extends Error {
  override readonly name = 'CloudError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Holder {
  readonly nicRef: string;
  readonly isPrimary: boolean;
}

export function holderOf(nics: Nics, address: string): Holder | undefined {
  const found = Object.entries(nics).find(([, nic]) => nic.primary === address || nic.addresses.includes(address));
  return found === undefined ? undefined : { nicRef: found[0], isPrimary: found[1].primary === address };
}
