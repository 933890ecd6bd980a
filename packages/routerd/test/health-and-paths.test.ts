/**
 * What is measured all along, on two whole nodes in memory: HealthChecks act on what refers to them, and paths are shown.
 *
 *   here 10.255.0.1 ── wg-there … wg-here ── there 10.255.0.2
 */
import { createMemoryExecutor, createMemoryJournal } from '@routerd/actions';
import {
  createMemoryHealthProbe,
  createMemoryHost,
  createMemoryPathNetwork,
  MemoryLedger,
  MemoryVrrp,
} from '@routerd/dataplane';
import { MemoryHighWaterStore } from '@routerd/federation';
import { instant, parseIpv4, type Ipv4, type Resource } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { expect, onTestFinished, test } from 'vitest';
import { composeNode, nodeSettings, type RoutingNode } from '../src/index.ts';
import { gatherFacts } from '../src/doctor/gather.ts';
import { examine } from '../src/doctor/examine.ts';
import { overlayFamilies } from '../src/metrics/overlay-metrics.ts';
import { overlayPeersView } from '../src/views/overlay-view.ts';
import { resourceViews, type ResourceView } from '../src/views/resource-view.ts';
import { NOW, resource } from './doctor-facts.ts';

const HERE = quad('10.255.0.1');
const THERE = quad('10.255.0.2');

function startupOf(own: Ipv4, peer: string, address: Ipv4): readonly Resource[] {
  return [
    resource('net', 'IPv4StaticAddress', 'overlay', { interface: 'lo', address: `${own}/32` }),
    resource('net', 'WireGuardInterface', `wg-${peer}`, { privateKeyFile: '/etc/wg.key', listenPort: 51_820 }),
    resource('hybrid', 'OverlayPeer', peer, {
      role: 'cloud',
      nodeID: peer,
      underlay: { type: 'wireguard', interface: `wg-${peer}`, address },
    }),
    resource('hybrid', 'OverlayPeer', 'unknown', {
      role: 'cloud',
      nodeID: 'unknown',
      underlay: { type: 'wireguard', interface: `wg-${peer}` },
    }),
    resource('net', 'HealthCheck', 'uplink', { target: '192.0.2.1', interval: '10s' }),
    resource('hybrid', 'HybridRoute', 'vpc', {
      destinationCIDRs: ['10.9.0.0/16'],
      peerRef: peer,
      healthCheckRef: 'uplink',
    }),
    resource('net', 'VirtualAddress', 'gateway', {
      interface: 'lan0',
      address: '10.77.60.1/32',
      mode: 'vrrp',
      vrrp: { virtualRouterID: 60, peers: ['10.77.60.3'], priority: 150 },
      track: [{ resource: 'uplink', unhealthyPenalty: 60 }],
    }),
  ];
}

async function startPair() {
  const clock = new ManualClock(instant(NOW));
  const network = createMemoryPathNetwork(clock);
  const probe = createMemoryHealthProbe();
  const vrrp = new MemoryVrrp();
  const nodes = [startupOf(HERE, 'there', THERE), startupOf(THERE, 'here', HERE)].map((startup, index): RoutingNode => {
    const settings = nodeSettings(startup);
    if (!settings.ok) throw new Error(settings.error.message);
    const node = composeNode(settings.value, {
      clock,
      log: new RecordingLog(),
      vrrp: index === 0 ? vrrp : new MemoryVrrp(),
      healthProbe: probe,
      pathWire: network.host(),
      host: createMemoryHost({ links: [{ name: 'lan0' }] }),
      ledger: new MemoryLedger(),
      random: () => 0.5,
      executor: createMemoryExecutor(clock),
      journal: createMemoryJournal(),
      leases: { loadLeases: () => [], saveLeases: () => undefined },
      highWater: new MemoryHighWaterStore(),
      federation: () => ({ ok: false, error: { code: 'none', message: 'there is no group' } }),
    });
    if (!node.ok) throw new Error(node.error.message);
    return node.value;
  });
  const pass = async (seconds: number): Promise<void> => {
    for (let step = 0; step < seconds * 100; step += 1) {
      clock.advance(10);
      for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
    }
  };
  onTestFinished(async () => {
    const stopped = Promise.all(nodes.map(async (node) => node.stop()));
    await pass(1);
    await stopped;
  });
  for (const node of nodes) await node.start();
  const [here] = nodes;
  if (here === undefined) throw new Error('there is no node');
  await pass(5);
  return { here, network, probe, vrrp, pass };
}

function statusOf(node: RoutingNode, kind: string, name: string): ResourceView['status'] | undefined {
  return resourceViews(node.view, { kind, name })[0]?.status;
}

test('an unhealthy check degrades the route that refers to it and costs priority, and both come back', async () => {
  const { here, probe, vrrp, pass } = await startPair();
  let passes = 0;
  here.reconciler.onChange(() => (passes += 1));
  expect(statusOf(here, 'HealthCheck', 'uplink')).toMatchObject({ phase: 'Healthy', answeredAfterMs: 1 });
  expect(statusOf(here, 'HybridRoute', 'vpc')).toMatchObject({ phase: 'Ready' });
  expect(vrrp.desired().map(({ priority }) => priority)).toEqual([150]);

  probe.silence();
  await pass(35);
  expect(passes).toBe(1);
  expect(statusOf(here, 'HealthCheck', 'uplink')).toMatchObject({ phase: 'Unhealthy', failuresInARow: 3 });
  expect(statusOf(here, 'HybridRoute', 'vpc')).toMatchObject({ phase: 'Degraded', reason: 'HealthCheckUnhealthy' });
  expect(here.host.status().observed?.routes.map(({ destination }) => destination)).toContain('10.9.0.0/16');
  expect(vrrp.desired().map(({ priority }) => priority)).toEqual([90]);

  probe.answer();
  await pass(15);
  expect(statusOf(here, 'HybridRoute', 'vpc')).toMatchObject({ phase: 'Ready' });
  expect(vrrp.desired().map(({ priority }) => priority)).toEqual([150]);
});

test('a path is shown in numbers, and what is wrong with it in status, doctor and metrics', async () => {
  const { here, network, pass } = await startPair();
  const codes = async (): Promise<readonly string[]> => {
    const facts = await gatherFacts({ node: here.view, peers: () => [], reader: undefined, now: NOW });
    return examine(facts, ['hybrid'])
      .checks.filter(({ status, code }) => status === 'fail' && code.includes('overlay-path'))
      .map(({ code, name }) => `${code} ${name}`);
  };
  const shown = () => overlayPeersView(here.view).items;
  expect(shown()).toMatchObject([
    {
      peer: 'there',
      state: 'up',
      rttMs: 20, // 5 ms each way, where time passes in steps of 10
      loss: { roundTrip: 0, toPeer: 0, fromPeer: 0 },
      mtu: { toPeer: 1420, fromPeer: 1420, estimated: 1340 },
    },
    { peer: 'unknown', state: 'unmeasured', detail: expect.stringContaining('underlay.address') },
  ]);
  expect(statusOf(here, 'OverlayPeer', 'there')).toMatchObject({ phase: 'Up', pathMTUToPeer: 1420 });
  expect(await codes()).toEqual([]);

  let told = 0;
  here.paths.onChange(() => (told += 1));
  network.setWeather(HERE, THERE, { mtu: 1300 });
  await pass(40);
  expect(statusOf(here, 'OverlayPeer', 'there')).toMatchObject({ phase: 'Degraded', reason: 'PathMTUBelowEstimate' });
  expect(await codes()).toEqual(['hybrid.overlay-path-mtu OverlayPeer/there']);
  expect(told).toBeGreaterThan(0);

  network.setWeather(HERE, THERE, { isLost: () => true });
  await pass(10);
  expect(statusOf(here, 'OverlayPeer', 'there')).toMatchObject({ phase: 'Degraded', reason: 'PathOneWay' });
  expect(await codes()).toEqual(['hybrid.overlay-path-one-way OverlayPeer/there']);
  const samples = overlayFamilies(here.view).flatMap((family) => ('samples' in family ? family.samples : []));
  expect(samples).toContainEqual({ labels: { peer: 'there', phase: 'one-way' }, value: 1 });
});

function quad(text: string): Ipv4 {
  const parsed = parseIpv4(text);
  if (!parsed.ok) throw new Error(parsed.error.code);
  return parsed.value;
}
