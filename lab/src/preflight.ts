/** What the lab needs of the machine, looked at before anything is made; every lack is told at once, with its remedy. */
import { accessSync, constants, existsSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from '@routerd/runtime';
import { readInotifyRoom, type InotifyRoom } from './inotify-room.ts';
import { LabFault } from './lab-fault.ts';
import { peersOf, type Topology } from './topology.ts';

const COMMANDS: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  tc: 'iproute2',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  sysctl: 'procps',
  nft: 'nftables',
  wg: 'wireguard-tools',
  'wireguard-go': 'wireguard-go',
  'nats-server': 'nats-server',
  arping: 'iputils-arping',
  ping: 'iputils-ping',
  fping: 'fping',
  tcpdump: 'tcpdump',
  conntrack: 'conntrack',
  sshd: 'openssh-server',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  openssl: 'openssl',
  socat: 'socat',
};

interface Lack {
  readonly what: string;
  readonly remedy: string;
}

export async function preflight(topology: Topology): Promise<void> {
  const lacks = [...missingCommands(), ...missingRights()];
  if (lacks.length === 0) lacks.push(...(await missingKernelParts()), ...(await missingInotify(topology)));
  if (lacks.length === 0) return;
  throw new LabFault(
    'lab.preflight',
    `This machine cannot run the lab:\n${lacks.map(({ what }) => `  - ${what}`).join('\n')}`,
    lacks.map(({ remedy }) => remedy).join('\n          '),
  );
}

function missingCommands(): readonly Lack[] {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  const missing = Object.entries(COMMANDS).filter(
    ([command]) => !folders.some((folder) => existsSync(path.join(folder, command))),
  );
  if (missing.length === 0) return [];
  const packages = [...new Set(missing.map(([, name]) => name))].join(' ');
  return [
    {
      what: `commands are not installed: ${missing.map(([command]) => command).join(', ')}`,
      remedy: `apt-get install -y --no-install-recommends ${packages}   (as root; "npm run lab" does it by itself then)`,
    },
  ];
}

function missingRights(): readonly Lack[] {
  if (process.platform !== 'linux') {
    return [{ what: `this is ${process.platform}, not Linux`, remedy: 'Use a Linux machine, for example Debian 12.' }];
  }
  if (process.getuid?.() !== 0) {
    return [{ what: 'not root: network namespaces need it', remedy: 'Run it again as root: sudo npm run demo' }];
  }
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    return [];
  } catch {
    const remedy = 'mkdir -p /dev/net && mknod /dev/net/tun c 10 200   (in a container: pass --device /dev/net/tun)';
    return [{ what: '/dev/net/tun is not there or not accessible: userspace WireGuard needs it', remedy }];
  }
}

/** Tries what the lab does most, on throw-away namespaces that end with the command. */
async function missingKernelParts(): Promise<readonly Lack[]> {
  const trial = `mount -t tmpfs tmpfs /run && ip link add name try0 type veth peer name try1 && ip link add name try2 type bridge &&
    nft 'add table ip try; add set ip try pairs { type ifname . ipv4_addr; }'`;
  const result = await runCommand(['unshare', '-n', '-m', '-u', '-p', '--fork', 'sh', '-c', trial]);
  if (result.ok) return [];
  return [
    {
      what: `namespaces, veth, bridges or nftables do not work here: ${result.error.stderr.trim()}`,
      remedy: 'In a container, give it CAP_SYS_ADMIN and CAP_NET_ADMIN (docker run --privileged).',
    },
  ];
}

/** Tunnels in user space take an inotify instance at each end, and a daemon takes one. */
async function missingInotify({ federated }: Topology): Promise<readonly Lack[]> {
  const wanted = federated.reduce((sum, router) => sum + peersOf(router, federated).length + 1, 0);
  const lack = lackOfInotify(readInotifyRoom(), wanted);
  if (lack === undefined) return [];
  const kernel = await runCommand(['unshare', '-n', 'ip', 'link', 'add', 'name', 'try0', 'type', 'wireguard']);
  return kernel.ok ? [] : [lack];
}

/** Exported for its test. */
export function lackOfInotify({ limit, used }: InotifyRoom, wanted: number): Lack | undefined {
  if (used + wanted <= limit) return undefined;
  const enough = 2 ** Math.ceil(Math.log2(used + wanted));
  return {
    what: `tunnels and daemons need ${wanted} inotify instances; of the ${limit} that a user may have ${used} are taken, by another lab or other programs`,
    remedy: `Take the other lab down, or: sysctl fs.inotify.max_user_instances=${enough}`,
  };
}
