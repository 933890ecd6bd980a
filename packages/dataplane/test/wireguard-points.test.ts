/** What is asked of WireGuard, a test a point. The kernel is a list of answers here; `wireguard.int.test.ts` has a real one. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CommandResult } from '@routerd/runtime';
import { expect, onTestFinished, test } from 'vitest';
import type { RunHostCommand } from '../src/adapters/linux/host-command.ts';
import { WireGuardDevices } from '../src/adapters/linux/wireguard.ts';
import { createMemoryHost } from '../src/adapters/memory/memory-host.ts';
import { diffHost } from '../src/diff/diff-host.ts';
import type { HostOp } from '../src/host-op.ts';
import type { WireGuardDevice } from '../src/host-state.ts';
import { lower } from '../src/lower/lower.ts';
import { recordsOf } from '../src/ownership.ts';
import { KEY_A, KEY_E, overlayPeer, proxyArpClaim, wireGuardInterface, wireGuardPeer } from './claims.ts';

const SECRET = 'cHJpdmF0ZS1rZXktb2YtYS10ZXN0LW5vdC1yZWFsISE=';
const open = { isCaptureOpen: () => true };

/** A machine that answers as it is told; everything that it was asked, and given as input, is kept. */
class Machine {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'wireguard-points-'));
  readonly asked: { readonly argv: string; readonly input: string }[] = [];
  /** What was in the files that were standard input. */
  readonly filesGiven: string[] = [];
  kernelHasIt: boolean;

  constructor(kernelHasIt: boolean) {
    this.kernelHasIt = kernelHasIt;
    onTestFinished(() => rmSync(this.directory, { recursive: true, force: true }));
  }

  readonly run: RunHostCommand = async (argv, { input = '', inputDescriptor } = {}) => {
    const text = argv.join(' ');
    this.asked.push({ argv: text, input });
    if (inputDescriptor !== undefined) this.filesGiven.push(readFileSync(inputDescriptor, 'utf8'));
    if (text === 'wg genkey') return said(`${SECRET}\n`);
    if (text.endsWith('type wireguard') && !this.kernelHasIt) return failed(argv, 'Error: Unknown device type.');
    if (text.startsWith('ip link show')) return failed(argv, 'Device does not exist.');
    return said('');
  };

  device(name: string, peers: WireGuardDevice['peers'] = []): WireGuardDevice {
    const privateKeyFile = path.join(this.directory, 'keys', 'own');
    return { name, privateKeyFile, listenPort: 51_820, mtu: 1420, peers };
  }

  ran(words: string): number {
    return this.asked.filter(({ argv }) => argv.startsWith(words)).length;
  }
}

function said(stdout: string): CommandResult {
  return { ok: true, value: { stdout, stderr: '' } };
}

function failed(argv: readonly string[], stderr: string): CommandResult {
  return { ok: false, error: { code: 'command.failed', argv, exitCode: 2, stdout: '', stderr } };
}

const verbsOf = (ops: readonly HostOp[]) => ops.map(({ verb }) => verb);

test('one interface a peer, or one that peers share', () => {
  const each = lower(
    [
      wireGuardInterface('wg-aws'),
      wireGuardPeer('aws', 'wg-aws'),
      wireGuardInterface('wg-oci', { listenPort: 51_821 }),
      wireGuardPeer('oci', 'wg-oci', { publicKey: KEY_E }),
    ],
    open,
  ).state.wireGuard;
  expect(each.map(({ name, peers }) => [name, peers.length])).toEqual([
    ['wg-aws', 1],
    ['wg-oci', 1],
  ]);
  const shared = lower(
    [
      wireGuardInterface('wg0'),
      wireGuardPeer('aws', 'wg0', { allowedIPs: ['10.255.0.3/32'] }),
      wireGuardPeer('oci', 'wg0', { publicKey: KEY_E, allowedIPs: ['10.255.0.7/32'] }),
    ],
    open,
  ).state.wireGuard;
  expect(shared.map(({ name, peers }) => [name, peers.length])).toEqual([['wg0', 2]]);
});

test('the kernel makes the device, and wireguard-go does not run', async () => {
  const machine = new Machine(true);
  const devices = new WireGuardDevices(machine.run, 'wireguard-go');
  expect(await devices.create(machine.device('wg0'))).toBeUndefined();
  expect(machine.ran('ip link add dev wg0 type wireguard')).toBe(1);
  expect(machine.ran('wireguard-go')).toBe(0);
});

test('wireguard-go makes the device where the kernel cannot, which is asked once', async () => {
  const machine = new Machine(false);
  const devices = new WireGuardDevices(machine.run, 'wireguard-go');
  for (const name of ['wg0', 'wg1']) expect(await devices.create(machine.device(name))).toBeUndefined();
  expect(machine.ran('ip link add')).toBe(1);
  expect([machine.ran('wireguard-go wg0'), machine.ran('wireguard-go wg1')]).toEqual([1, 1]);
});

test('where neither the kernel nor wireguard-go can make the device both are named', async () => {
  const machine = new Machine(false);
  const run: RunHostCommand = async (argv, options) =>
    argv[0] === 'wireguard-go'
      ? { ok: false, error: { code: 'command.not-found', argv, stdout: '', stderr: '' } }
      : machine.run(argv, options);
  expect(await new WireGuardDevices(run, 'wireguard-go').create(machine.device('wg0'))).toEqual({
    code: 'host.unsupported',
    detail: 'the kernel has no WireGuard, and wireguard-go is not installed',
    retry: 'later',
  });
});

test('a key is generated once, with mode 600 in a folder of mode 700, and reaches wg as the file that is its input', async () => {
  const machine = new Machine(true);
  const devices = new WireGuardDevices(machine.run, 'wireguard-go');
  const device = machine.device('wg0');
  await devices.create(device);
  await devices.configure(device, []);
  expect(machine.ran('wg genkey')).toBe(1);
  expect(readFileSync(device.privateKeyFile, 'utf8')).toBe(`${SECRET}\n`);
  expect((statSync(device.privateKeyFile).mode & 0o777).toString(8)).toBe('600');
  expect((statSync(path.dirname(device.privateKeyFile)).mode & 0o777).toString(8)).toBe('700');
  expect(JSON.stringify(machine.asked)).not.toContain(SECRET);
  expect(machine.ran('wg set wg0 private-key /dev/stdin ')).toBe(2);
  expect(machine.filesGiven).toEqual([`${SECRET}\n`, `${SECRET}\n`]);
});

test.each([
  ['is empty, which wg would take for none', (file: string) => writeFileSync(file, '', { mode: 0o600 }), 'is empty'],
  ['others may read', (file: string) => writeFileSync(file, SECRET, { mode: 0o644 }), 'may be read by others'],
  ['is a folder', (file: string) => mkdirSync(file, { mode: 0o700 }), 'is no file'],
  [
    'is a named pipe that nobody writes to',
    (file: string) => execFileSync('mkfifo', ['-m', '600', file]),
    'is no file',
  ],
])('a private key that %s is refused, and the device keeps what it has', async (_, put, words) => {
  const machine = new Machine(true);
  const device = { ...machine.device('wg0'), privateKeyFile: path.join(machine.directory, 'own') };
  put(device.privateKeyFile);
  const fault = await new WireGuardDevices(machine.run, 'wireguard-go').create(device);
  expect(fault).toMatchObject({ code: 'host.refused', detail: expect.stringContaining(words) });
  expect(machine.ran('wg')).toBe(0);
});

test('what is left of a key that was being written when the power went is made anew', async () => {
  const machine = new Machine(true);
  const device = { ...machine.device('wg0'), privateKeyFile: path.join(machine.directory, 'own') };
  writeFileSync(`${device.privateKeyFile}.new`, SECRET.slice(0, 9));
  expect(await new WireGuardDevices(machine.run, 'wireguard-go').create(device)).toBeUndefined();
  expect(readFileSync(device.privateKeyFile, 'utf8')).toBe(`${SECRET}\n`);
  expect(existsSync(`${device.privateKeyFile}.new`)).toBe(false);
});

test('a preshared key that others may read, or that does not exist, is refused before anything is set', async () => {
  const machine = new Machine(true);
  const devices = new WireGuardDevices(machine.run, 'wireguard-go');
  const presharedKeyFile = path.join(machine.directory, 'shared');
  const peer = { publicKey: KEY_A, allowedIPs: [], endpoint: undefined, persistentKeepalive: 0, presharedKeyFile };
  const device = machine.device('wg0', [peer]);
  expect(await devices.create(device)).toMatchObject({ code: 'host.not-found' });
  writeFileSync(presharedKeyFile, SECRET);
  chmodSync(presharedKeyFile, 0o640);
  expect(await devices.create(device)).toMatchObject({ code: 'host.refused' });
  expect(machine.ran('wg set')).toBe(0);
  chmodSync(presharedKeyFile, 0o600);
  expect(await devices.create(device)).toBeUndefined();
  expect(existsSync(presharedKeyFile)).toBe(true);
});

test('an endpoint that WireGuard learned is left alone, until the configuration names another', async () => {
  const host = createMemoryHost();
  const configured = (endpoint: string) =>
    lower([wireGuardInterface('wg0'), wireGuardPeer('far', 'wg0', { endpoint })], open).state;
  const first = diffHost(configured('192.0.2.1:51820'), host.shown(), []);
  await host.apply(first);
  const owned = first.flatMap(recordsOf);
  const shown = host.shown();
  const roamed = {
    ...shown,
    wireGuard: shown.wireGuard.map((device) => ({
      ...device,
      peers: device.peers.map((peer) => ({ ...peer, endpoint: '203.0.113.9:40000' })),
    })),
  };
  expect(diffHost(configured('192.0.2.1:51820'), roamed, owned)).toEqual([]);
  expect(diffHost(configured('192.0.2.2:51820'), roamed, owned)).toMatchObject([
    { verb: 'wireguard-configure', endpointsOf: [KEY_A] },
  ]);
});

test('keepalive is what the peer says; a peer that was given another gets it back', async () => {
  const host = createMemoryHost();
  const state = lower(
    [wireGuardInterface('wg0'), wireGuardPeer('far', 'wg0', { persistentKeepalive: 25 })],
    open,
  ).state;
  await host.apply(diffHost(state, host.shown(), []));
  const shown = host.shown();
  expect(shown.wireGuard[0]?.peers[0]?.persistentKeepalive).toBe(25);
  const changed = shown.wireGuard.map((device) => ({
    ...device,
    peers: device.peers.map((peer) => ({ ...peer, persistentKeepalive: 0 })),
  }));
  expect(verbsOf(diffHost(state, { ...shown, wireGuard: changed }, []))).toEqual(['wireguard-configure']);
});

test('a handshake is no change: its time is read and never compared', async () => {
  const host = createMemoryHost();
  const state = lower([wireGuardInterface('wg0'), wireGuardPeer('far', 'wg0')], open).state;
  await host.apply(diffHost(state, host.shown(), []));
  const shown = host.shown();
  const later = shown.wireGuard.map((device) => ({
    ...device,
    peers: device.peers.map((peer) => ({ ...peer, latestHandshake: 1_795_245_700 })),
  }));
  expect(diffHost(state, { ...shown, wireGuard: later }, [])).toEqual([]);
});

test('allowed prefixes come from claims, to the peer that delivers, and go with them', () => {
  const resources = [
    wireGuardInterface('wg0'),
    wireGuardPeer('aws', 'wg0', { allowedIPs: ['10.255.0.3/32'] }),
    wireGuardPeer('oci', 'wg0', { publicKey: KEY_E, allowedIPs: ['10.255.0.7/32'] }),
    overlayPeer('aws', { interface: 'wg0' }),
    overlayPeer('oci', { interface: 'wg0' }),
  ];
  const allowed = (...claims: Parameters<typeof lower>[0]) =>
    lower([...resources, ...claims], open).state.wireGuard[0]?.peers.map(({ allowedIPs }) => allowedIPs);
  expect(allowed()).toEqual([['10.255.0.3/32'], ['10.255.0.7/32']]);
  expect(allowed(proxyArpClaim('10.77.60.11/32', 'aws'))).toEqual([
    ['10.255.0.3/32', '10.77.60.11/32'],
    ['10.255.0.7/32'],
  ]);
  expect(allowed(proxyArpClaim('10.77.60.11/32', 'oci'))).toEqual([
    ['10.255.0.3/32'],
    ['10.255.0.7/32', '10.77.60.11/32'],
  ]);
});
