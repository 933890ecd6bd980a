/** A router that starts beside a living master: when it may take the mastership. On a node of a pool in memory. */
import { createMemoryExecutor, createMemoryJournal } from '@routerd/actions';
import { createMemoryHost, MemoryLedger, MemoryVrrp } from '@routerd/dataplane';
import { createMemoryNetwork, generateNodeIdentity, MemoryFactStore, MemoryHighWaterStore } from '@routerd/federation';
import { instant, type Resource } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { expect, onTestFinished, test } from 'vitest';
import { composeNode, nodeSettings } from '../src/index.ts';
import { resource } from './doctor-facts.ts';

const SELF = 'onprem-a';
const PEER = 'onprem-b';
const identity = generateNodeIdentity();

function startup(): readonly Resource[] {
  const capture = {
    type: 'proxy-arp',
    interface: 'lan0',
    activeWhen: { type: 'vrrp-master', virtualAddressRef: 'gateway' },
  };
  return [
    resource('federation', 'EventGroup', 'g', {
      nodeName: SELF,
      servers: ['nats://127.0.0.1:4222'],
      identity: { seedFile: '/none' },
    }),
    resource('federation', 'EventPeer', PEER, {
      groupRef: 'g',
      nodeName: PEER,
      publicKey: generateNodeIdentity().publicKey,
    }),
    resource('net', 'VirtualAddress', 'gateway', {
      interface: 'lan0',
      address: '10.77.60.1/32',
      mode: 'vrrp',
      vrrp: { virtualRouterID: 60, priority: 150, peers: ['10.77.60.3'] },
    }),
    resource('mobility', 'MobilityPool', 'p', {
      prefix: '10.77.60.0/24',
      excludedAddresses: ['10.77.60.1/32'],
      groupRef: 'g',
      members: [SELF, PEER].map((nodeRef) => ({ nodeRef, site: 'onprem', role: 'onprem', capture })),
    }),
  ];
}

async function startNode() {
  const clock = new ManualClock(instant(1_790_000_000_000));
  const [vrrp, highWater, log] = [new MemoryVrrp(), new MemoryHighWaterStore(), new RecordingLog()];
  const network = createMemoryNetwork({ clock });
  const settings = nodeSettings(startup());
  if (!settings.ok) throw new Error(settings.error.message);
  const node = composeNode(settings.value, {
    clock,
    log,
    vrrp,
    highWater,
    host: createMemoryHost({ links: [{ name: 'lan0' }] }),
    ledger: new MemoryLedger(),
    random: () => 0.5,
    executor: createMemoryExecutor(clock),
    journal: createMemoryJournal(),
    leases: { loadLeases: () => [], saveLeases: () => undefined },
    federation: (config, isCapturedHere) => {
      const stores = { factStore: new MemoryFactStore(), highWaterStore: highWater };
      const built = network.federation({ ...config, seed: identity.seed }, { log, ...stores, isCapturedHere });
      return built.ok ? built : { ok: false, error: { code: built.error.code, message: built.error.detail } };
    },
  });
  if (!node.ok) throw new Error(node.error.message);
  const pass = async (milliseconds: number): Promise<void> => {
    for (let left = milliseconds; left > 0; left -= 100) {
      clock.advance(100);
      for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  onTestFinished(async () => {
    const stopped = node.value.stop();
    await pass(6000);
    await stopped;
  });
  await node.value.start();
  await pass(500);
  return { node: node.value, vrrp, pass };
}

test('a router takes the mastership of a living one when it can capture itself, and not before', async () => {
  const { node, vrrp, pass } = await startNode();
  const preempts = (): readonly boolean[] => vrrp.desired().map(({ preempt }) => preempt);
  expect(node.reconciler.waitingFor()).not.toEqual([]);
  expect(preempts()).toEqual([false]);
  await pass(30_000);
  expect(node.reconciler.waitingFor()).toEqual([]);
  expect(preempts()).toEqual([true]);
});
