/** The walk of `random-walk.test.ts` in a real kernel: fewer seeds, the same claim. */
import { RecordingLog, systemClock } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { MemoryLedger } from '../src/adapters/memory/memory-ledger.ts';
import { EMPTY_HOST_STATE, type HostState } from '../src/host-state.ts';
import { lower } from '../src/lower/lower.ts';
import { createHostReconciler } from '../src/reconciler/host-reconciler.ts';
import { openNamespaceRig, type NamespaceRig } from './namespace-rig.ts';
import { drawConfiguration, randomFrom } from './random-configuration.ts';

const STEPS = 8;

async function walk(
  rig: NamespaceRig,
  ledger: MemoryLedger,
  states: readonly HostState[],
  disturb: () => Promise<unknown>,
): Promise<void> {
  const ports = { host: rig.host, ledger, clock: systemClock, log: new RecordingLog() };
  const reconciler = createHostReconciler(ports);
  try {
    reconciler.start();
    for (const state of states) {
      reconciler.setDesired(state);
      await reconciler.settled();
      await disturb();
    }
    await reconciler.refresh();
    expect(reconciler.status()).toMatchObject({ settled: true, residuals: [] });
  } finally {
    await reconciler.stop();
  }
}

/** Counters of packets go on; what a rule is, does not. */
async function shown(rig: NamespaceRig): Promise<readonly string[]> {
  return (await rig.show()).map((line) => line.replaceAll(/packets \d+ bytes \d+/g, ''));
}

test.each([1, 2, 3])('seed %d', async (seed) => {
  const random = randomFrom(seed);
  const states = Array.from({ length: STEPS }, () => {
    const { resources, gates } = drawConfiguration(random);
    return lower(resources, gates).state;
  });
  const rig = await openNamespaceRig();
  const ledger = new MemoryLedger();
  try {
    const before = await shown(rig);
    await walk(rig, ledger, states, async () => {
      if (random() < 0.3) await rig.router.run('ip', 'route', 'flush', 'proto', '84');
      if (random() < 0.2) await rig.router.run('nft', 'flush', 'ruleset');
      if (random() < 0.2) await rig.router.run('sh', '-c', 'ip link set tun-b down; ip link set tun-b up');
    });
    const walked = await shown(rig);
    const straight = await openNamespaceRig();
    try {
      await walk(straight, new MemoryLedger(), states.slice(-1), async () => undefined);
      expect(comparable(walked)).toEqual(comparable(await shown(straight)));
    } finally {
      await straight.dispose();
    }
    // A second life, which finds the first one's work and takes all of it away.
    await walk(rig, ledger, [EMPTY_HOST_STATE], async () => undefined);
    expect(await shown(rig)).toEqual(before);
    expect(ledger.entries()).toEqual([]);
  } finally {
    await rig.dispose();
  }
});

/** Names of namespaces and their cables are all alike; only link-local addresses of IPv6 are drawn by the kernel. */
function comparable(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => !line.includes('fe80'));
}
