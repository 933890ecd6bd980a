/** An IPv4 subnet of a cloud, with what the vendor keeps of it. */
import { parseIpv4, parseIpv4Prefix, prefixContains, prefixLength, type Ipv4Prefix } from '@routerd/resources';

export interface Subnet {
  readonly cidr: Ipv4Prefix;
  /** The network address as a number. */
  readonly first: number;
  /** Number of addresses, network and broadcast included. */
  readonly size: number;
  readonly reservedAtStart: number;
  readonly reservedAtEnd: number;
}

/** Throws on text that is no canonical prefix: the configuration is the lab's own. */
export function parseSubnet(text: string, reservedAtStart: number, reservedAtEnd = 1): Subnet {
  const cidr = parseIpv4Prefix(text);
  if (!cidr.ok) throw new Error(`the subnet ${text} is no IPv4 prefix (${cidr.error.code})`);
  const first = toNumber(text.slice(0, text.indexOf('/')));
  return { cidr: cidr.value, first, size: 2 ** (32 - prefixLength(cidr.value)), reservedAtStart, reservedAtEnd };
}

/** False for text that is no IPv4 address at all. */
export function contains(subnet: Subnet, address: string): boolean {
  const parsed = parseIpv4(address);
  return parsed.ok && prefixContains(subnet.cidr, parsed.value);
}

export function toNumber(quad: string): number {
  return quad.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

export function fromNumber(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}
