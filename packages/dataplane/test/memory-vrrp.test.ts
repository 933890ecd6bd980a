import { MemoryVrrp } from '../src/adapters/memory/memory-vrrp.ts';
import { vrrpContract } from '../src/vrrp/vrrp-contract.ts';

vrrpContract('MemoryVrrp', async () => {
  const vrrp = new MemoryVrrp();
  let hasRival = false;
  return {
    vrrp,
    directory: '',
    reopen: () => vrrp,
    setRival: async (presence) => {
      hasRival = presence === 'enters';
    },
    kill: async () => vrrp.die(),
    elect: async () => {
      for (const { name } of vrrp.desired()) vrrp.elect(name, hasRival ? 'backup' : 'master');
    },
    addresses: async () => undefined,
    dispose: async () => vrrp.stop(),
  };
});
