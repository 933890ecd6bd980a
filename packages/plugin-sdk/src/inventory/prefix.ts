/** IPv4 prefixes, as far as an inventory needs them. Pure. */
import { isIPv4 } from 'node:net';

/** @param prefix `10.77.60.0/24` @param address bare; false for what is neither */
export function liesWithin(prefix: string, address: string): boolean {
  const [network = '', length = ''] = prefix.split('/');
  const [from, number, bits] = [numberOf(network), numberOf(address), Number(length)];
  if (from === undefined || number === undefined || !/^\d{1,2}$/.test(length) || bits > 32) return false;
  const size = 2 ** (32 - bits);
  return number >= from && number < from + size;
}

function numberOf(address: string): number | undefined {
  return isIPv4(address) ? address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0) : undefined;
}
