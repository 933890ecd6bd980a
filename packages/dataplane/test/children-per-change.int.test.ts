/** How many programs one more address costs: on a small machine with many routers they are what a change takes. */
import { appendFile, chmod, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLinuxHost } from '../src/adapters/linux/linux-host.ts';
import { MemoryLedger } from '../src/adapters/memory/memory-ledger.ts';
import { lower } from '../src/lower/lower.ts';
import { createHostReconciler, type HostReconciler } from '../src/reconciler/host-reconciler.ts';
import { overlayPeer, proxyArpClaim, providerClaim } from './claims.ts';
import { openNamespaceRig, type NamespaceRig } from './namespace-rig.ts';

const FACTS = 20;

let rig: NamespaceRig;
let reconciler: HostReconciler;
let journal: string;
beforeEach(async () => {
  rig = await openNamespaceRig();
  journal = path.join(rig.directory, 'started');
  await appendFile(journal, '');
  const enter = path.join(rig.directory, 'enter');
  await writeFile(enter, `#!/bin/sh\necho "$1" >> ${journal}\nexec ip netns exec ${rig.router.name} "$@"\n`);
  await chmod(enter, 0o755);
  const shared = { clock: systemClock, log: new RecordingLog() };
  const host = createLinuxHost({ ...shared, commandPrefix: [enter] });
  reconciler = createHostReconciler({ ...shared, host, ledger: new MemoryLedger() });
  reconciler.start();
});
afterEach(async () => {
  await reconciler.stop();
  await rig.dispose();
});

async function started(): Promise<readonly string[]> {
  return (await readFile(journal, 'utf8')).split('\n').filter((line) => line !== '');
}

async function become(count: number, isOpen: boolean, claimOf: typeof proxyArpClaim): Promise<void> {
  const claims = Array.from({ length: count }, (_, index) =>
    claimOf(`10.77.60.${100 + index}/32`, 'aws', {
      activeWhen: { type: 'capture-holder', captureKey: index + 1 < count || isOpen ? 'held' : 'vacant' },
    }),
  );
  reconciler.setDesired(
    lower([overlayPeer('aws', { interface: 'tun-a' }), ...claims], { isCaptureOpen: (key) => key === 'held' }).state,
  );
  await reconciler.settled();
}

/** As in the daemon: a fact brings the claim, the registry opens its gate a moment later. */
async function announceOneByOne(claimOf: typeof proxyArpClaim): Promise<readonly string[]> {
  await become(1, true, claimOf);
  await reconciler.refresh();
  const before = (await started()).length;
  for (let fact = 2; fact <= FACTS + 1; fact += 1) {
    await become(fact, false, claimOf);
    await become(fact, true, claimOf);
  }
  const names = (await started()).slice(before);
  console.log(
    `${FACTS} facts started ${names.length} programs: ${[...new Set(names)].toSorted().join(', ') || 'none'}`,
  );
  return names;
}

test('an address captured by proxy ARP starts one, which announces it', async () => {
  const names = await announceOneByOne(proxyArpClaim);
  expect((await rig.router.run('ip', 'neigh', 'show', 'proxy')).trim().split('\n')).toHaveLength(FACTS + 1);
  expect(names.filter((name) => name !== 'arping').length).toBeLessThanOrEqual(5); // `ip` again after a pause of this test
});

test('an address captured at a provider starts none', async () => {
  const names = await announceOneByOne(providerClaim);
  expect((await rig.router.run('ip', 'route', 'show', 'proto', '84')).trim().split('\n')).toHaveLength(FACTS + 1);
  expect(names.length).toBeLessThanOrEqual(5);
});
