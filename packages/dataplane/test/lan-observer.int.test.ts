/**
 *   client .100 ──┐
 *   router A .2 ──┤ bridge 10.77.60.1
 *   router B .3 ──┘
 *
 * A captures .11 by proxy ARP; both have the delivery route. Which first packets of a machine does either of them see, and when?
 */
import { hostAddressOf, parseIpv4, parseIpv4Prefix, type HostAddress } from '@routerd/resources';
import { RecordingLog, systemClock } from '@routerd/runtime';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLinuxHost } from '../src/adapters/linux/linux-host.ts';
import { createLinuxLanWire } from '../src/adapters/linux/linux-lan-wire.ts';
import { createLanObserver, type LanObserver } from '../src/lan/lan-observer.ts';
import { cable, makeNamespace, type Namespace } from './namespace-rig.ts';

const POOL = parsePrefix('10.77.60.0/24');
const CLIENT = '10.77.60.100/32';

interface Router {
  readonly namespace: Namespace;
  readonly seen: { readonly address: HostAddress; readonly at: number }[];
  readonly gone: HostAddress[];
  readonly observer: LanObserver;
  readonly watching: { stop(): Promise<void> };
}

const FIRST_PACKETS: readonly (readonly [string, readonly [string, ...string[]]])[] = [
  ['a gratuitous ARP reply', ['arping', '-q', '-A', '-c', '1', '-I', 'lan0', '-s', '10.77.60.100', '10.77.60.100']],
  ['a gratuitous ARP request', ['arping', '-q', '-U', '-c', '1', '-I', 'lan0', '-s', '10.77.60.100', '10.77.60.100']],
  ['an ARP request for its gateway, which is no router of ours', ['ping', '-c', '1', '-W', '0.1', '10.77.60.1']],
  ['an ARP request for a captured address', ['ping', '-c', '1', '-W', '0.1', '10.77.60.11']],
  ['an ARP request for an address that nobody has', ['ping', '-c', '1', '-W', '0.1', '10.77.60.222']],
];

let namespaces: Namespace[];
let routers: Router[];
let client: Namespace;
let lan: Namespace;

beforeEach(async () => {
  namespaces = [];
  routers = [];
  lan = await add('l');
  client = await add('c');
  const [a, b] = [await add('a'), await add('b')];
  await lan.batch(
    'link add br0 type bridge forward_delay 0 mcast_snooping 0',
    'link set br0 up',
    'addr add 10.77.60.1/24 dev br0',
  );
  await lan.run('sysctl', '-qw', 'net.bridge.bridge-nf-call-arptables=0', 'net.bridge.bridge-nf-call-iptables=0');
  for (const [index, namespace] of [client, a, b].entries()) {
    await cable(namespace, 'lan0', lan, `p${index}`);
    await lan.batch(`link set p${index} master br0`);
  }
  await client.batch('addr add 10.77.60.100/24 dev lan0');
  await a.batch('addr add 10.77.60.2/24 dev lan0', 'link add tun0 type ifb', 'link set tun0 up');
  await a.batch('route add 10.77.60.11/32 dev tun0 metric 120', 'neigh add proxy 10.77.60.11 dev lan0');
  await a.run('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.neigh.lan0.proxy_delay=0');
  await b.batch('addr add 10.77.60.3/24 dev lan0');
  routers = [await observe(a), await observe(b)];
  // Each has heard the other: nothing that a router says is taken for a client from now on.
  await until(() => routers.every(({ observer }) => observer.routers().size === 1));
});

afterEach(async () => {
  for (const { observer, watching } of routers) {
    await observer.stop();
    await watching.stop();
  }
  for (const namespace of namespaces) await namespace.remove();
});

describe('a machine is seen within milliseconds of its first packet', () => {
  test.each(FIRST_PACKETS)('by both routers, when it is %s', async (_, argv) => {
    const sentAt = performance.now();
    const sent = client.run(...argv).catch(() => ''); // nobody answers some of them
    await until(() => routers.every(({ seen }) => seen.length > 0));
    await sent;
    const delays = routers.map(({ seen }) => (seen[0]?.at ?? 0) - sentAt);
    console.log(
      `seen after ${delays.map((delay) => delay.toFixed(1)).join(' and ')} ms, start of the sender's process included`,
    );
    for (const { seen } of routers) expect(seen.map(({ address }) => address)).toEqual([CLIENT]);
  });

  test('by the router it speaks to, when it is plain IP and the sender knew its MAC already', async () => {
    const [a] = routers;
    if (a === undefined) throw new Error('no router');
    const link = await a.namespace.run('cat', '/sys/class/net/lan0/address');
    await client.batch(`neigh replace 10.77.60.2 lladdr ${link.trim()} dev lan0 nud permanent`);
    await client.run('bash', '-c', 'echo x > /dev/udp/10.77.60.2/9');
    await until(() => a.seen.length > 0);
    expect(a.seen.map(({ address }) => address)).toEqual([CLIENT]);
  });
});

test('routers that resolve clients are not taken for clients, not even the one that captures', async () => {
  const [a, b] = routers;
  if (a === undefined || b === undefined) throw new Error('no routers');
  await a.namespace.run('ping', '-c', '1', '-W', '1', '10.77.60.100');
  await b.namespace.run('ping', '-c', '1', '-W', '1', '10.77.60.100');
  await a.namespace.run('sysctl', '-qw', 'net.ipv4.ip_nonlocal_bind=1');
  await a.namespace.run('arping', '-q', '-A', '-c', '1', '-I', 'lan0', '-s', '10.77.60.11', '10.77.60.11');
  await client.run('ping', '-c', '1', '-W', '1', '10.77.60.3');
  await until(() => routers.every(({ seen }) => seen.length > 0));
  for (const { seen } of routers) expect(seen.map(({ address }) => address)).toEqual([CLIENT]);
});

test('a machine that says nothing by itself is found by asking for it', async () => {
  const [a] = routers;
  if (a === undefined) throw new Error('no router');
  expect(a.seen).toEqual([]);
  await a.observer.lookFor([addressOf('10.77.60.100'), addressOf('10.77.60.101')]);
  await until(() => a.seen.length > 0);
  expect(a.seen.map(({ address }) => address)).toEqual([CLIENT]);
});

test('a machine that was unplugged is gone once the kernel gives up on it and three questions stay unanswered', async () => {
  const [a] = routers;
  if (a === undefined) throw new Error('no router');
  await client.run('ping', '-c', '1', '-W', '1', '10.77.60.2');
  await until(() => a.seen.length > 0);
  await client.batch('link set lan0 down');
  await a.namespace.batch('neigh flush dev lan0');
  await a.namespace.run('ping', '-c', '1', '-W', '1', '10.77.60.100').catch(() => '');
  await until(() => a.gone.length > 0, 60_000);
  expect(a.gone).toEqual([CLIENT]);
});

async function add(role: string): Promise<Namespace> {
  const namespace = await makeNamespace(role);
  namespaces.push(namespace);
  return namespace;
}

async function observe(namespace: Namespace): Promise<Router> {
  const commandPrefix = ['ip', 'netns', 'exec', namespace.name];
  const ports = { clock: systemClock, log: new RecordingLog(), commandPrefix };
  const seen: { address: HostAddress; at: number }[] = [];
  const gone: HostAddress[] = [];
  const own = new Set((await namespace.run('hostname', '-I')).split(' ').map((quad) => `${quad.trim()}/32`));
  const observer = createLanObserver(
    { ...ports, wire: createLinuxLanWire(ports) },
    {
      interfaceName: 'lan0',
      prefix: POOL,
      isIgnored: (address) => own.has(address) || address === '10.77.60.11/32',
      onObserved: (address) => seen.push({ address, at: performance.now() }),
      onGone: (address) => gone.push(address),
    },
  );
  observer.start();
  const watching = createLinuxHost(ports).watch((event) => {
    if (event.kind === 'neighbor') observer.acceptNeighbor(event);
  });
  return { namespace, seen, gone, observer, watching };
}

async function until(holds: () => boolean, deadlineMs = 30_000): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`did not hold within ${deadlineMs} ms`);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

function addressOf(quad: string): HostAddress {
  const parsed = parseIpv4(quad);
  if (!parsed.ok) throw new Error(parsed.error.code);
  return hostAddressOf(parsed.value);
}

function parsePrefix(text: string) {
  const parsed = parseIpv4Prefix(text);
  if (!parsed.ok) throw new Error(parsed.error.code);
  return parsed.value;
}
