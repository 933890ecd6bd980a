/** The Host port where there is no Linux kernel: it can be looked at, as far as Node.js itself can look, and is never changed. */
import { networkInterfaces } from 'node:os';
import { ok } from '@routerd/resources';
import { EMPTY_OBSERVED_HOST, type ObservedHost } from '../../host-op.ts';
import type { Host } from '../../ports.ts';

/** Word for word what the requirements say. */
export const CAPTURE_UNSUPPORTED = 'SAM capture not implemented on this OS';

export function createUnsupportedHost(interfaces: typeof networkInterfaces = networkInterfaces): Host {
  return {
    unsupported: CAPTURE_UNSUPPORTED,
    observe: async () => ok(observedOf(interfaces())),
    apply: async (ops) =>
      ops.map((op) => ({ op, fault: { code: 'host.unsupported', detail: CAPTURE_UNSUPPORTED, retry: 'never' } })),
    watch: () => ({ stop: async () => undefined }),
  };
}

/** Interfaces that are up and have an address, which are all that can be seen; their MTU is not among it. */
function observedOf(interfaces: ReturnType<typeof networkInterfaces>): ObservedHost {
  const shown = Object.entries(interfaces).map(([name, addresses = []]) => ({ name, addresses }));
  return {
    ...EMPTY_OBSERVED_HOST,
    links: shown.map(({ name, addresses }) => ({ name, up: true, mtu: 0, mac: addresses[0]?.mac })),
    addresses: shown.flatMap(({ name, addresses }) =>
      addresses.flatMap(({ family, cidr }) =>
        family === 'IPv4' && cidr !== null ? [{ interface: name, address: cidr }] : [],
      ),
    ),
  };
}
