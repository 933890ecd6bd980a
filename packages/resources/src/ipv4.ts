import type { Brand } from './brand.ts';
import { err, ok, type Result } from './result.ts';

/** A bare IPv4 address, dotted quad without leading zeros. */
export type Ipv4 = Brand<string, 'Ipv4'>;
/** An IPv4 host prefix, always written with its length: `10.77.60.10/32`. */
export type HostAddress = Brand<string, 'HostAddress'>;
/** An IPv4 network in canonical form: host bits zero, `10.77.60.0/24`. */
export type Ipv4Prefix = Brand<string, 'Ipv4Prefix'>;

/** An address of an interface with the length of its network: `10.255.0.1/32`, `192.168.1.1/24`. */
export type InterfaceAddress = Brand<string, 'InterfaceAddress'>;

export type AddressFault =
  | { readonly code: 'address.malformed'; readonly input: string }
  | { readonly code: 'address.not-host-prefix'; readonly input: string; readonly prefixLength: number }
  | { readonly code: 'address.host-bits-set'; readonly input: string; readonly canonical: string };

function octetsOf(quad: string): readonly number[] | undefined {
  const parts = quad.split('.');
  if (parts.length !== 4) return undefined;
  if (!parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.map(Number);
}

function quadOf(value: number): string {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');
}

export function parseIpv4(input: string): Result<Ipv4, AddressFault> {
  return octetsOf(input) === undefined ? err({ code: 'address.malformed', input }) : ok(input as Ipv4);
}

/** Accepts dotted-quad `a.b.c.d/32`, no leading zeros. With {@link hostAddressOf} the only producer of `HostAddress`. */
export function parseHostAddress(input: string): Result<HostAddress, AddressFault> {
  const [quad = '', length = '', ...extra] = input.split('/');
  const wellFormed =
    extra.length === 0 && octetsOf(quad) !== undefined && /^(0|[1-9]\d?)$/.test(length) && Number(length) <= 32;
  if (!wellFormed) return err({ code: 'address.malformed', input });
  if (length === '32') return ok(input as HostAddress);
  return err({ code: 'address.not-host-prefix', input, prefixLength: Number(length) });
}

/** Accepts an IPv4 network with all host bits zero. */
export function parseIpv4Prefix(input: string): Result<Ipv4Prefix, AddressFault> {
  const [quad = '', length = '', ...extra] = input.split('/');
  if (extra.length > 0 || octetsOf(quad) === undefined || !/^(0|[1-9]\d?)$/.test(length) || Number(length) > 32) {
    return err({ code: 'address.malformed', input });
  }
  const canonical = `${quadOf(maskedTo(numberOf(quad), Number(length)))}/${length}`;
  return canonical === input ? ok(input as Ipv4Prefix) : err({ code: 'address.host-bits-set', input, canonical });
}

/** Accepts an address with a prefix length; host bits may be set. */
export function parseInterfaceAddress(input: string): Result<InterfaceAddress, AddressFault> {
  const [quad = '', length = '', ...extra] = input.split('/');
  if (extra.length > 0 || octetsOf(quad) === undefined || !/^(0|[1-9]\d?)$/.test(length) || Number(length) > 32) {
    return err({ code: 'address.malformed', input });
  }
  return ok(input as InterfaceAddress);
}

/** The network that an interface with this address is in: `192.168.1.1/24` is in `192.168.1.0/24`. */
export function networkOf(address: InterfaceAddress): Ipv4Prefix {
  const [quad = '', length = ''] = address.split('/');
  return `${quadOf(maskedTo(numberOf(quad), Number(length)))}/${length}` as Ipv4Prefix;
}

/** Of a quad that is known to be well formed; what follows its four octets (`/32`) is not read. By characters, because planning compares many. */
function numberOf(quad: string): number {
  let value = 0;
  let octet = 0;
  for (let index = 0; index < quad.length; index += 1) {
    const code = quad.charCodeAt(index);
    if (code === SLASH) break;
    if (code === DOT) {
      value = value * 256 + octet;
      octet = 0;
    } else octet = octet * 10 + (code - DIGIT_ZERO);
  }
  return value * 256 + octet;
}

const DOT = 46;
const SLASH = 47;
const DIGIT_ZERO = 48;

function maskedTo(value: number, length: number): number {
  return length === 0 ? 0 : (value & (0xffffffff << (32 - length))) >>> 0;
}

/** The address without its `/32`. */
export function bareAddress(address: HostAddress): Ipv4 {
  return address.slice(0, -3) as Ipv4;
}

export function hostAddressOf(address: Ipv4): HostAddress {
  return `${address}/32` as HostAddress;
}

export function prefixLength(prefix: Ipv4Prefix): number {
  return Number(prefix.slice(prefix.indexOf('/') + 1));
}

/** First and last address as numbers, and the length of the network; of a bare address that of a host. */
export function addressRange(network: HostAddress | InterfaceAddress | Ipv4 | Ipv4Prefix): {
  readonly first: number;
  readonly last: number;
  readonly length: number;
} {
  const [quad = '', written = '32'] = network.split('/');
  const length = Number(written);
  const first = maskedTo(numberOf(quad), length);
  return { first, last: first + 2 ** (32 - length) - 1, length };
}

/** True if the address or network lies wholly inside `prefix`. */
export function prefixContains(prefix: Ipv4Prefix, inner: HostAddress | Ipv4 | Ipv4Prefix): boolean {
  const slash = inner.indexOf('/');
  const length = slash < 0 ? 32 : Number(inner.slice(slash + 1));
  const own = prefixLength(prefix);
  return length >= own && maskedTo(numberOf(inner), own) === numberOf(prefix);
}

export function prefixesOverlap(a: Ipv4Prefix, b: Ipv4Prefix): boolean {
  return prefixLength(a) <= prefixLength(b) ? prefixContains(a, b) : prefixContains(b, a);
}

/** Numeric order of addresses, for stable listings. */
export function compareAddresses(a: HostAddress | Ipv4, b: HostAddress | Ipv4): number {
  return numberOf(a) - numberOf(b);
}
