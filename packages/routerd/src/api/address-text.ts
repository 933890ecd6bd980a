import {
  bareAddress,
  hostAddressOf,
  nearestSpelling,
  parseHostAddress,
  parseIpv4,
  type HostAddress,
} from '@routerd/resources';
import type { PoolState } from '../pool-state.ts';

/** `10.77.60.10` and `10.77.60.10/32` mean the same to people. */
export function addressOf(text: string): HostAddress | undefined {
  const host = parseHostAddress(text);
  if (host.ok) return host.value;
  const bare = parseIpv4(text);
  return bare.ok ? hostAddressOf(bare.value) : undefined;
}

/** The known address that the text was most likely meant to be; empty when none is near. */
export function meantAddress(pools: readonly PoolState[], text: string): string {
  const known = pools.flatMap((pool) => Array.from(pool.addresses(), bareAddress));
  const near = nearestSpelling(text.split('/')[0] ?? '', known);
  return near === undefined || near === text ? '' : `Did you mean ${near}? `;
}

/** The name that was most likely meant; empty when none is near. */
export function meantName(name: string, known: Iterable<string>): string {
  const near = nearestSpelling(name, [...known]);
  return near === undefined ? '' : `Did you mean ${near}? `;
}
