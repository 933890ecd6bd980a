/** Two nodes of one group over in-memory twins; onprem-a has plugins that observe, and a runner that answers what the test says. */
import { createMemoryExecutor, createMemoryJournal } from '@routerd/actions';
import { createMemoryPartStore, type PartStore } from '@routerd/config';
import { createMemoryHost, MemoryLedger, type MemoryHost } from '@routerd/dataplane';
import {
  createMemoryNetwork,
  generateNodeIdentity,
  MemoryEventStore,
  MemoryFactStore,
  MemoryHighWaterStore,
  type NodeIdentity,
} from '@routerd/federation';
import { createMemoryRunStore, type Observation, type PluginRequest, type PluginRunner } from '@routerd/observers';
import { durationMs, instant, parseHostAddress, parseResource, type Resource, type Result } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { expect, onTestFinished, test } from 'vitest';
import { composeNode, nodeSettings, type RoutingNode } from '../src/index.ts';

const NODES = ['onprem-a', 'aws-a'] as const;
type Node = (typeof NODES)[number];

function must<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

const resource = (group: string, kind: string, name: string, spec: object): Resource =>
  must(parseResource({ apiVersion: `${group}.routerd.net/v1alpha1`, kind, metadata: { name }, spec }));

const hole = (name: string, destination: string): Resource =>
  resource('net', 'IPv4Route', name, { destination, type: 'blackhole' });

function configOf(self: Node, identities: ReadonlyMap<Node, NodeIdentity>): readonly Resource[] {
  const other = self === 'onprem-a' ? 'aws-a' : 'onprem-a';
  const capabilities = ['observe.cloud', 'propose.dynamicConfig'];
  return [
    resource('federation', 'EventGroup', 'g', {
      nodeName: self,
      servers: ['nats://127.0.0.1:4222'],
      identity: { seedFile: '/none' },
    }),
    resource('federation', 'EventPeer', other, {
      groupRef: 'g',
      nodeName: other,
      publicKey: identities.get(other)?.publicKey,
    }),
    resource('net', 'WireGuardInterface', `wg-${other}`, { privateKeyFile: '/none', listenPort: 51_820 }),
    resource('hybrid', 'OverlayPeer', other, {
      role: other === 'aws-a' ? 'cloud' : 'onprem',
      nodeID: other,
      underlay: { type: 'wireguard', interface: `wg-${other}` },
    }),
    resource('hybrid', 'CloudProviderProfile', 'aws', { provider: 'aws', region: 'r', capabilities: ['eni'] }),
    resource('hybrid', 'AddressMobilityDomain', 'd', { prefix: '10.77.61.0/24', mode: 'selective-address' }),
    resource('mobility', 'MobilityPool', 'p', {
      prefix: '10.77.60.0/24',
      groupRef: 'g',
      members: [
        { nodeRef: 'onprem-a', site: 'onprem', role: 'onprem', capture: { type: 'proxy-arp', interface: 'lan0' } },
        {
          nodeRef: 'aws-a',
          site: 'aws',
          role: 'cloud',
          capture: { type: 'provider-secondary-ip', providerRef: 'aws', providerMode: 'eni', nicRef: 'eni-a' },
          placement: { group: 'aws' },
        },
      ],
      leasePolicy: { ttl: '60s', holdDuration: '5s' },
    }),
    resource('plugin', 'Plugin', 'seen', { executable: '/usr/bin/true', capabilities }),
    resource('plugin', 'DynamicConfigSource', 'seen', { pluginRef: 'seen', ttl: '10m' }),
    resource('federation', 'EventSubscription', 'cloud', {
      groupRef: 'g',
      match: {
        types: ['routerd.client.ipv4.observed', 'routerd.client.ipv4.expired', 'com.example.subnet.added'],
        sourceNodes: ['aws-a'],
      },
      trigger: { pluginRef: 'seen', batchWindow: '1s' },
    }),
  ];
}

class Pair {
  readonly clock = new ManualClock(instant(1_790_000_000_000));
  readonly host: MemoryHost = createMemoryHost({ links: [{ name: 'lan0' }] });
  readonly parts: PartStore = createMemoryPartStore();
  readonly requests: PluginRequest[] = [];
  answer: (request: PluginRequest) => Partial<Observation> = () => ({});
  readonly #network = createMemoryNetwork({ clock: this.clock });
  readonly #identities = new Map(NODES.map((name) => [name, generateNodeIdentity()]));
  readonly #nodes = new Map<Node, RoutingNode>();

  async start(): Promise<void> {
    for (const name of NODES) {
      const node = this.#compose(name);
      this.#nodes.set(name, node);
      await node.start();
    }
    onTestFinished(async () => {
      const stopped = [...this.#nodes.values()].map(async (node) => node.stop());
      await this.pass(10_000);
      await Promise.all(stopped);
    });
    await this.pass(12_000);
  }

  node(name: Node): RoutingNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(name);
    return node;
  }

  emit(name: Node, address: string, type: 'observed' | 'expired' = 'observed'): void {
    const draft = { type: `routerd.client.ipv4.${type}`, address: must(parseHostAddress(address)) } as const;
    must(this.node(name).orders.emit({ ...draft, pool: undefined, ttl: undefined }));
  }

  async pass(milliseconds: number): Promise<void> {
    await breathe();
    for (let left = milliseconds; left > 0; left -= 100) {
      this.clock.advance(Math.min(100, left));
      await breathe();
    }
  }

  holes(): readonly string[] {
    return this.host.render().filter((line) => line.includes('blackhole'));
  }

  readonly #runner: PluginRunner = {
    run: async (_, request) => {
      this.requests.push(request);
      const said = { observedAt: undefined, ttl: durationMs(300_000), generation: undefined, directives: [] };
      const value = { ...said, resources: [], actionPlans: [], events: [], ...this.answer(request) };
      return { exitCode: 0, stdoutDigest: 'd', stderr: '', outcome: { ok: true, value } };
    },
  };

  #compose(name: Node): RoutingNode {
    const isObserving = name === 'onprem-a';
    const highWater = new MemoryHighWaterStore();
    const log = new RecordingLog();
    const { clock } = this;
    return must(
      composeNode(must(nodeSettings(configOf(name, this.#identities))), {
        clock,
        log,
        highWater,
        random: () => 0.5,
        host: isObserving ? this.host : createMemoryHost({ links: [{ name: 'eth0' }] }),
        ledger: new MemoryLedger(),
        executor: createMemoryExecutor(clock),
        journal: createMemoryJournal(),
        leases: { loadLeases: () => [], saveLeases: () => undefined },
        ...(isObserving
          ? { parts: this.parts, observing: { runner: this.#runner, runs: createMemoryRunStore() } }
          : {}),
        federation: (config, isCapturedHere) => {
          const seed = this.#identities.get(name)?.seed ?? '';
          const stores = { factStore: new MemoryFactStore(), eventStore: new MemoryEventStore() };
          const ports = { log, ...stores, highWaterStore: highWater, isCapturedHere };
          const built = this.#network.federation({ ...config, seed }, ports);
          return built.ok ? built : { ok: false, error: { code: built.error.code, message: built.error.detail } };
        },
      }),
    );
  }
}

async function breathe(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function started(): Promise<Pair> {
  const pair = new Pair();
  await pair.start();
  return pair;
}

test("a fact of another node reaches this node's kernel through a subscription, and is taken back by the next", async () => {
  const pair = await started();
  pair.answer = ({ spec }) => ({
    resources: spec.events.some(({ type }) => type.endsWith('observed')) ? [hole('seen', '192.0.2.0/24')] : [],
  });
  pair.emit('aws-a', '10.77.60.20/32');
  await pair.pass(1500);
  expect(pair.requests).toHaveLength(1);
  expect(pair.requests[0]?.spec).toMatchObject({
    trigger: { type: 'federation-subscription', topic: 'routerd.federation.subscription/cloud' },
    events: [{ sourceNode: 'aws-a', subject: '10.77.60.20/32', payload: { pool: 'p', site: 'aws' } }],
  });
  expect(pair.holes()).toHaveLength(1);
  const [view] = pair.node('onprem-a').observers?.subscriptions() ?? [];
  expect(view).toMatchObject({ phase: 'Applied', matched: 1 });
  pair.emit('aws-a', '10.77.60.20/32', 'expired');
  await pair.pass(1500);
  expect(pair.holes()).toEqual([]);
});

test('an event of any other type reaches a subscription as well, and nobody takes it for a fact', async () => {
  const pair = await started();
  pair.answer = () => ({ resources: [hole('seen', '192.0.2.0/24')] });
  const emitted = pair.node('aws-a').federation.events.emit({
    type: 'com.example.subnet.added',
    subject: '192.0.2.0/24',
    payload: { owner: 'kim' },
    ttl: durationMs(600_000),
  });
  expect(emitted.ok).toBe(true);
  await pair.pass(1500);
  expect(pair.requests[0]?.spec.events).toEqual([
    expect.objectContaining({ type: 'com.example.subnet.added', subject: '192.0.2.0/24', payload: { owner: 'kim' } }),
  ]);
  expect(pair.holes()).toHaveLength(1);
  expect(pair.node('onprem-a').federation.facts.accepted()).toEqual([]);
});

test('what a plugin says ends with its time, without anybody looking', async () => {
  const pair = await started();
  pair.answer = () => ({ ttl: durationMs(60_000), resources: [hole('seen', '192.0.2.0/24')] });
  await pair.node('onprem-a').observers?.run('seen', 'apply');
  await pair.pass(59_000);
  expect(pair.holes()).toHaveLength(1);
  await pair.pass(1500);
  expect(pair.holes()).toEqual([]);
});

test('what a plugin saw becomes a fact of this node, and what this node may not say is refused by name', async () => {
  const pair = await started();
  pair.emit('aws-a', '10.77.60.20/32');
  await pair.pass(10_000);
  const seen = (subject: string, type = 'routerd.client.ipv4.observed') => ({
    type,
    subject,
    pool: undefined,
    ttl: undefined,
  });
  pair.answer = () => ({
    events: [
      seen('10.77.60.30/32'),
      seen('10.77.60.20/32'),
      seen('192.0.2.1/32'),
      seen('x'),
      seen('10.77.60.31/32', 'other'),
    ],
  });
  await pair.node('onprem-a').observers?.run('seen', 'apply');
  await pair.pass(1000);
  const facts = pair.node('aws-a').federation.facts.accepted();
  expect(facts.map(({ fact }) => `${fact.source} ${fact.address} ${fact.origin}`)).toContain(
    'onprem-a 10.77.60.30/32 plugin/seen',
  );
  expect(pair.node('onprem-a').observers?.runs('seen')[0]?.notes).toEqual([
    expect.stringMatching(
      /^routerd\.client\.ipv4\.observed 10\.77\.60\.20\/32 is refused: address is locally captured by /,
    ),
    'routerd.client.ipv4.observed 192.0.2.1/32 is refused: 192.0.2.1/32 lies outside the prefix of pool p',
    'routerd.client.ipv4.observed x is refused: its subject is not an IPv4 host address such as 10.77.60.11/32',
    expect.stringMatching(/^other 10\.77\.60\.31\/32 is refused: there is no such type of fact; types: /),
  ]);
});

test("a plugin's part that the planner's own excludes is set aside with the reason, and the planner's stays", async () => {
  const pair = await started();
  pair.emit('aws-a', '10.77.60.20/32');
  await pair.pass(10_000);
  const before = pair.host.render();
  const derived = pair
    .node('onprem-a')
    .view.derived()
    ?.effective.filter(({ kind }) => kind === 'AddressMobilityDomain');
  const planned = derived?.find(({ metadata }) => metadata.name !== 'd')?.metadata.name ?? '';
  const domain = { prefix: '10.77.62.0/24', mode: 'selective-address' };
  pair.answer = () => ({
    resources: [resource('hybrid', 'AddressMobilityDomain', planned, domain), hole('seen', '192.0.2.0/24')],
  });
  const outcome = await pair.node('onprem-a').observers?.run('seen', 'apply');
  await pair.pass(1000);
  expect(outcome).toMatchObject({
    ok: true,
    value: {
      run: {
        result: 'Rejected',
        code: 'part.rejected',
        message: expect.stringContaining(`AddressMobilityDomain/${planned}`),
      },
    },
  });
  expect(pair.host.render()).toEqual(before);
});

test('what a plugin saw and does not repeat is gone; what somebody else said since, and what a subscription leaves out, is not', async () => {
  const pair = await started();
  const seen = (...subjects: readonly string[]) => ({
    events: subjects.map((subject) => ({
      type: 'routerd.client.ipv4.observed',
      subject,
      pool: undefined,
      ttl: undefined,
    })),
  });
  const told = (): readonly string[] =>
    pair
      .node('aws-a')
      .federation.facts.accepted()
      .filter(({ fact }) => fact.source === 'onprem-a')
      .map(({ fact }) => `${fact.address} ${fact.type.slice('routerd.client.ipv4.'.length)}`)
      .toSorted();
  pair.answer = () => seen('10.77.60.30/32', '10.77.60.31/32', '10.77.60.32/32');
  await pair.node('onprem-a').observers?.run('seen', 'apply');
  pair.emit('onprem-a', '10.77.60.32/32');

  pair.answer = () => seen('10.77.60.33/32');
  pair.emit('aws-a', '10.77.60.20/32');
  await pair.pass(1500);
  expect(pair.requests.at(-1)?.spec.trigger.type).toBe('federation-subscription');
  const standing = ['10.77.60.30/32', '10.77.60.31/32', '10.77.60.32/32', '10.77.60.33/32'];
  expect(told()).toEqual(standing.map((address) => `${address} observed`));

  pair.answer = () => seen('10.77.60.30/32');
  const dry = await pair.node('onprem-a').observers?.run('seen', 'dry-run');
  expect(dry).toMatchObject({
    ok: true,
    value: {
      run: {
        notes: expect.arrayContaining([
          'routerd.client.ipv4.expired 10.77.60.31/32 would be offered as a fact of this node',
        ]),
      },
    },
  });
  await pair.node('onprem-a').observers?.run('seen', 'apply');
  await pair.pass(1000);
  expect(told()).toEqual([
    '10.77.60.30/32 observed',
    '10.77.60.31/32 expired',
    '10.77.60.32/32 observed',
    '10.77.60.33/32 expired',
  ]);
});
