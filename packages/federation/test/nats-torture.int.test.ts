/** The same contention against a real hub that is killed, paused and cut off. */
import { expect, it } from 'vitest';
import { AWS_A, AWS_B, OCI_A, ONPREM_A } from '../src/contract/federation-rig.ts';
import { openHub } from './nats-rig.ts';
import { contend, drawWith, expectOneHistory } from './registry-torture.ts';

it('has one history while its hub is killed, paused and cut off', async () => {
  const under = await openHub();
  const rig = await under.openRig();
  try {
    const nodes = [AWS_A, AWS_B, ONPREM_A].map((name) => rig.node(name));
    for (const { federation } of nodes) await federation.start();
    const connected = (): boolean => nodes.every(({ federation }) => federation.status().connected);
    const allWrote = async (): Promise<void> => {
      const before = nodes.map(revisions);
      await rig.until(() => nodes.every((node, index) => revisions(node) > (before[index] ?? 0) + 30), 'progress');
    };
    await rig.until(connected, 'all connected');
    const end = new AbortController();
    const contending = nodes.map(async (node, index) => contend(node, drawWith(index), end.signal));
    await allWrote();
    rig.cut(AWS_A);
    await rig.until(() => !connected(), 'the cut noticed');
    rig.heal(AWS_A);
    await allWrote();
    for (let kill = 0; kill < 3; kill++) {
      await under.hub.kill();
      await under.hub.start();
      await rig.until(connected, 'all connected again');
      await allWrote();
    }
    under.hub.stall();
    await rig.until(() => !connected(), 'the pause noticed');
    under.hub.resume();
    await allWrote();
    end.abort();
    const won = (await Promise.all(contending)).flat();
    process.stdout.write(`records won under faults: ${won.length}\n`);
    expect(won.length).toBeGreaterThan(100);
    await expectOneHistory(rig, nodes, won, rig.node(OCI_A));
  } finally {
    await rig.close();
    await under.close();
  }
});

function revisions({ federation }: { readonly federation: { readonly registry: Registry } }): number {
  return [...federation.registry.records().values()].reduce((sum, { revision }) => sum + revision, 0);
}

interface Registry {
  records(): ReadonlyMap<string, { readonly revision: number }>;
}
