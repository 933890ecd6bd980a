/**
 * Each check of doctor that reads the kernel, broken and mended on a real one:
 *
 *   lan 10.77.60.100 eth0 ── lan0 10.77.60.2 router ── nic0 (captured at a provider), WireGuard to nobody
 */
import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createHostReconciler, createLinuxHost, lower, MemoryLedger, type VrrpRole } from '@routerd/dataplane';
import type { Resource } from '@routerd/resources';
import { RecordingLog, runCommand, systemClock, type CommandOptions, type CommandResult } from '@routerd/runtime';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readHostFacts } from '../src/doctor/adapters/read-host.ts';
import { readPluginFile } from '../src/doctor/adapters/read-plugin-files.ts';
import { HOST_CHECKS } from '../src/doctor/catalogue.ts';
import { examine } from '../src/doctor/examine.ts';
import type { Finding, FindingStatus } from '../src/doctor/finding.ts';
import { factsOf, resource } from './doctor-facts.ts';

const ROUTER = `dh${process.pid}-r`;
const LAN = `dh${process.pid}-l`;
const TUNNEL = `wg${process.pid}`;
const inside = ['ip', 'netns', 'exec'] as const;
const closing: (() => Promise<unknown>)[] = [];
let effective: readonly Resource[];
let publicKey: string;
/** What `iptables -S` says: the program is not on every machine that runs tests, and its words are all that the check reads. */
let iptablesRules = ['-P INPUT ACCEPT', '-P FORWARD ACCEPT'];

async function must(...argv: readonly [string, ...string[]]): Promise<string> {
  const result = await runCommand(argv);
  if (!result.ok) throw new Error(`${argv.join(' ')}: ${result.error.code} ${result.error.stderr}`);
  return result.value.stdout;
}

beforeAll(async () => {
  for (const name of [ROUTER, LAN]) {
    await must('ip', 'netns', 'add', name);
    closing.push(async () => {
      const pids = (await must('ip', 'netns', 'pids', name)).split('\n').filter((pid) => pid !== '');
      for (const pid of pids) await runCommand(['kill', '-KILL', pid]);
      await must('ip', 'netns', 'del', name);
    });
    await must('ip', '-n', name, 'link', 'set', 'lo', 'up');
  }
  const directory = await mkdtemp(path.join(tmpdir(), 'doctor-host-'));
  closing.push(async () => rm(directory, { recursive: true, force: true }));
  closing.push(async () => rm(`/run/wireguard/${TUNNEL}.sock`, { force: true }));
  await must('ip', 'link', 'add', 'lan0', 'netns', ROUTER, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', LAN);
  await must('ip', '-n', ROUTER, 'link', 'add', 'nic0', 'type', 'ifb');
  for (const link of ['lan0', 'nic0']) await must('ip', '-n', ROUTER, 'link', 'set', link, 'up');
  await must('ip', '-n', LAN, 'link', 'set', 'eth0', 'up');
  await must('ip', '-n', ROUTER, 'addr', 'add', '10.77.60.2/24', 'dev', 'lan0');
  await must('ip', '-n', LAN, 'addr', 'add', '10.77.60.100/24', 'dev', 'eth0');
  publicKey = execFileSync('sh', ['-c', 'wg genkey | wg pubkey'], { encoding: 'utf8' }).trim();
  effective = configuration(path.join(directory, 'key'));
  await restore();
});
afterAll(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

function configuration(privateKeyFile: string): readonly Resource[] {
  const claim = (name: string, address: string, capture: object): Resource =>
    resource('hybrid', 'RemoteAddressClaim', name, {
      domainRef: 'lan',
      address,
      ownerSide: 'cloud',
      capture,
      delivery: { peerRef: 'cloud' },
    });
  return [
    resource('net', 'WireGuardInterface', TUNNEL, { privateKeyFile, listenPort: 20_000 + (process.pid % 9000) }),
    resource('net', 'WireGuardPeer', 'cloud', {
      interface: TUNNEL,
      publicKey,
      allowedIPs: ['10.9.0.0/16', '10.77.60.0/24'],
    }),
    resource('net', 'VirtualAddress', 'gateway', {
      interface: 'lan0',
      address: '10.77.60.1/32',
      mode: 'vrrp',
      vrrp: { virtualRouterID: 60, peers: ['10.77.60.3'] },
    }),
    resource('firewall', 'FirewallZone', 'lan', { role: 'trust', interfaces: ['lan0', TUNNEL] }),
    resource('hybrid', 'OverlayPeer', 'cloud', {
      role: 'cloud',
      nodeID: 'cloud',
      underlay: { type: 'wireguard', interface: TUNNEL },
    }),
    resource('hybrid', 'HybridRoute', 'vpc', { destinationCIDRs: ['10.9.0.0/16'], peerRef: 'cloud' }),
    resource('hybrid', 'AddressMobilityDomain', 'lan', { prefix: '10.77.60.0/24', mode: 'selective-address' }),
    claim('proxied', '10.77.60.10/32', {
      type: 'proxy-arp',
      interface: 'lan0',
      gratuitousARP: false,
      activeWhen: { type: 'vrrp-master', virtualAddressRef: 'gateway' },
    }),
    claim('assigned', '10.77.60.11/32', {
      type: 'provider-secondary-ip',
      providerRef: 'aws',
      providerMode: 'eni-secondary-ip',
      nicRef: 'eni-1',
      interface: 'nic0',
    }),
  ];
}

function lowered(role: VrrpRole) {
  return lower(effective, { isCaptureOpen: () => false, isVrrpMaster: () => role === 'master' });
}

/** The host as a daemon makes it and leaves it: nothing here repairs anything by itself. */
async function restore(): Promise<void> {
  const ports = { clock: systemClock, log: new RecordingLog() };
  const host = createLinuxHost({ ...ports, commandPrefix: [...inside, ROUTER] });
  const reconciler = createHostReconciler({ ...ports, host, ledger: new MemoryLedger() });
  reconciler.start();
  reconciler.setDesired(lowered('master').state);
  await reconciler.settled();
  const { residuals } = reconciler.status();
  await reconciler.stop();
  expect(residuals).toEqual([]);
}

interface Circumstances {
  readonly role?: VrrpRole;
  readonly namespace?: string;
  readonly probed?: readonly string[];
}

/** The worst that is found of a check; undefined when nothing is said. */
async function findingOf(code: string, circumstances: Circumstances): Promise<Finding | undefined> {
  const { role = 'master', namespace = ROUTER, probed = [] } = circumstances;
  const { claims, state } = lowered(role);
  const prefix = [...inside, namespace] as const;
  const run = async (argv: readonly [string, ...string[]], options?: CommandOptions): Promise<CommandResult> => {
    if (argv[0] !== 'iptables') return runCommand([...prefix, ...argv], options);
    const ofChain = iptablesRules.filter((rule) => rule.includes(` ${argv[2] ?? ''}`));
    return { ok: true, value: { stdout: `${ofChain.join('\n')}\n`, stderr: '' } };
  };
  const host = createLinuxHost({ clock: systemClock, log: new RecordingLog(), commandPrefix: prefix });
  const facts = factsOf({
    effective,
    claims,
    mssClamps: state.mssClamps,
    roleOf: () => role,
    host: await readHostFacts({ host, run }, claims, new Set(probed)),
  });
  const rank: readonly FindingStatus[] = ['skip', 'pass', 'warn', 'fail'];
  return examine(facts, ['hybrid'])
    .checks.filter((finding) => finding.code === `hybrid.${code}`)
    .toSorted((a, b) => rank.indexOf(b.status) - rank.indexOf(a.status))[0];
}

interface Case extends Circumstances {
  readonly code: (typeof HOST_CHECKS)[number];
  readonly broken: FindingStatus;
  /** Where it is not `pass` on a sound host; undefined: nothing is said. */
  readonly sound?: FindingStatus | undefined;
  readonly break: () => Promise<unknown>;
  /** `as told`: the first command of the remedy, as often as the check then says something else that is wrong. */
  readonly mend: 'as told' | (() => Promise<unknown>);
  /** Takes away what it was broken with, where mending leaves it. */
  readonly after?: () => Promise<unknown>;
  /** Of the broken and the sound host, where they differ in more than what is done to it. */
  readonly whenBroken?: Circumstances;
}

const ip = async (...words: readonly string[]) => must('ip', '-n', ROUTER, ...words);
const router = async (...argv: readonly string[]) => must(...inside, ROUTER, ...argv);
const set = (name: string, value: string) => async () => router('sysctl', '-qw', `${name}=${value}`);

const cases: readonly Case[] = [
  {
    code: 'route-installed',
    broken: 'warn',
    break: async () => ip('route', 'del', '10.9.0.0/16'),
    mend: restore,
  },
  {
    code: 'ip-forward',
    broken: 'warn',
    break: set('net.ipv4.ip_forward', '0'),
    mend: set('net.ipv4.ip_forward', '1'),
  },
  {
    code: 'delivery-route',
    broken: 'warn',
    break: async () => ip('route', 'del', '10.77.60.11/32'),
    mend: restore,
  },
  {
    code: 'route-get',
    broken: 'warn',
    break: async () => ip('rule', 'add', 'to', '10.77.60.11', 'unreachable', 'pref', '10'),
    mend: async () => ip('rule', 'del', 'pref', '10'),
  },
  {
    code: 'allowed-ips',
    broken: 'fail',
    break: async () => router('wg', 'set', TUNNEL, 'peer', publicKey, 'allowed-ips', '10.9.0.0/16'),
    mend: restore,
  },
  ...(['mss-to-tunnel', 'mss-to-capture'] as const).map((code): Case => ({
    code,
    broken: 'warn',
    break: async () => router('nft', 'delete', 'table', 'inet', 'routerd_mss'),
    mend: restore,
  })),
  {
    code: 'host-firewall',
    broken: 'warn',
    break: async () => (iptablesRules = ['-P INPUT ACCEPT', '-P FORWARD DROP']),
    mend: async () => (iptablesRules = ['-P INPUT ACCEPT', '-P FORWARD ACCEPT']),
  },
  {
    code: 'foreign-table',
    broken: 'warn',
    break: async () => {
      await router('nft', 'add table inet theirs');
      await router('nft', 'add chain inet theirs way { type filter hook forward priority 5; policy accept; }');
      await router('nft', 'add rule inet theirs way ip daddr 10.77.60.0/28 counter drop');
    },
    mend: 'as told',
    after: async () => router('nft', 'delete table inet theirs'),
  },
  {
    code: 'forward-policy',
    broken: 'warn',
    break: async () => router('nft', 'chain inet routerd_filter forward { policy drop; }'),
    mend: async () => router('nft', 'chain inet routerd_filter forward { policy accept; }'),
  },
  {
    code: 'capture-interface',
    broken: 'fail',
    break: async () => router('sh', '-c', 'ip link set lan0 down; ip link set lan0 name lan9'),
    mend: async () => {
      await router('sh', '-c', 'ip link set lan9 name lan0; ip link set lan0 up');
      await restore();
    },
  },
  {
    code: 'proxy-arp',
    broken: 'warn',
    break: set('net.ipv4.conf.lan0.proxy_arp', '1'),
    mend: 'as told',
  },
  {
    code: 'proxy-neighbor',
    broken: 'fail',
    break: async () => ip('neigh', 'del', 'proxy', '10.77.60.10', 'dev', 'lan0'),
    mend: restore,
  },
  {
    code: 'closed-gate',
    broken: 'fail',
    sound: 'skip',
    role: 'backup',
    break: restore,
    mend: 'as told',
  },
  {
    code: 'duplicate-responder',
    broken: 'fail',
    probed: ['proxied'],
    break: async () => {
      await restore(); // the case before left this router without the neighbour
      await must('ip', '-n', LAN, 'addr', 'add', '10.77.60.10/24', 'dev', 'eth0');
    },
    mend: async () => must('ip', '-n', LAN, 'addr', 'del', '10.77.60.10/24', 'dev', 'eth0'),
  },
  {
    code: 'rp-filter',
    broken: 'warn',
    break: set('net.ipv4.conf.lan0.rp_filter', '1'),
    mend: 'as told',
    after: set('net.ipv4.conf.lan0.rp_filter', '0'),
  },
  {
    code: 'os-address',
    broken: 'warn',
    break: async () => ip('addr', 'add', '10.77.60.11/24', 'dev', 'nic0'),
    mend: 'as told',
    after: restore,
  },
  {
    code: 'host',
    broken: 'fail',
    sound: undefined,
    whenBroken: { namespace: `${ROUTER}-gone` },
    break: async () => undefined,
    mend: async () => undefined,
  },
];

test('every check that reads the kernel has a case', () => {
  expect(cases.map(({ code }) => code)).toEqual([...HOST_CHECKS]);
});

test.each(cases)('$code is told when it is broken, and passes when it is mended', async (entry) => {
  await entry.break();
  const broken = await findingOf(entry.code, { ...entry, ...entry.whenBroken });
  expect(broken).toMatchObject({ status: entry.broken });
  expect(broken?.remedy).not.toBe('');
  const sound = 'sound' in entry ? entry.sound : 'pass';
  if (entry.mend === 'as told') await doAsTold(entry, sound);
  else await entry.mend();
  expect((await findingOf(entry.code, entry))?.status, `${entry.code} when mended`).toBe(sound);
  await entry.after?.();
});

/** More than the places that one thing can be broken in. */
const REMEDIES_MAX = 8;

async function doAsTold(entry: Case, sound: FindingStatus | undefined): Promise<void> {
  for (let tried = 0; tried < REMEDIES_MAX; tried += 1) {
    const finding = await findingOf(entry.code, entry);
    if (finding?.status === sound) return;
    const [, command = ''] = /`([^`]+)`/.exec(finding?.remedy ?? '') ?? [];
    expect(command, finding?.remedy).not.toBe('');
    await router('sh', '-c', command);
  }
}

test('plugin.executable tells a file that is missing, is none, or may not be run', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'doctor-plugin-'));
  closing.push(async () => rm(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'plugin');
  const statusOf = async (): Promise<FindingStatus | undefined> => {
    const found = await readPluginFile(file);
    const facts = factsOf({ plugins: [{ name: 'x', executable: file, file: found, observing: undefined }] });
    return examine(facts, ['plugin']).checks[0]?.status;
  };
  expect(await statusOf()).toBe('fail');
  await writeFile(file, '#!/bin/sh\n', { mode: 0o600 });
  expect(await statusOf()).toBe('fail');
  await chmod(file, 0o700);
  expect(await statusOf()).toBe('pass');
});
