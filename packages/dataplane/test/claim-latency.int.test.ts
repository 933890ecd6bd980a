/** How long one claim more takes on a host that has a thousand: the part of "pushed, not polled" that is ours. */
import { RecordingLog, systemClock } from '@routerd/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MemoryLedger } from '../src/adapters/memory/memory-ledger.ts';
import { lower } from '../src/lower/lower.ts';
import { cleanupHost } from '../src/reconciler/cleanup-host.ts';
import { createHostReconciler } from '../src/reconciler/host-reconciler.ts';
import { overlayPeer, proxyArpClaim } from './claims.ts';
import { openNamespaceRig, type NamespaceRig } from './namespace-rig.ts';

let rig: NamespaceRig;
beforeEach(async () => {
  rig = await openNamespaceRig();
});
afterEach(async () => rig.dispose());

const gates = { isCaptureOpen: () => true };
const resources = [
  overlayPeer('aws', { interface: 'tun-a' }),
  // Announcing is a process of its own for each address and not what is measured here.
  ...Array.from({ length: 1100 }, (_, index) =>
    proxyArpClaim(`10.77.${100 + (index >> 8)}.${index & 255}/32`, 'aws', { gratuitousARP: false }),
  ),
];

test('one claim among a thousand reaches the kernel in milliseconds', async () => {
  const ledger = new MemoryLedger();
  const reconciler = createHostReconciler({ host: rig.host, ledger, clock: systemClock, log: new RecordingLog() });
  reconciler.start();
  const startedAt = performance.now();
  reconciler.setDesired(lower(resources.slice(0, 1001), gates).state);
  await reconciler.settled();
  const first = performance.now() - startedAt;
  const readings = reconciler.status().readings;
  const taken: number[] = [];
  for (let count = 1002; count <= 1052; count += 1) {
    const at = performance.now();
    reconciler.setDesired(lower(resources.slice(0, count), gates).state);
    await reconciler.settled();
    taken.push(performance.now() - at);
  }
  const sorted = taken.toSorted((a, b) => a - b);
  const [best = 0, median = 0, p95 = 0] = [sorted[0], sorted[25], sorted[47]];
  console.log(
    `the first thousand: ${first.toFixed(0)} ms; one more, lowered, compared and applied: ` +
      `best ${best.toFixed(1)} ms, median ${median.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms (entering the namespace included)`,
  );
  const shown = await rig.router.run('ip', 'route', 'show', 'proto', '84');
  expect(shown.trim().split('\n')).toHaveLength(1051);
  // Our own changes, reported by the kernel, are not read again; the start of the event source is, once.
  expect(reconciler.status().readings - readings).toBeLessThanOrEqual(1);
  expect(median).toBeLessThan(200); // 20 is meant, and printed; the rest is for a machine that does other things
  await reconciler.stop();
  expect(await cleanupHost({ host: rig.host, ledger })).toEqual({ ok: true, value: [] });
});
