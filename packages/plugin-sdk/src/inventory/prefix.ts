/** IPv4 prefixes, as far as an inventory needs them. Pure. */

/** @param prefix `10.77.60.0/24` @param address bare; false for what is neither */
export function liesWithin(prefix: string, address: string): boolean {
  const [network = '', length = ''] = prefix.split('/');
  const [from, number, bits] = [numberOf(network), numberOf(address), Number(length)];
  if (from === undefined || number === undefined || !/^\d{1,2}$/.test(length) || bits > 32) return false;
  const size = 2 ** (32 - bits);
  return number >= from && number < from + size;
}

function numberOf(address: string): number | undefined {
  const octets = address.split('.').map(Number);
  const isAddress =
    octets.length === 4 && octets.every((octet) => Number.isInteger(octet) && octet >= 0 && octet < 256);
  return isAddress ? octets.reduce((sum, octet) => sum * 256 + octet, 0) : undefined;
}
