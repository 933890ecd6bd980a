/** A host of its own: a network namespace with `lan0` (cabled to a second namespace), `tun-a` and `tun-b`. */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bareAddress } from '@routerd/resources';
import { RecordingLog, runCommand, systemClock } from '@routerd/runtime';
import { createLinuxHost } from '../src/adapters/linux/linux-host.ts';
import type { HostRig } from '../src/contract.ts';

let opened = 0;

export interface Namespace {
  readonly name: string;
  /** Standard output; throws with what was said when the program fails. */
  run(...argv: readonly [string, ...string[]]): Promise<string>;
  batch(...lines: readonly string[]): Promise<void>;
  remove(): Promise<void>;
}

/** Unique on the machine: this process's id and a count. */
export async function makeNamespace(role: string): Promise<Namespace> {
  opened += 1;
  const name = `dp${process.pid}-${opened}${role}`;
  await must(['ip', 'netns', 'add', name]);
  const namespace: Namespace = {
    name,
    run: async (...argv) => must(['ip', 'netns', 'exec', name, ...argv]),
    batch: async (...lines) => {
      await must(['ip', '-n', name, '-batch', '-'], `${lines.join('\n')}\n`);
    },
    remove: async () => {
      const links = await must(['ip', '-n', name, '-o', 'link', 'show']);
      const pids = await must(['ip', 'netns', 'pids', name]);
      for (const pid of pids.split('\n').filter((line) => line !== '')) killIfAlive(Number(pid));
      await must(['ip', 'netns', 'del', name]);
      // wireguard-go that is killed leaves its socket, in a folder that all namespaces share.
      const devices = [...links.matchAll(/^\d+: (wg[^:@]+):/gm)].map((match) => match[1] ?? '');
      for (const device of devices) await rm(`/run/wireguard/${device}.sock`, { force: true });
    },
  };
  // A new namespace may inherit the settings of the first one; the kernel's own defaults are what the tests speak of.
  await namespace.run('sysctl', '-qw', 'net.ipv4.ip_forward=0', 'net.ipv4.conf.all.send_redirects=1');
  await namespace.run('sysctl', '-qw', 'net.ipv4.conf.default.send_redirects=1', 'net.ipv4.ip_nonlocal_bind=0');
  await namespace.batch('link set lo up');
  return namespace;
}

/** What was listed may have ended by itself since. */
function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ESRCH')) throw cause;
  }
}

export async function must(argv: readonly [string, ...string[]], input = ''): Promise<string> {
  const result = await runCommand(argv, { input });
  if (!result.ok) throw new Error(`${argv.join(' ')}: ${result.error.code} ${result.error.stderr}`);
  return result.value.stdout;
}

/** A cable between two namespaces, both ends up. */
export async function cable(a: Namespace, aDevice: string, b: Namespace, bDevice: string): Promise<void> {
  await must(['ip', 'link', 'add', aDevice, 'netns', a.name, 'type', 'veth', 'peer', 'name', bDevice, 'netns', b.name]);
  await Promise.all([a.batch(`link set ${aDevice} up`), b.batch(`link set ${bDevice} up`)]);
}

export interface NamespaceRig extends HostRig {
  readonly router: Namespace;
  readonly lan: Namespace;
}

export async function openNamespaceRig(): Promise<NamespaceRig> {
  const router = await makeNamespace('r');
  const lan = await makeNamespace('l');
  const directory = await mkdtemp(path.join(tmpdir(), 'dataplane-'));
  const sysctlDirectory = path.join(directory, 'sysctl.d');
  await mkdir(sysctlDirectory);
  await cable(router, 'lan0', lan, 'eth0');
  await router.batch(
    'addr add 10.77.60.2/24 dev lan0',
    'link add tun-a type ifb',
    'link add tun-b type ifb',
    'link set tun-a up',
    'link set tun-b up',
  );
  const wireGuardName = `wg${process.pid}-${opened}`;
  return {
    router,
    lan,
    directory,
    wireGuardName,
    host: createLinuxHost({
      clock: systemClock,
      log: new RecordingLog(),
      commandPrefix: ['ip', 'netns', 'exec', router.name],
      sysctlDirectory,
    }),
    show: async () => [...(await showHost(router)), ...(await readdir(sysctlDirectory))],
    deleteRoute: async (address, device) => router.batch(`route del ${address} dev ${device}`),
    addAddress: async (interfaceName, address) => router.batch(`address replace ${address} dev ${interfaceName}`),
    addForeignRoute: async (address, device, metric) =>
      router.batch(`route add ${bareAddress(address)}/32 dev ${device} metric ${metric}`),
    setLink: async (name, up) => router.batch(`link set ${name} ${up ? 'up' : 'down'}`),
    hasTunnels: async (mode) => {
      const ends = ['local', '192.0.2.77', 'remote', '192.0.2.78'];
      const made = await runCommand(['ip', '-n', router.name, 'link', 'add', 'probe', 'type', mode, ...ends]);
      if (made.ok) await router.batch('link del probe');
      return made.ok;
    },
    dispose: async () => {
      await rm(directory, { recursive: true, force: true });
      await router.remove();
      await lan.remove();
    },
  };
}

/** Addresses, all routes, proxy entries, all nftables, and the settings that the tests touch. */
async function showHost(router: Namespace): Promise<readonly string[]> {
  const parts = await Promise.all([
    router.run('ip', '-4', '-o', 'addr', 'show'),
    router.run('ip', '-4', 'route', 'show', 'table', 'all'),
    router.run('ip', 'neigh', 'show', 'proxy'),
    router.run('nft', 'list', 'ruleset'),
    router.run('sysctl', '-a', '-r', 'ipv4.(conf|neigh|ip_)'),
  ]);
  return parts
    .flatMap((text) => text.split('\n'))
    .filter((line) => line !== '')
    .toSorted();
}
