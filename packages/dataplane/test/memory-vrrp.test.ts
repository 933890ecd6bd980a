import { MemoryVrrp } from '../src/adapters/memory/memory-vrrp.ts';
import { vrrpContract } from '../src/vrrp/vrrp-contract.ts';

vrrpContract('MemoryVrrp', async () => {
  const vrrp = new MemoryVrrp();
  let rivalPriority = 0;
  return {
    vrrp,
    directory: '',
    reopen: () => vrrp,
    setRival: async (presence, priority = 200) => {
      rivalPriority = presence === 'enters' ? priority : 0;
    },
    kill: async () => vrrp.die(),
    elect: async () => {
      for (const { name, priority } of vrrp.desired()) vrrp.elect(name, rivalPriority > priority ? 'backup' : 'master');
    },
    addresses: async () => undefined,
    dispose: async () => vrrp.stop(),
  };
});
