import { createMemoryHost } from '../src/adapters/memory/memory-host.ts';
import { hostContract } from '../src/contract.ts';

hostContract('MemoryHost', async () => {
  const host = createMemoryHost({
    links: [{ name: 'lan0' }, { name: 'tun-a' }, { name: 'tun-b' }],
    addresses: [{ interface: 'lan0', address: '10.77.60.2/24' }],
  });
  return {
    host,
    directory: '/nowhere',
    wireGuardName: 'wg-memory-1',
    show: async () => host.render(),
    deleteRoute: async (address) => host.deleteRoute(address),
    addAddress: async (interfaceName, address) => host.addAddress(interfaceName, address),
    addForeignRoute: async (destination, device, metric) =>
      host.addForeignRoute({
        destination,
        device,
        gateway: undefined,
        preferredSource: undefined,
        metric,
        blackhole: false,
      }),
    setLink: async (name, up) => host.setLink(name, up),
    hasTunnels: async () => true,
    dispose: async () => undefined,
  };
});
