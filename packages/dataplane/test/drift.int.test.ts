/** Somebody else changes the host: within a second it is as desired again, told by the kernel and not by a timer. */
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { parseIpv4, type Ipv4 } from '@routerd/resources';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MemoryLedger } from '../src/adapters/memory/memory-ledger.ts';
import { lower } from '../src/lower/lower.ts';
import { createHostReconciler, type HostReconciler } from '../src/reconciler/host-reconciler.ts';
import { osAddressAbsence } from '../src/status/claim-host-status.ts';
import { hybridRoute, overlayPeer, providerClaim, proxyArpClaim } from './claims.ts';
import { openNamespaceRig, type NamespaceRig } from './namespace-rig.ts';

const lowered = lower(
  [
    overlayPeer('aws', { interface: 'tun-a' }),
    overlayPeer('azure', { interface: 'tun-b' }),
    proxyArpClaim('10.77.60.11/32', 'aws', { gratuitousARP: false }),
    providerClaim('10.77.60.12/32', 'aws', { interface: 'lan0' }),
    hybridRoute('branch', ['10.20.0.0/16'], 'azure'),
  ],
  { isCaptureOpen: () => true },
);

let rig: NamespaceRig;
let reconciler: HostReconciler;
const log = new RecordingLog();
beforeEach(async () => {
  rig = await openNamespaceRig();
  reconciler = createHostReconciler({ host: rig.host, ledger: new MemoryLedger(), clock: systemClock, log });
  const watching = new Promise<void>((resolve) => {
    // The second reading says that kernel events arrive.
    reconciler.onChange(() => {
      if (reconciler.status().readings > 1) resolve();
    });
  });
  reconciler.start();
  reconciler.setDesired(lowered.state);
  await watching;
  await reconciler.settled();
});
afterEach(async () => {
  await reconciler.stop();
  await rig.dispose();
});

/** Everything of the host but what counts: packets of counters, addresses' lifetimes. */
async function shown(): Promise<string> {
  return (await rig.show()).join('\n').replaceAll(/packets \d+ bytes \d+/g, '');
}

/** @returns how long it took until the host was as before, milliseconds from the end of the disturbance */
async function repaired(disturb: () => Promise<unknown>): Promise<number> {
  const before = await shown();
  await disturb();
  const startedAt = performance.now();
  while ((await shown()) !== before) {
    if (performance.now() - startedAt > 1000) {
      expect(await shown()).toBe(before);
      throw new Error('repaired too late');
    }
  }
  return performance.now() - startedAt;
}

test.each<[string, readonly [string, ...string[]]]>([
  ['a captured address that a guest agent configures', ['ip', 'addr', 'add', '10.77.60.12/24', 'dev', 'lan0']],
  ['a delivery route that is deleted', ['ip', 'route', 'del', '10.77.60.11/32']],
  ['a hybrid route that is deleted', ['ip', 'route', 'del', '10.20.0.0/16']],
  ['all routes of ours flushed', ['ip', 'route', 'flush', 'proto', '84']],
  ['the clamp table deleted', ['nft', 'delete', 'table', 'inet', 'routerd_mss']],
  ['all of nftables flushed', ['nft', 'flush', 'ruleset']],
  ['a rule of the clamp table deleted', ['nft', 'flush', 'chain', 'inet', 'routerd_mss', 'forward']],
  ['forwarding switched off', ['sysctl', '-qw', 'net.ipv4.ip_forward=0']],
  ['forwarding switched off by its other name', ['sysctl', '-qw', 'net.ipv4.conf.all.forwarding=0']],
  ['the link of the tunnel down and up', ['sh', '-c', 'ip link set tun-a down; ip link set tun-a up']],
  ['the link of the LAN down and up', ['sh', '-c', 'ip link set lan0 down; ip link set lan0 up']],
  [
    'the tunnel made anew',
    [
      'sh',
      '-c',
      'ip link del tun-a; ip link add tun-a type ifb; ip link set tun-a up; ip link set tun-a addrgenmode none',
    ],
  ],
])('%s', async (what, command) => {
  const took = await repaired(async () => rig.router.run(...command));
  console.log(`${what}: repaired after ${took.toFixed(0)} ms`);
  expect(reconciler.status()).toMatchObject({ residuals: [] });
});

test('the removal of a captured address is in the status until the next change', async () => {
  const claim = lowered.claims.find(({ address }) => address === '10.77.60.12/32');
  const status = () => claim && osAddressAbsence(claim, reconciler.status());
  expect(status()).toEqual({
    address: '10.77.60.12/32',
    interface: 'lan0',
    enforced: true,
    lastReconcileRemoved: false,
  });
  // Not the only address of the device: with that its routes would go, and bringing them back is the next change.
  await rig.router.run('ip', 'addr', 'add', '10.99.0.1/32', 'dev', 'tun-b');
  await repaired(async () => rig.router.run('ip', 'addr', 'add', '10.77.60.12/24', 'dev', 'tun-b'));
  expect(status()).toMatchObject({ interface: 'tun-b', lastReconcileRemoved: true });
  await repaired(async () => rig.router.run('ip', 'route', 'del', '10.77.60.11/32'));
  expect(status()).toMatchObject({ lastReconcileRemoved: false });
});

test('a preferred source is used while an interface has it, and the route stays without it', async () => {
  const source = addressOf('10.77.60.2');
  const withSource = {
    ...lowered.state,
    routes: lowered.state.routes.map((route) => ({ ...route, preferredSource: source })),
  };
  reconciler.setDesired(withSource);
  await reconciler.settled();
  const route = async (): Promise<string> => rig.router.run('ip', 'route', 'show', '10.77.60.11');
  expect(await route()).toContain('src 10.77.60.2');
  await rig.router.run('ip', 'addr', 'del', '10.77.60.2/24', 'dev', 'lan0');
  await within(1000, async () => (await route()) !== '' && !(await route()).includes('src'));
  await rig.router.run('ip', 'addr', 'add', '10.77.60.2/24', 'dev', 'lan0');
  await within(1000, async () => (await route()).includes('src 10.77.60.2'));
});

test('settings that the kernel does not report are put back too, in the daemon’s own namespace', async () => {
  await reconciler.stop();
  const daemon = await startDaemon();
  try {
    const settings = ['net.ipv4.neigh.lan0.proxy_delay', 'net.ipv4.conf.all.send_redirects'] as const;
    for (const name of settings) {
      expect(await rig.router.run('sysctl', '-n', name)).toBe('0\n');
      await rig.router.run('sysctl', '-qw', `${name}=1`);
      await within(1000, async () => (await rig.router.run('sysctl', '-n', name)) === '0\n');
    }
  } finally {
    if (daemon.pid !== undefined) process.kill(-daemon.pid, 'SIGKILL');
  }
});

/** @returns once it has settled */
async function startDaemon(): Promise<ChildProcess> {
  const script = path.join(import.meta.dirname, 'keep-host-until-killed.ts');
  const port = `${42_000 + (process.pid % 9000)}`;
  const argv = [
    'netns',
    'exec',
    rig.router.name,
    process.execPath,
    script,
    rig.wireGuardName,
    `${rig.directory}/k`,
    port,
  ];
  const child = spawn('ip', argv, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('exit', (code) => reject(new Error(`the daemon ended with ${code}`)));
  });
  return child;
}

async function within(milliseconds: number, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (!(await holds())) if (performance.now() > deadline) throw new Error(`did not hold within ${milliseconds} ms`);
  expect(await holds()).toBe(true);
}

function addressOf(quad: string): Ipv4 {
  const parsed = parseIpv4(quad);
  if (!parsed.ok) throw new Error(parsed.error.code);
  return parsed.value;
}
