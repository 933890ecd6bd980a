import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LabRecord } from '../src/lab-record.ts';
import { FirstPackets } from '../src/measure/first-packets.ts';
import { KernelWatch } from '../src/measure/kernel-watch.ts';
import { RouteWatch } from '../src/measure/route-watch.ts';
import { SteadyPing } from '../src/measure/steady-ping.ts';
import { findTranslation } from '../src/nat-check.ts';
import { buildNetwork, vmNamed } from '../src/network.ts';
import { FOUR_SITES, GATEWAY, HOST_NAMES, HUB } from '../src/topology.ts';
import type { Vm } from '../src/vm.ts';
import { waitUntil } from '../src/wait-until.ts';
import { setWanDelay } from '../src/wan-delay.ts';
import { ThrowawayLab } from './throwaway-lab.ts';

// The whole topology of src/topology.ts without its daemons: machines, LAN, WAN and the cables into the fabrics.
const lab = new ThrowawayLab('net');
let vms: ReadonlyMap<string, Vm>;

beforeAll(async () => {
  vms = new Map(await Promise.all(HOST_NAMES.map(async (name) => [name, await lab.boot(name)] as const)));
  await buildNetwork(FOUR_SITES, vms, { wanRate: '200mbit' });
});

afterAll(async () => lab.remove());

const vm = (name: string): Vm => vmNamed(vms, name);

/** Milliseconds there and back, the lowest of three. */
async function roundTrip(from: string, address: string): Promise<number> {
  const text = await vm(from).output(['ping', '-n', '-c', '3', '-i', '0.05', '-W', '2', address]);
  return Number(/rtt min\/[^=]*= ([\d.]+)\//.exec(text)?.[1]);
}

test('the on-prem client reaches its gateway, the routers and the fabrics reach the hub', async () => {
  expect(await roundTrip('onprem-client', GATEWAY)).toBeLessThan(50);
  for (const name of ['onprem-router-a', 'onprem-router-b', 'aws-fabric', 'azure-fabric', 'oci-fabric']) {
    expect(await roundTrip(name, HUB.address)).toBeLessThan(50);
  }
});

test('the WAN gets a delay while it runs, another one, and loses it again', async () => {
  const before: LabRecord = {
    owner: { pid: 1, startTicks: '' },
    topology: 'four-sites',
    keep: false,
    ready: true,
    wanDelayMs: 0,
    apiLatencyMs: 0,
    executors: {},
    vms: [],
    daemons: [],
  };
  const daemons = await setWanDelay(vm('wan'), lab.files, before, 20);
  expect(await roundTrip('onprem-router-a', HUB.address)).toBeGreaterThanOrEqual(39);
  expect(await setWanDelay(vm('wan'), lab.files, { ...before, daemons }, 5)).toEqual([]);
  const shorter = await roundTrip('onprem-router-a', HUB.address);
  expect(shorter).toBeGreaterThanOrEqual(9);
  expect(shorter).toBeLessThan(39);
  await setWanDelay(vm('wan'), lab.files, { ...before, daemons }, 0);
  expect(await roundTrip('onprem-router-a', HUB.address)).toBeLessThan(9);
});

test('a first packet, a route and a change of any kind are seen with the time at which they happened', async () => {
  const router = vm('onprem-router-b');
  const [packets, routes, kernel] = await Promise.all([
    FirstPackets.start(vm('lan')),
    RouteWatch.start(router),
    KernelWatch.start(router),
  ]);
  const start = Date.now();
  await roundTrip('onprem-router-b', GATEWAY);
  await router.ip(['route add 10.77.60.77/32 dev wan0 proto 84']);
  await router.nft('add table inet probe\n');
  const heard = await waitUntil('the packet', () => packets.heardAt('10.77.60.3'), { deadlineMs: 30_000 });
  const installed = await waitUntil('the route', () => routes.installedAt('10.77.60.77'), { deadlineMs: 30_000 });
  expect(heard).toBeGreaterThanOrEqual(start - 1);
  expect(installed).toBeGreaterThan(heard);
  expect(installed).toBeLessThanOrEqual(Date.now() + 1);
  for (const change of ['table inet probe', '10.77.60.77']) {
    await waitUntil(change, () => kernel.events().some((line) => line.includes(change)) || undefined, {
      deadlineMs: 30_000,
    });
  }
  kernel.stop();
  packets.stop();
  routes.stop();
});

test('a machine that translates nothing is told from one that does', async () => {
  expect(await findTranslation(vm('onprem-router-a'))).toMatchObject({ rules: 'none', connections: 'none' });
  await vm('onprem-router-a').nft(
    'table ip probe {\n chain post {\n type nat hook postrouting priority 100;\n masquerade\n }\n}\n',
  );
  expect((await findTranslation(vm('onprem-router-a'))).rules).toContain('masquerade');
});

test('a ping that goes on is whole while nothing is in its way, and not while something is', async () => {
  const whole = await SteadyPing.start(vm('onprem-client'), GATEWAY, 5);
  await roundTrip('onprem-client', GATEWAY);
  expect((await whole.stop()).lost).toEqual([]);
  const broken = await SteadyPing.start(vm('onprem-client'), GATEWAY, 5);
  const wall =
    'table inet wall {\n chain in {\n type filter hook input priority 0;\n icmp type echo-request drop\n }\n}\n';
  await vm('lan').nft(wall);
  await roundTrip('onprem-client', '10.77.60.2');
  await vm('lan').nft('delete table inet wall\n');
  await roundTrip('onprem-client', GATEWAY);
  expect((await broken.stop()).lost.length).toBeGreaterThan(0);
});
