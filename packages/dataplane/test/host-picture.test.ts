import { parseHostAddress } from '@routerd/resources';
import { expect, test } from 'vitest';
import { EMPTY_OBSERVED_HOST, type ObservedHost } from '../src/host-op.ts';
import { observedAfter } from '../src/host-picture.ts';

test('a device that leaves takes its addresses, neighbours and settings with it, and those of no other', () => {
  const parsed = parseHostAddress('10.77.60.10/32');
  if (!parsed.ok) throw new Error(parsed.error.code);
  const before: ObservedHost = {
    ...EMPTY_OBSERVED_HOST,
    addresses: [
      { interface: 'wg-cloud', address: '192.0.2.1/32' },
      { interface: 'wg-cloud2', address: '192.0.2.2/32' },
    ],
    proxyNeighbors: ['wg-cloud', 'wg-cloud2'].map((name) => ({ address: parsed.value, interface: name, ours: true })),
    sysctls: new Map([
      ['net/ipv4/conf/wg-cloud/forwarding', '1'],
      ['net/ipv4/neigh/wg-cloud/proxy_delay', '0'],
      ['net/ipv4/conf/wg-cloud2/forwarding', '1'],
      ['net/ipv4/conf/all/forwarding', '1'],
    ]),
  };
  const after = observedAfter(before, [{ verb: 'wireguard-remove', name: 'wg-cloud' }]);
  expect(after.addresses.map((entry) => entry.interface)).toEqual(['wg-cloud2']);
  expect(after.proxyNeighbors.map((entry) => entry.interface)).toEqual(['wg-cloud2']);
  expect([...after.sysctls.keys()]).toEqual(['net/ipv4/conf/wg-cloud2/forwarding', 'net/ipv4/conf/all/forwarding']);
});
