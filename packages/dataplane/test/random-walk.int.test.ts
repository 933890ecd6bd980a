/**
 * The walk of `random-walk.test.ts` in a real kernel, with real WireGuard devices: fewer seeds, the same claim. Another seed is walked by
 * `WALK_SEED=12345`; each test says its own.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createKeepalived } from '../src/adapters/linux/keepalived.ts';
import { MemoryLedger } from '../src/adapters/memory/memory-ledger.ts';
import { EMPTY_HOST_STATE, type HostState } from '../src/host-state.ts';
import { lower } from '../src/lower/lower.ts';
import { createHostReconciler } from '../src/reconciler/host-reconciler.ts';
import {
  firewallRule,
  firewallZone,
  hybridRoute,
  ipv4Route,
  nat44Rule,
  overlayPeer,
  providerClaim,
  proxyArpClaim,
  staticAddress,
  sysctl,
  virtualAddress,
  wireGuardInterface,
  wireGuardPeer,
} from './claims.ts';
import { openNamespaceRig, type NamespaceRig } from './namespace-rig.ts';
import { drawConfiguration, randomFrom } from './random-configuration.ts';

const STEPS = 8;
const SEEDS = process.env['WALK_SEED'] === undefined ? [1, 2, 3] : [Number(process.env['WALK_SEED'])];

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'walk-'));
});
afterEach(async () => rm(directory, { recursive: true, force: true }));

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

/**
 * Everything of the host that a configuration can change, with WireGuard devices under one name. Counters of packets go on; what a rule
 * is, does not. Only link-local addresses of IPv6 are drawn by the kernel.
 */
async function shown(rig: NamespaceRig): Promise<readonly string[]> {
  const [links, peers] = [
    await rig.router.run('ip', '-o', 'link', 'show'),
    await rig.router.run('wg', 'show', 'all', 'allowed-ips'),
  ];
  // Sockets of wireguard-go are seen from every namespace. Of a link its name, state and MTU; indexes are counted up by whatever was made before.
  const linkLines = [...links.matchAll(/^\d+: ([^:@]+)[^<]*(<[^>]*>) mtu (\d+)/gm)].map((match) =>
    match.slice(1).join(' '),
  );
  return [
    ...(await rig.show()),
    ...linkLines,
    ...peers.split('\n').filter((line) => line.startsWith(rig.wireGuardName)),
  ]
    .map((line) => line.replaceAll(/packets \d+ bytes \d+/g, '').replaceAll(rig.wireGuardName, 'wg-drawn'))
    .filter((line) => !line.includes('fe80'))
    .map((line) => line.replace(/^\d+: /, ''))
    .toSorted();
}

test.each(SEEDS)('seed %d: a walk ends where a straight way ends, and leaves nothing behind', async (seed) => {
  console.log(`a walk on a real kernel: seed ${seed}, ${STEPS} steps; again with WALK_SEED=${seed}`);
  const keyFile = path.join(directory, 'key');
  execFileSync('sh', ['-c', 'umask 077; wg genkey > "$1"', 'sh', keyFile]);
  const listenPort = 20_000 + (process.pid % 9000);
  const statesFor = (rig: NamespaceRig): readonly HostState[] => {
    const random = randomFrom(seed);
    return Array.from({ length: STEPS }, () => {
      const device = { device: rig.wireGuardName, privateKeyFile: keyFile, listenPort };
      const { resources, gates } = drawConfiguration(random, device);
      return lower(resources, gates).state;
    });
  };
  const rig = await openNamespaceRig();
  const ledger = new MemoryLedger();
  const disturbing = randomFrom(seed + 1_000_000);
  try {
    const before = await shown(rig);
    await walk(rig, ledger, statesFor(rig), async () => {
      if (disturbing() < 0.3) await rig.router.run('ip', 'route', 'flush', 'proto', '84');
      if (disturbing() < 0.2) await rig.router.run('nft', 'flush', 'ruleset');
      if (disturbing() < 0.2) await rig.router.run('sh', '-c', 'ip link set tun-b down; ip link set tun-b up');
    });
    const walked = await shown(rig);
    const straight = await openNamespaceRig();
    try {
      await walk(straight, new MemoryLedger(), statesFor(straight).slice(-1), async () => undefined);
      expect(walked).toEqual(await shown(straight));
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

test('everything at once, an elected virtual address among it, ends in exactly the state before it came', async () => {
  const rig = await openNamespaceRig();
  const device = rig.wireGuardName;
  const { state, virtualRouters, problems } = lower(
    [
      wireGuardInterface(device, {
        privateKeyFile: path.join(directory, 'key'),
        listenPort: 20_000 + (process.pid % 9000),
      }),
      wireGuardPeer('aws', device),
      staticAddress('tunnel', device, '10.255.9.1/32'),
      staticAddress('loop', 'lo', '10.255.0.1/32'),
      overlayPeer('aws', { interface: device }),
      hybridRoute('branch', ['10.20.0.0/16'], 'aws'),
      ipv4Route('sink', { destination: '10.99.0.0/24', type: 'blackhole' }),
      proxyArpClaim('10.77.60.11/32', 'aws', { gratuitousARP: false }),
      providerClaim('10.77.60.12/32', 'aws', { interface: 'lan0' }),
      sysctl('rp', { key: 'net.ipv4.conf.lan0.rp_filter', value: '2', persistent: true }),
      firewallZone('lan', 'trust', 'lan0'),
      firewallZone('tunnels', 'untrust', device),
      firewallRule('mobile', { fromZone: 'tunnels', toZone: 'lan', action: 'accept' }),
      nat44Rule('out', {
        outboundInterface: 'lan0',
        sourceCIDRs: ['10.20.0.0/16'],
        translation: { type: 'interfaceAddress' },
      }),
      virtualAddress('gateway', {
        interface: 'lan0',
        address: '10.77.60.1/32',
        mode: 'vrrp',
        vrrp: { virtualRouterID: 60, peers: ['10.77.60.3'] },
      }),
    ],
    { isCaptureOpen: () => true },
  );
  const ledger = new MemoryLedger();
  const vrrp = createKeepalived({
    clock: systemClock,
    log: new RecordingLog(),
    directory: path.join(directory, 'vrrp'),
    commandPrefix: ['ip', 'netns', 'exec', rig.router.name],
  });
  const becomes = async (role: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no ${role}: ${vrrp.fault()?.detail ?? 'no fault'}`)), 30_000);
      const look = (): void => {
        if (vrrp.role('gateway') !== role) return;
        clearTimeout(late);
        resolve();
      };
      vrrp.onChange(look);
      look();
    });
  try {
    expect(problems).toEqual([]);
    const before = await shown(rig);
    vrrp.setDesired(virtualRouters);
    await walk(rig, ledger, [state], async () => undefined);
    await becomes('master');
    expect((await shown(rig)).join('\n')).toContain('10.77.60.1/32');
    expect(await shown(rig)).not.toEqual(before);
    vrrp.setDesired([]);
    await becomes('unknown');
    await walk(rig, ledger, [EMPTY_HOST_STATE], async () => undefined);
    await vrrp.stop();
    expect(await shown(rig)).toEqual(before);
    expect(ledger.entries()).toEqual([]);
  } finally {
    await vrrp.stop();
    await rig.dispose();
  }
});
