/**
 * Two routers on one LAN capture the same two addresses, each with a whole node, a real keepalived and a kernel of its own:
 *
 *   a lan0 10.77.60.2 (priority 150) ──┐
 *                                      ├── br0 10.77.60.9, where every answer to ARP is written down
 *   b lan0 10.77.60.3 (priority 100) ──┘
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { createMemoryExecutor, createMemoryJournal } from '@routerd/actions';
import { createKeepalived, createLinuxHost, MemoryLedger } from '@routerd/dataplane';
import { MemoryHighWaterStore } from '@routerd/federation';
import { parseResource, type Resource } from '@routerd/resources';
import { RecordingLog, runCommand, systemClock } from '@routerd/runtime';
import { afterEach, expect, test } from 'vitest';
import { composeNode, nodeSettings, type RoutingNode } from '../src/index.ts';
import { resourceViews } from '../src/views/resource-view.ts';

const CAPTURED = ['10.77.60.10', '10.77.60.11'] as const;
/** Both answers to one request arrive within this; requests are further apart. */
const SAME_REQUEST_MS = 40;
const REQUEST_EVERY_MS = 150;
/** A slow machine that does much else; what was quick is printed. */
const PATIENCE = { timeout: 30_000 } as const;
const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function must(...argv: readonly [string, ...string[]]): Promise<string> {
  const result = await runCommand(argv);
  if (!result.ok) throw new Error(`${argv.join(' ')}: ${result.error.code} ${result.error.stderr}`);
  return result.value.stdout;
}

async function makeNamespace(role: string): Promise<string> {
  const name = `vp${process.pid}-${role}`;
  await must('ip', 'netns', 'add', name);
  closing.push(async () => {
    const pids = (await must('ip', 'netns', 'pids', name)).split('\n').filter((pid) => pid !== '');
    // One that has ended by itself since makes `kill` fail, and is gone all the same.
    for (const pid of pids) await runCommand(['kill', '-KILL', pid]);
    await must('ip', 'netns', 'del', name);
  });
  await must('ip', '-n', name, 'link', 'set', 'lo', 'up');
  return name;
}

function resource(group: string, kind: string, name: string, spec: object): Resource {
  const parsed = parseResource({ apiVersion: `${group}.routerd.net/v1alpha1`, kind, metadata: { name }, spec });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

function startupOf(priority: number, peer: string): readonly Resource[] {
  return [
    resource('net', 'VirtualAddress', 'gateway', {
      interface: 'lan0',
      address: '10.77.60.1/32',
      mode: 'vrrp',
      vrrp: { virtualRouterID: 60, priority, peers: [peer] },
    }),
    resource('hybrid', 'OverlayPeer', 'cloud', {
      role: 'cloud',
      nodeID: 'cloud',
      underlay: { type: 'route', interface: 'tun0' },
    }),
    resource('hybrid', 'AddressMobilityDomain', 'lan', { prefix: '10.77.60.0/24', mode: 'selective-address' }),
    ...CAPTURED.map((address) =>
      resource('hybrid', 'RemoteAddressClaim', `claim-${address.replaceAll('.', '-')}`, {
        domainRef: 'lan',
        address: `${address}/32`,
        ownerSide: 'cloud',
        capture: {
          type: 'proxy-arp',
          interface: 'lan0',
          activeWhen: { type: 'vrrp-master', virtualAddressRef: 'gateway' },
        },
        delivery: { peerRef: 'cloud' },
      }),
    ),
  ];
}

interface Router {
  readonly namespace: string;
  readonly mac: string;
  readonly directory: string;
  start(): Promise<RoutingNode>;
}

async function makeRouter(lan: string, role: 'a' | 'b', priority: number): Promise<Router> {
  const namespace = await makeNamespace(role);
  const [own, peer] = role === 'a' ? ['10.77.60.2', '10.77.60.3'] : ['10.77.60.3', '10.77.60.2'];
  await must(
    'ip',
    'link',
    'add',
    'lan0',
    'netns',
    namespace,
    'type',
    'veth',
    'peer',
    'name',
    `to-${role}`,
    'netns',
    lan,
  );
  await must('ip', '-n', lan, 'link', 'set', `to-${role}`, 'master', 'br0', 'up');
  await must('ip', '-n', namespace, 'addr', 'add', `${own}/24`, 'dev', 'lan0');
  await must('ip', '-n', namespace, 'link', 'set', 'lan0', 'up');
  await must('ip', '-n', namespace, 'link', 'add', 'tun0', 'type', 'ifb');
  await must('ip', '-n', namespace, 'link', 'set', 'tun0', 'up');
  const directory = await mkdtemp(path.join(tmpdir(), `vrrp-pair-${role}-`));
  closing.push(async () => rm(directory, { recursive: true, force: true }));
  const ledger = new MemoryLedger();
  const mac = /link\/ether (\S+)/.exec(await must('ip', '-n', namespace, 'link', 'show', 'lan0'))?.[1] ?? '';
  const start = async (): Promise<RoutingNode> => {
    const settings = nodeSettings(startupOf(priority, peer));
    if (!settings.ok) throw new Error(settings.error.message);
    const ports = { clock: systemClock, log: new RecordingLog() };
    const commandPrefix = ['ip', 'netns', 'exec', namespace];
    const node = composeNode(settings.value, {
      ...ports,
      host: createLinuxHost({ ...ports, commandPrefix, sysctlDirectory: directory }),
      vrrp: createKeepalived({ ...ports, commandPrefix, directory: path.join(directory, 'vrrp') }),
      ledger,
      random: () => 0.5,
      executor: createMemoryExecutor(systemClock),
      journal: createMemoryJournal(),
      leases: { loadLeases: () => [], saveLeases: () => undefined },
      highWater: new MemoryHighWaterStore(),
      federation: () => ({ ok: false, error: { code: 'none', message: 'there is no group' } }),
    });
    if (!node.ok) throw new Error(node.error.message);
    closing.push(async () => node.value.stop());
    await node.value.start();
    return node.value;
  };
  return { namespace, mac, directory, start };
}

interface Answer {
  /** Milliseconds. */
  readonly at: number;
  readonly address: string;
  readonly mac: string;
}

/** Asks for the captured addresses all the time, and writes down who answers. */
async function watchAnswers(lan: string): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  const heard = spawn('ip', [
    'netns',
    'exec',
    lan,
    'tcpdump',
    '-i',
    'br0',
    '-n',
    '-tt',
    '-l',
    'arp[6:2]=2 and not ether broadcast',
  ]);
  createInterface({ input: heard.stdout }).on('line', (line) => {
    const [, at, address, mac] = /^([\d.]+) ARP, Reply (\S+) is-at ([0-9a-f:]+)/.exec(line) ?? [];
    if (at !== undefined && address !== undefined && mac !== undefined)
      answers.push({ at: Number(at) * 1000, address, mac });
  });
  const listening = new Promise<void>((resolve) => {
    createInterface({ input: heard.stderr }).on('line', (line) => {
      if (line.startsWith('listening')) resolve();
    });
  });
  closing.push(async () => {
    heard.kill('SIGKILL');
  });
  await listening;
  const asking = setInterval(() => {
    for (const address of CAPTURED)
      void runCommand(['ip', 'netns', 'exec', lan, 'arping', '-q', '-c', '1', '-w', '1', '-I', 'br0', address]);
  }, REQUEST_EVERY_MS);
  closing.push(async () => clearInterval(asking));
  return answers;
}

/** Pairs of answers to one request by two routers. */
function doubles(answers: readonly Answer[]): readonly string[] {
  return answers.flatMap((answer, index) =>
    answers
      .slice(index + 1)
      .filter((other) => other.address === answer.address && other.mac !== answer.mac)
      .filter((other) => Math.abs(other.at - answer.at) < SAME_REQUEST_MS)
      .map((other) => `${answer.address} by ${answer.mac} and ${other.mac} at ${answer.at}`),
  );
}

/** @returns milliseconds until `router` answers for both addresses, from now on */
async function answeredBy(answers: readonly Answer[], { mac }: Router): Promise<number> {
  const since = Date.now();
  const isNew = (answer: Answer, address: string): boolean =>
    answer.at > since && answer.mac === mac && answer.address === address;
  await expect
    .poll(() => CAPTURED.every((address) => answers.some((answer) => isNew(answer, address))), {
      ...PATIENCE,
      interval: 10,
    })
    .toBe(true);
  return Date.now() - since;
}

async function captures({ namespace }: Router): Promise<number> {
  return (await must('ip', '-n', namespace, 'neigh', 'show', 'proxy')).split('\n').filter((line) => line !== '').length;
}

async function signalKeepalived({ directory }: Router, signal: NodeJS.Signals): Promise<void> {
  const files = signal === 'SIGKILL' ? ['vrrp.pid', 'keepalived.pid'] : ['keepalived.pid'];
  const texts = await Promise.all(files.map(async (file) => readFile(path.join(directory, 'vrrp', file), 'utf8')));
  // All are read before one is killed: the other ends by itself then, and its file with it.
  for (const text of texts) process.kill(Number(text), signal);
}

function claimsOf(node: RoutingNode): readonly unknown[] {
  return resourceViews(node.view, { kind: 'RemoteAddressClaim' }).map(({ status }) => [
    status.phase,
    status['captureStatus'],
    status['activeWhenVirtualAddressRole'],
  ]);
}

test('of two routers the master alone answers, whatever happens to it', { timeout: 300_000 }, async () => {
  const lan = await makeNamespace('l');
  await must('ip', '-n', lan, 'link', 'add', 'br0', 'type', 'bridge');
  await must('ip', '-n', lan, 'link', 'set', 'br0', 'up');
  await must('ip', '-n', lan, 'addr', 'add', '10.77.60.9/24', 'dev', 'br0');
  const a = await makeRouter(lan, 'a', 150);
  const b = await makeRouter(lan, 'b', 100);
  const answers = await watchAnswers(lan);
  const nodeA = await a.start();
  const nodeB = await b.start();
  expect(claimsOf(nodeA)).toEqual(CAPTURED.map(() => ['Gated', 'Blocked', 'unknown']));
  const figures = new Map<string, number>();

  figures.set('first election', await answeredBy(answers, a));
  await expect.poll(() => claimsOf(nodeB), PATIENCE).toEqual(CAPTURED.map(() => ['Gated', 'Standby', 'backup']));
  await expect.poll(() => claimsOf(nodeA), PATIENCE).toEqual(CAPTURED.map(() => ['Ready', 'Captured', 'master']));
  expect(await captures(b)).toBe(0);

  await must('ip', '-n', lan, 'link', 'set', 'to-a', 'down');
  figures.set('link of the master cut', await answeredBy(answers, b));
  expect(await captures(a)).toBe(0);

  await must('ip', '-n', lan, 'link', 'set', 'to-a', 'up');
  figures.set('link back, better priority', await answeredBy(answers, a));
  await expect.poll(async () => captures(b), PATIENCE).toBe(0);

  await signalKeepalived(a, 'SIGTERM');
  figures.set('keepalived of the master ended', await answeredBy(answers, b));
  expect(await captures(a)).toBe(0);
  figures.set('started again by itself', await answeredBy(answers, a));

  await signalKeepalived(a, 'SIGKILL');
  const killedAt = Date.now();
  await expect.poll(async () => captures(a), { ...PATIENCE, interval: 5 }).toBe(0);
  figures.set('keepalived killed: withdrawn', Date.now() - killedAt);
  await answeredBy(answers, a);

  // A daemon that ends changes nothing; without it an ex-master still stops answering.
  await nodeA.stop();
  await answeredBy(answers, a);
  await must('ip', '-n', lan, 'link', 'set', 'to-a', 'down');
  figures.set('link cut, no daemon at the master', await answeredBy(answers, b));
  expect(await captures(a)).toBe(0);

  expect(doubles(answers)).toEqual([]);
  console.log([...figures].map(([what, milliseconds]) => `${what}: ${milliseconds} ms`).join('\n'));
});
