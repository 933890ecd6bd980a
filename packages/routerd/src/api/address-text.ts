import { hostAddressOf, parseHostAddress, parseIpv4, type HostAddress } from '@routerd/resources';

/** `10.77.60.10` and `10.77.60.10/32` mean the same to people. */
export function addressOf(text: string): HostAddress | undefined {
  const host = parseHostAddress(text);
  if (host.ok) return host.value;
  const bare = parseIpv4(text);
  return bare.ok ? hostAddressOf(bare.value) : undefined;
}
