/**
 * An instance as Compute Engine has it, as far as addresses go. Pure.
 *
 * The alias ranges of a NIC are one list, written whole: what was read and is not ours goes back as it came.
 */
import { listOf, objectOf, textOf, type JsonObject } from '@routerd/plugin-sdk';
import { resourceNameOf } from './nic-name.ts';

export interface AliasRange {
  /** `10.77.60.10/32`; wider ranges are somebody else's. */
  readonly cidr: string;
  /** As it was read, with the name of a secondary range where it has one. */
  readonly json: JsonObject;
}

export interface NicDocument {
  /** `nic0`. */
  readonly name: string;
  /** `projects/…/instances/…/networkInterfaces/nic0`. */
  readonly id: string;
  /** Bare. */
  readonly primary: string;
  /** `projects/…/regions/…/subnetworks/…`. */
  readonly subnetwork: string;
  readonly fingerprint: string;
  readonly aliases: readonly AliasRange[];
  /** Of the instance; all its NICs have it. */
  readonly canIpForward: boolean;
}

export interface InstanceDocument {
  /** `projects/…/zones/…/instances/…`. */
  readonly name: string;
  /** `RUNNING`, `TERMINATED`, …; empty where it is not told. */
  readonly status: string;
  readonly canIpForward: boolean;
  readonly nics: readonly NicDocument[];
  /** Everything that was read, also what this version knows nothing of. */
  readonly json: JsonObject;
}

export function instanceDocumentOf(body: unknown): InstanceDocument {
  const json = objectOf(body);
  const name = resourceNameOf(textOf(json['selfLink']));
  const canIpForward = json['canIpForward'] === true;
  const nics = listOf(json['networkInterfaces']).map((entry): NicDocument => {
    const fields = objectOf(entry);
    const nic = textOf(fields['name']);
    return {
      name: nic,
      id: `${name}/networkInterfaces/${nic}`,
      primary: textOf(fields['networkIP']),
      subnetwork: resourceNameOf(textOf(fields['subnetwork'])),
      fingerprint: textOf(fields['fingerprint']),
      aliases: listOf(fields['aliasIpRanges']).map((range) => {
        const alias = objectOf(range);
        return { cidr: hostCidr(textOf(alias['ipCidrRange'])), json: alias };
      }),
      canIpForward,
    };
  });
  return { name, status: textOf(json['status']), canIpForward, nics, json };
}

/** A single address comes with and without its length. */
function hostCidr(range: string): string {
  return range.includes('/') ? range : `${range}/32`;
}

/** What a NIC is to an address; a range that is wider than one address is nothing that we made. */
export type Holding = 'primary' | 'alias' | 'wider-range' | 'none';

export function holdingOf({ primary, aliases }: NicDocument, bare: string): Holding {
  if (primary === bare) return 'primary';
  if (aliases.some(({ cidr }) => cidr === `${bare}/32`)) return 'alias';
  return aliases.some(({ cidr }) => covers(cidr, bare)) ? 'wider-range' : 'none';
}

function covers(cidr: string, bare: string): boolean {
  const [network = '', length = ''] = cidr.split('/');
  const size = 2 ** (32 - Number(length));
  const first = Math.floor(toNumber(network) / size) * size;
  const offset = toNumber(bare) - first;
  return offset >= 0 && offset < size;
}

function toNumber(quad: string): number {
  return quad.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

/** Bare addresses. */
export interface NicEdit {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

export function isEmptyEdit({ add, remove }: NicEdit): boolean {
  return add.length === 0 && remove.length === 0;
}

/** The whole list, in the order it had; new addresses last. An empty list clears it, a missing one would leave it. */
export function editedRanges({ aliases }: NicDocument, { add, remove }: NicEdit): readonly JsonObject[] {
  const gone = new Set(remove.map((bare) => `${bare}/32`));
  const kept = aliases.filter(({ cidr }) => !gone.has(cidr)).map(({ json }) => json);
  return [...kept, ...add.map((bare) => ({ ipCidrRange: `${bare}/32` }))];
}
