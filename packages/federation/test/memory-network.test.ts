import { createMemoryNetwork, MemoryFactStore, MemoryHighWaterStore } from '@routerd/federation';
import { rigConfig, rigIdentities } from '@routerd/federation/contract';
import type { Order } from '@routerd/mobility';
import { instant, type NodeName } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { describe, expect, it } from 'vitest';
import { address, AWS_A, keyOf, observed, OCI_A, ONPREM_A, transition } from '../src/contract/federation-rig.ts';
import type { RigNode } from '../src/contract/federation-rig.ts';
import { openMemoryRig } from './memory-rig.ts';
import { drawWith } from './registry-torture.ts';
import { valueOf } from './value-of.ts';

describe('the in-memory network', () => {
  it('carries nothing by itself when delivery is manual', async () => {
    const clock = new ManualClock(instant(0));
    const network = createMemoryNetwork({ clock, delivery: 'manual' });
    const identities = rigIdentities();
    const make = (name: NodeName): ReturnType<typeof node> => node(network, name);
    const node = (over: typeof network, name: NodeName) =>
      valueOf(
        over.federation(rigConfig(name, identities), {
          log: new RecordingLog(),
          factStore: new MemoryFactStore(),
          highWaterStore: new MemoryHighWaterStore(),
          isCapturedHere: () => undefined,
        }),
      );
    const [onprem, aws] = [make(ONPREM_A), make(AWS_A)];
    await onprem.start();
    await aws.start();
    expect(onprem.status().connected).toBe(false);
    expect(network.pump()).toBeGreaterThan(0);
    expect(onprem.status().connected).toBe(true);
    onprem.facts.record(observed(address(10), ONPREM_A));
    expect(aws.facts.accepted()).toEqual([]);
    network.pump();
    expect(aws.facts.accepted()).toHaveLength(1);
    await onprem.stop();
    await aws.stop();
  });

  it('does the same again for the same seed', async () => {
    const ids = await Promise.all([7, 7, 8].map(idsOfRun));
    expect(ids[0]).toEqual(ids[1]);
    expect(ids[0]).not.toEqual(ids[2]);
  });

  it('wiped, is told again what is owned, and reports what is gone', async () => {
    const rig = await openMemoryRig();
    try {
      const [onprem, aws] = [rig.node(ONPREM_A), rig.node(AWS_A)];
      for (const { federation } of [onprem, aws]) await federation.start();
      valueOf(onprem.federation.facts.record(observed(address(10), ONPREM_A)));
      const [won] = await aws.federation.registry.append(
        [transition(address(10), AWS_A, undefined)],
        new AbortController().signal,
      );
      expect(won?.kind).toBe('won');
      await rig.until(() => onprem.federation.status().outboxDepth === 0, 'the outbox empty');
      rig.network.wipe();
      const newcomer = rig.node(OCI_A);
      await newcomer.federation.start();
      await rig.until(() => newcomer.federation.facts.accepted().length === 1, 'the fact, told again');
      expect(aws.federation.registry.records().get(keyOf(address(10)))).toBeUndefined();
      expect(aws.federation.status().refused['capture.regressed']).toBe(1);
    } finally {
      await rig.close();
    }
  });

  it('wiped, is told again the orders of a writer that was restarted meanwhile, and none that another followed', async () => {
    const rig = await openMemoryRig();
    try {
      const [writer, other] = [rig.node(ONPREM_A), rig.node(AWS_A)];
      for (const { federation } of [writer, other]) await federation.start();
      const order = async (node: RigNode, given: Order): Promise<void> => {
        const by = { who: 'kim', why: 'a kernel' };
        const outcome = await node.federation.orders.append(given, by, new AbortController().signal);
        expect(outcome.kind).toBe('won');
      };
      await order(writer, { verb: 'drain', node: AWS_A });
      await order(writer, { verb: 'drain', node: OCI_A });
      await rig.until(() => other.federation.orders.orders().size === 2, 'the orders at the other');
      await order(other, { verb: 'undrain', node: OCI_A });
      await rig.until(() => writer.orderStore.load().length === 1, 'the other order in its place');
      await writer.federation.stop();
      await other.federation.stop();
      rig.network.wipe();
      const again = rig.node(ONPREM_A, writer);
      const newcomer = rig.node(OCI_A);
      for (const { federation } of [again, newcomer]) await federation.start();
      await rig.until(() => newcomer.federation.orders.orders().size === 1, 'the order, told again');
      const [stands] = newcomer.federation.orders.orders().values();
      expect(stands).toMatchObject({ version: 1, order: { verb: 'drain', node: AWS_A }, who: 'kim', why: 'a kernel' });
    } finally {
      await rig.close();
    }
  });
});

async function idsOfRun(seed: number): Promise<readonly string[]> {
  const draw = drawWith(seed);
  const clock = new ManualClock(instant(0));
  const random = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => draw(256));
  const network = createMemoryNetwork({ clock, random, delivery: 'manual' });
  const federation = valueOf(
    network.federation(rigConfig(ONPREM_A, rigIdentities()), {
      log: new RecordingLog(),
      factStore: new MemoryFactStore(),
      highWaterStore: new MemoryHighWaterStore(),
      isCapturedHere: () => undefined,
    }),
  );
  await federation.start();
  const facts = [10, 11].map((last) => valueOf(federation.facts.record(observed(address(last), ONPREM_A))));
  await federation.stop();
  return facts.map(({ id }) => id);
}
