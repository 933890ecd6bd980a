/**
 * A NIC as Azure Resource Manager has it: one document, read whole and written whole. Pure.
 *
 * What a PUT leaves out goes back to its default, so nothing that was read may be lost: a document is changed, never rebuilt.
 * Entries keep their order, the primary first.
 */
import { listOf, objectOf, textOf, type JsonObject } from '@routerd/plugin-sdk';

export interface IpConfiguration {
  readonly name: string;
  /** Bare; empty for an IPv6 entry without address. */
  readonly address: string;
  readonly isPrimary: boolean;
  readonly subnetId: string;
}

export interface NicDocument {
  readonly id: string;
  readonly etag: string;
  readonly ipConfigurations: readonly IpConfiguration[];
  readonly ipForwarding: boolean;
  /** An operation on it is under way. */
  readonly isUpdating: boolean;
  /** Of the machine that has it; undefined for one that nobody or a service of Azure has. */
  readonly machineId: string | undefined;
  /** Everything that was read, also what this version knows nothing of. */
  readonly json: JsonObject;
}

export function nicDocumentOf(body: unknown): NicDocument {
  const json = objectOf(body);
  const properties = objectOf(json['properties']);
  const ipConfigurations = listOf(properties['ipConfigurations']).map((entry) => {
    const fields = objectOf(entry);
    const inner = objectOf(fields['properties']);
    return {
      name: textOf(fields['name']),
      address: textOf(inner['privateIPAddress']),
      isPrimary: inner['primary'] === true,
      subnetId: textOf(objectOf(inner['subnet'])['id']),
    };
  });
  return {
    id: textOf(json['id']),
    etag: textOf(json['etag']),
    ipConfigurations,
    ipForwarding: properties['enableIPForwarding'] === true,
    isUpdating: textOf(properties['provisioningState']).toLowerCase() === 'updating',
    machineId: textOf(objectOf(properties['virtualMachine'])['id']) || undefined,
    json,
  };
}

export interface NicEdit {
  readonly add: readonly { readonly name: string; readonly address: string }[];
  /** By entry name. Applied before the additions. */
  readonly remove: readonly string[];
  readonly ipForwarding: boolean | undefined;
}

export const NO_EDIT: NicEdit = { add: [], remove: [], ipForwarding: undefined };

export function isEmptyEdit({ add, remove, ipForwarding }: NicEdit): boolean {
  return add.length === 0 && remove.length === 0 && ipForwarding === undefined;
}

/** The body of the PUT: what was read, with the edit. New entries go into the primary's subnet. */
export function editedBody(nic: NicDocument, { add, remove, ipForwarding }: NicEdit): JsonObject {
  const properties = objectOf(nic.json['properties']);
  const kept = listOf(properties['ipConfigurations']).filter(
    (entry) => !remove.includes(textOf(objectOf(entry)['name'])),
  );
  const added = add.map(({ name, address }) => ({
    name,
    properties: {
      privateIPAddress: address,
      privateIPAllocationMethod: 'Static',
      privateIPAddressVersion: 'IPv4',
      primary: false,
      subnet: { id: subnetOf(nic) },
    },
  }));
  return {
    ...nic.json,
    properties: {
      ...properties,
      ipConfigurations: [...kept, ...added],
      ...(ipForwarding === undefined ? {} : { enableIPForwarding: ipForwarding }),
    },
  };
}

/** Those that have an IPv4 address. */
export function addressedEntries(nic: NicDocument): readonly IpConfiguration[] {
  return nic.ipConfigurations.filter(({ address }) => /^[\d.]+$/.test(address));
}

export function primaryOf(nic: NicDocument): IpConfiguration | undefined {
  return nic.ipConfigurations.find(({ isPrimary }) => isPrimary) ?? nic.ipConfigurations[0];
}

export function subnetOf(nic: NicDocument): string {
  return primaryOf(nic)?.subnetId ?? '';
}

export function entryFor(nic: NicDocument, bare: string): IpConfiguration | undefined {
  return nic.ipConfigurations.find(({ address }) => address === bare);
}

/** Ids of Resource Manager are case-insensitive, and come back in another case than they were given. */
export function isSameId(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
