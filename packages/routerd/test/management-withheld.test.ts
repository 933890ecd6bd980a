/** The daemon on a host in memory: what would cut management off is withheld and shown, and everything else is made. */
import { createMemoryExecutor, createMemoryJournal } from '@routerd/actions';
import { createMemoryHost, MemoryLedger, type HostFault, type MemoryHost } from '@routerd/dataplane';
import { MemoryHighWaterStore } from '@routerd/federation';
import { instant, type ReconcileSettings, type Resource } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { expect, onTestFinished, test } from 'vitest';
import { composeNode, nodeSettings, type RoutingNode } from '../src/index.ts';
import { resourceViews } from '../src/views/resource-view.ts';
import { statusView } from '../src/views/status-view.ts';
import { resource } from './doctor-facts.ts';

const PROTECTED: ReconcileSettings = { mode: 'progressive', protectedInterfaces: ['eth0'], protectedZones: [] };

const route = (destination: string, device: string): Resource =>
  resource('net', 'IPv4Route', `to-${destination.split('.')[0] ?? ''}`, { destination, device });
const ADDRESS = resource('net', 'IPv4StaticAddress', 'own', { interface: 'eth0', address: '10.0.0.2/24' });
const UNTRUSTED = resource('firewall', 'FirewallZone', 'outside', { role: 'untrust', interfaces: ['eth0'] });

class Site {
  readonly clock = new ManualClock(instant(1_800_000_000_000));
  readonly log = new RecordingLog();
  readonly ledger = new MemoryLedger();
  readonly host: MemoryHost;

  constructor(host: MemoryHost = createMemoryHost({ links: [{ name: 'eth0' }, { name: 'lan0' }] })) {
    this.host = host;
  }

  async run(startup: readonly Resource[], reconcile?: ReconcileSettings): Promise<RoutingNode> {
    const settings = nodeSettings(startup, reconcile);
    if (!settings.ok) throw new Error(settings.error.message);
    const { clock, log, host, ledger } = this;
    const node = composeNode(settings.value, {
      clock,
      log,
      host,
      ledger,
      random: () => 0.5,
      executor: createMemoryExecutor(clock),
      journal: createMemoryJournal(),
      leases: { loadLeases: () => [], saveLeases: () => undefined },
      highWater: new MemoryHighWaterStore(),
      federation: () => ({ ok: false, error: { code: 'none', message: 'there is no group' } }),
    });
    if (!node.ok) throw new Error(node.error.message);
    onTestFinished(async () => this.end(node.value));
    await node.value.start();
    await this.rest();
    return node.value;
  }

  async end(node: RoutingNode): Promise<void> {
    const stopped = node.stop();
    await this.rest();
    await stopped;
  }

  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      this.clock.advance(1000);
      await this.rest();
    }
  }

  async rest(): Promise<void> {
    for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
  }
}

test('an address that management needs stays, the rest is made, and the status says what to do', async () => {
  const site = new Site();
  await site.end(await site.run([ADDRESS, route('192.0.2.0/24', 'lan0')]));
  const node = await site.run([UNTRUSTED, route('198.51.100.0/24', 'lan0')], PROTECTED);
  const shown = site.host.shown();
  expect(shown.addresses).toContainEqual({ interface: 'eth0', address: '10.0.0.2/24' });
  expect(shown.tables).toEqual([]);
  expect(shown.routes.map(({ destination }) => destination)).toEqual(['198.51.100.0/24']);
  expect(statusView(node.view)).toMatchObject({
    host: {
      phase: 'Degraded',
      settled: false,
      residuals: [],
      withheld: [
        {
          operation: 'nft replace table inet routerd_filter # 12 lines',
          reason: 'FirewallZone/outside is untrusted: eth0, which management goes by, may not reach the router.',
          remedy: expect.stringContaining('--allow-mgmt-lockout'),
        },
        { operation: 'ip addr del 10.0.0.2/24 dev eth0 # surplus' },
      ],
    },
  });
  const [zone] = resourceViews(node.view, { kind: 'FirewallZone' });
  expect(zone?.status).toMatchObject({ phase: 'Degraded', reason: 'Withheld' });
});

test('without protection the same is made', async () => {
  const site = new Site();
  await site.end(await site.run([ADDRESS]));
  const node = await site.run([UNTRUSTED]);
  expect(site.host.shown().addresses).toEqual([]);
  expect(site.host.shown().tables).toHaveLength(1);
  expect(statusView(node.view)).toMatchObject({ host: { phase: 'Applied', withheld: [] } });
});

test('in mode strict an interface is not half renumbered', async () => {
  const again = resource('net', 'IPv4StaticAddress', 'own', { interface: 'eth0', address: '10.0.0.3/24' });
  for (const [mode, addresses] of [
    ['strict', ['10.0.0.2/24']],
    ['progressive', ['10.0.0.2/24', '10.0.0.3/24']],
  ] as const) {
    const site = new Site();
    await site.end(await site.run([ADDRESS], PROTECTED));
    await site.run([again], { ...PROTECTED, mode });
    expect(site.host.shown().addresses.map(({ address }) => address)).toEqual(addresses);
  }
});

test('a tunnel that the kernel does not have is Unsupported by name, and another resource has its own phase', async () => {
  const site = new Site();
  const fault: HostFault = { code: 'host.unsupported', detail: 'the kernel has no gre tunnels', retry: 'later' };
  site.host.failOn('tunnel-create', fault);
  const tunnel = resource('hybrid', 'TunnelInterface', 'gre1', {
    mode: 'gre',
    local: '192.0.2.1',
    remote: '192.0.2.2',
    trustedUnderlay: true,
  });
  const link = resource('net', 'Interface', 'lan', { ifname: 'lan0', managed: true, mtu: 1400 });
  const node = await site.run([tunnel, link]);
  expect(statusView(node.view)).toMatchObject({
    host: { phase: 'Degraded', residuals: [expect.stringContaining('gre')] },
  });
  expect(resourceViews(node.view, { kind: 'TunnelInterface' })[0]?.status).toEqual({
    phase: 'Unsupported',
    summary: 'gre from 192.0.2.1 to 192.0.2.2',
    reason: 'host.unsupported',
    detail: 'the kernel has no gre tunnels',
  });
  expect(resourceViews(node.view, { kind: 'Interface' })[0]?.status).toMatchObject({ phase: 'Applied', mtu: 1400 });
  site.host.failOn('tunnel-create', undefined);
  await site.pass(10);
  expect(resourceViews(node.view, { kind: 'TunnelInterface' })[0]?.status).toMatchObject({ phase: 'Up' });
});
