/**
 *   client 10.77.60.10 ── A ══ WireGuard over 192.0.2.0/30 ══ B ── client 10.77.60.11
 *
 * Two routers as their configuration describes them; the clients are namespaces behind each.
 */
import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLinuxHost } from '../src/adapters/linux/linux-host.ts';
import { MemoryLedger } from '../src/adapters/memory/memory-ledger.ts';
import { lower } from '../src/lower/lower.ts';
import { cleanupHost } from '../src/reconciler/cleanup-host.ts';
import { createHostReconciler, type HostReconciler } from '../src/reconciler/host-reconciler.ts';
import { overlayPeer, proxyArpClaim, wireGuardInterface, wireGuardPeer } from './claims.ts';
import { cable, makeNamespace, type Namespace } from './namespace-rig.ts';

const deviceNames = [`wgA${process.pid}`, `wgB${process.pid}`] as const;
let directory: string;
let namespaces: Namespace[];
let reconcilers: HostReconciler[];

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'dataplane-'));
  namespaces = [];
  reconcilers = [];
});
afterEach(async () => {
  for (const reconciler of reconcilers) await reconciler.stop();
  for (const namespace of namespaces) await namespace.remove();
  await rm(directory, { recursive: true, force: true });
});

async function add(role: string): Promise<Namespace> {
  const namespace = await makeNamespace(role);
  namespaces.push(namespace);
  return namespace;
}

function keyFile(index: number): string {
  return path.join(directory, `key-${index}`);
}

/** Made as routerd makes it, but before it starts: the other side's configuration needs the public key. */
async function publicKeyOf(index: number): Promise<string> {
  execFileSync('sh', ['-c', 'umask 077; wg genkey > "$1"', 'sh', keyFile(index)]);
  return execFileSync('sh', ['-c', 'wg pubkey < "$1"', 'sh', keyFile(index)], { encoding: 'utf8' }).trim();
}

test('two routers shake hands, forward between their LANs, and go on when routerd is stopped', async () => {
  const [a, b, clientA, clientB] = [await add('a'), await add('b'), await add('x'), await add('y')];
  await cable(a, 'wan0', b, 'wan0');
  await cable(a, 'lan0', clientA, 'lan0');
  await cable(b, 'lan0', clientB, 'lan0');
  await a.batch('addr add 192.0.2.1/30 dev wan0', 'addr add 10.77.60.2/24 dev lan0');
  await b.batch('addr add 192.0.2.2/30 dev wan0', 'addr add 10.77.60.3/24 dev lan0');
  await clientA.batch('addr add 10.77.60.10/24 dev lan0');
  await clientB.batch('addr add 10.77.60.11/24 dev lan0');
  const publicKeys = [await publicKeyOf(0), await publicKeyOf(1)];
  const ports = [41_000 + (process.pid % 10_000), 52_000 + (process.pid % 10_000)];
  for (const [index, router] of [a, b].entries()) {
    const other = 1 - index;
    const device = deviceNames[index] ?? '';
    const resources = [
      wireGuardInterface(device, { privateKeyFile: keyFile(index), listenPort: ports[index] }),
      wireGuardPeer('other', device, {
        publicKey: publicKeys[other],
        endpoint: `192.0.2.${other + 1}:${ports[other]}`,
        persistentKeepalive: 1,
      }),
      overlayPeer('other', { interface: device }),
      proxyArpClaim(index === 0 ? '10.77.60.11/32' : '10.77.60.10/32', 'other'),
    ];
    const commandPrefix = ['ip', 'netns', 'exec', router.name];
    const shared = { clock: systemClock, log: new RecordingLog() };
    const reconciler = createHostReconciler({
      ...shared,
      host: createLinuxHost({ ...shared, commandPrefix }),
      ledger: new MemoryLedger(),
    });
    reconcilers.push(reconciler);
    reconciler.start();
    reconciler.setDesired(lower(resources, { isCaptureOpen: () => true }).state);
    await reconciler.settled();
    expect(reconciler.status()).toMatchObject({ settled: true, residuals: [] });
  }
  const pinged = await clientA.run('ping', '-c', '3', '-i', '0.2', '-W', '5', '10.77.60.11');
  expect(pinged).toContain('3 received');
  for (const reconciler of reconcilers.splice(0)) await reconciler.stop();
  const after = await clientB.run('ping', '-c', '20', '-i', '0.01', '-W', '2', '10.77.60.10');
  expect(after).toContain('20 received');
});

test('a key is made with mode 600, and one that others may read is refused', async () => {
  const router = await add('r');
  const ports = { clock: systemClock, log: new RecordingLog() };
  const host = createLinuxHost({ ...ports, commandPrefix: ['ip', 'netns', 'exec', router.name] });
  const ledger = new MemoryLedger();
  const device = {
    name: deviceNames[0],
    privateKeyFile: path.join(directory, 'made', 'key'),
    listenPort: 41_000 + (process.pid % 10_000),
    mtu: 1420,
    peers: [],
  };
  expect(await host.apply([{ verb: 'wireguard-create', device }])).toEqual([]);
  expect((await stat(device.privateKeyFile)).mode & 0o777).toBe(0o600);
  await chmod(device.privateKeyFile, 0o644);
  const [residual] = await host.apply([{ verb: 'wireguard-configure', device, endpointsOf: [] }]);
  expect(residual?.fault.detail).toContain('may be read by others (mode 644)');
  ledger.record([{ key: `wireguard:${device.name}`, priorValue: undefined }]);
  expect(await cleanupHost({ host, ledger })).toEqual({ ok: true, value: [] });
});

test('the device of a daemon that died comes back with everything on it', async () => {
  const router = await add('r');
  const ports = { clock: systemClock, log: new RecordingLog() };
  const device = deviceNames[0];
  const reconciler = createHostReconciler({
    ...ports,
    host: createLinuxHost({ ...ports, commandPrefix: ['ip', 'netns', 'exec', router.name] }),
    ledger: new MemoryLedger(),
  });
  reconcilers.push(reconciler);
  await router.batch('link add lan0 type ifb', 'link set lan0 up');
  const resources = [
    wireGuardInterface(device, { privateKeyFile: keyFile(7), listenPort: 41_000 + (process.pid % 10_000) }),
    wireGuardPeer('other', device),
    overlayPeer('other', { interface: device }),
    proxyArpClaim('10.77.60.11/32', 'other', { gratuitousARP: false }),
  ];
  reconciler.start();
  reconciler.setDesired(lower(resources, { isCaptureOpen: () => true }).state);
  await reconciler.settled();
  const shown = async (): Promise<string> => router.run('ip', 'route', 'show', 'proto', '84');
  const before = await shown();
  expect(before).toContain(device);
  await router.batch(`link del ${device}`);
  const deadline = performance.now() + 1000;
  while ((await shown().catch(() => '')) !== before)
    if (performance.now() > deadline) throw new Error('the device did not come back within a second');
  expect(await shown()).toBe(before);
});
