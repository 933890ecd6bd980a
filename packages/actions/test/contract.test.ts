import { instant, type HostAddress } from '@routerd/resources';
import { ManualClock } from '@routerd/runtime';
import { createMemoryExecutor } from '../src/adapters/memory/memory-executor.ts';
import { createMemoryJournal } from '../src/adapters/memory/memory-journal.ts';
import { executorContract } from '../src/contract/executor-contract.ts';
import { journalContract } from '../src/contract/journal-contract.ts';
import { NIC, OTHER, SELF } from './engine-rig.ts';

journalContract('memory', async () => ({ journal: createMemoryJournal(), reopen: undefined }));

executorContract('memory', async () => {
  const cloud = createMemoryExecutor(new ManualClock(instant(0)));
  cloud.addNic({ nicRef: 'eni-a', node: SELF });
  cloud.addNic({ nicRef: 'eni-b', node: OTHER });
  return {
    executor: cloud,
    nic: NIC,
    otherNic: { ...NIC, nicRef: 'eni-b' },
    holder: SELF,
    otherHolder: OTHER,
    addresses: ['10.77.60.10/32' as HostAddress, '10.77.60.11/32' as HostAddress],
    holderOf: async (address) => cloud.holderOf(address),
    isForwarding: async (nic) => cloud.forwarding(nic.nicRef),
    changes: async () => cloud.mutations.length,
  };
});
