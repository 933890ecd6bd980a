import { instant, parseHostAddress } from '@routerd/resources';
import { ManualClock } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { createMemoryExecutor } from '../src/index.ts';

test('an assign that names nobody takes the address from nobody, also where its NIC belongs to no router', async () => {
  const parsed = parseHostAddress('10.77.60.10/32');
  if (!parsed.ok) throw new Error(parsed.error.code);
  const address = parsed.value;
  const executor = createMemoryExecutor(new ManualClock(instant(1_800_000_000_000)));
  executor.addNic({ nicRef: 'nic-router', node: 'router' });
  executor.addNic({ nicRef: 'nic-of-a-machine', addresses: [address] });
  const answer = await executor.execute(
    {
      nic: { provider: 'aws', providerRef: 'main', nicRef: 'nic-router', target: {} },
      verb: 'assign-secondary-ip',
      addresses: [{ address, captureKey: 'key', captureEpoch: 1, seizeFrom: undefined }],
      mode: 'execute',
      attempt: 'attempt',
    },
    new AbortController().signal,
  );
  expect(answer.ok && answer.value.results.map(({ status, errorClass }) => [status, errorClass])).toEqual([
    ['failed', 'held-elsewhere'],
  ]);
  expect(executor.holderOf(address)).toBe('nic-of-a-machine');
});
