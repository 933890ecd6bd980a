/** What the one reconciler makes of the roles that VRRP tells: on a node in memory, without time. */
import { createMemoryExecutor, createMemoryJournal } from '@routerd/actions';
import {
  createMemoryHost,
  diffHost,
  EMPTY_OBSERVED_HOST,
  EMPTY_HOST_STATE,
  MemoryLedger,
  MemoryVrrp,
} from '@routerd/dataplane';
import { MemoryHighWaterStore } from '@routerd/federation';
import { instant } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { expect, onTestFinished, test } from 'vitest';
import { composeNode, nodeSettings, type RoutingNode } from '../src/index.ts';
import { resourceViews } from '../src/views/resource-view.ts';
import { closedInterfaces } from '../src/vrrp-gates.ts';
import { addressOf, EFFECTIVE, PROXIED } from './doctor-facts.ts';

const STARTUP = EFFECTIVE.filter(({ kind, metadata }) => kind !== 'WireGuardPeer' && metadata.name !== 'assigned');

async function startNode(): Promise<{
  readonly node: RoutingNode;
  readonly vrrp: MemoryVrrp;
  readonly rest: () => Promise<void>;
}> {
  const settings = nodeSettings(STARTUP);
  if (!settings.ok) throw new Error(settings.error.message);
  const [clock, log, vrrp] = [new ManualClock(instant(1_800_000_000_000)), new RecordingLog(), new MemoryVrrp()];
  const node = composeNode(settings.value, {
    clock,
    log,
    vrrp,
    host: createMemoryHost({ links: [{ name: 'lan0' }, { name: 'wg-cloud' }] }),
    ledger: new MemoryLedger(),
    random: () => 0.5,
    executor: createMemoryExecutor(clock),
    journal: createMemoryJournal(),
    leases: { loadLeases: () => [], saveLeases: () => undefined },
    highWater: new MemoryHighWaterStore(),
    federation: () => ({ ok: false, error: { code: 'none', message: 'there is no group' } }),
  });
  if (!node.ok) throw new Error(node.error.message);
  const rest = async (): Promise<void> => {
    for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
  };
  onTestFinished(async () => {
    const stopped = node.value.stop();
    clock.advance(0);
    await stopped;
  });
  await node.value.start();
  await rest();
  return { node: node.value, vrrp, rest };
}

function statusOf(node: RoutingNode, kind: string): readonly unknown[] {
  return resourceViews(node.view, { kind }).map(({ status }) => [
    status.phase,
    status['captureStatus'] ?? status['role'],
  ]);
}

test('the master alone captures, and whoever loses the role withdraws', async () => {
  const { node, vrrp, rest } = await startNode();
  expect(vrrp.desired().map(({ name, priority }) => [name, priority])).toEqual([['gateway', 100]]);
  expect(node.host.captured()).toEqual(new Set());
  expect(statusOf(node, 'RemoteAddressClaim')).toEqual([['Gated', 'Blocked']]);
  expect(statusOf(node, 'VirtualAddress')).toEqual([['Pending', 'unknown']]);

  vrrp.elect('gateway', 'master');
  await rest();
  expect(node.host.captured()).toEqual(new Set([PROXIED]));
  expect(statusOf(node, 'RemoteAddressClaim')).toEqual([['Ready', 'Captured']]);

  vrrp.elect('gateway', 'backup');
  await rest();
  expect(node.host.captured()).toEqual(new Set());
  expect(statusOf(node, 'RemoteAddressClaim')).toEqual([['Gated', 'Standby']]);

  vrrp.elect('gateway', 'master');
  await rest();
  vrrp.die();
  await rest();
  expect(node.host.captured()).toEqual(new Set());
});

test('nobody observes the shared address, whoever has it', async () => {
  const { node } = await startNode();
  expect(node.isCapturedHere(addressOf('10.77.60.1'))).toBeDefined();
});

test('interfaces are closed whose master is not this router', () => {
  expect(closedInterfaces([], EFFECTIVE, () => 'backup')).toEqual(new Set(['lan0']));
  expect(closedInterfaces([], EFFECTIVE, () => 'unknown')).toEqual(new Set(['lan0']));
  expect(closedInterfaces([], EFFECTIVE, () => 'master')).toEqual(new Set());
});

test('while surplus is retained, proxy neighbours leave closed interfaces all the same', () => {
  const observed = {
    ...EMPTY_OBSERVED_HOST,
    proxyNeighbors: ['lan0', 'lan1'].map((name) => ({ address: PROXIED, interface: name, ours: true })),
  };
  const ops = diffHost(EMPTY_HOST_STATE, observed, [], {
    retainSurplus: true,
    closedInterfaces: new Set(['lan0']),
  });
  expect(ops.map((op) => (op.verb === 'proxy-neighbor-remove' ? op.neighbor.interface : op.verb))).toEqual(['lan0']);
});
