/** What a node of two measures, read as Prometheus would; and the document that explains it. */
import { createMemoryExecutor, createMemoryJournal } from '@routerd/actions';
import { createMemoryHost, MemoryLedger } from '@routerd/dataplane';
import {
  createMemoryNetwork,
  generateNodeIdentity,
  MemoryFactStore,
  MemoryHighWaterStore,
  REFUSAL_REASONS,
} from '@routerd/federation';
import { readFileSync } from 'node:fs';
import { instant, parseHostAddress, parseResource, type Resource, type Result } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { expect, onTestFinished, test } from 'vitest';
import { composeNode, nodeSettings, type RoutingNode } from '../src/index.ts';
import { metricsText } from '../src/metrics/metrics-text.ts';
import { createMeters, METRICS, nodeMetrics } from '../src/metrics/node-metrics.ts';
import { Stopwatch } from '../src/metrics/stopwatch.ts';

const NODES = ['onprem-a', 'aws-a'] as const;
type Node = (typeof NODES)[number];

function must<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

const resource = (group: string, kind: string, name: string, spec: object): Resource =>
  must(parseResource({ apiVersion: `${group}.routerd.net/v1alpha1`, kind, metadata: { name }, spec }));

function configOf(self: Node, publicKeyOf: (node: Node) => string): readonly Resource[] {
  const other = self === 'onprem-a' ? 'aws-a' : 'onprem-a';
  const capture = { type: 'provider-secondary-ip', providerRef: 'aws', providerMode: 'eni', nicRef: 'eni-a' };
  const identity = { seedFile: '/none' };
  const group = { nodeName: self, servers: ['nats://127.0.0.1:4222'], identity };
  return [
    resource('federation', 'EventGroup', 'g', group),
    resource('federation', 'EventPeer', other, { groupRef: 'g', nodeName: other, publicKey: publicKeyOf(other) }),
    resource('hybrid', 'CloudProviderProfile', 'aws', { provider: 'aws', region: 'r', capabilities: ['eni'] }),
    resource('mobility', 'MobilityPool', 'p', {
      prefix: '10.77.60.0/24',
      groupRef: 'g',
      members: [
        { nodeRef: 'onprem-a', site: 'onprem', role: 'onprem', capture: { type: 'proxy-arp', interface: 'lan0' } },
        { nodeRef: 'aws-a', site: 'aws', role: 'cloud', capture, placement: { group: 'aws' } },
      ],
      leasePolicy: { ttl: '60s', holdDuration: '5s' },
    }),
  ];
}

interface Measured {
  readonly node: RoutingNode;
  readonly text: () => string;
}

async function twoNodes() {
  const clock = new ManualClock(instant(1_790_000_000_000));
  const network = createMemoryNetwork({ clock });
  const identities = new Map(NODES.map((name) => [name, generateNodeIdentity()]));
  const compose = (self: Node): Measured => {
    const log = new RecordingLog();
    const highWater = new MemoryHighWaterStore();
    const adapters = {
      clock,
      host: createMemoryHost({ links: [{ name: 'lan0' }, { name: 'eth0' }] }),
      executor: createMemoryExecutor(clock),
      leases: { loadLeases: () => [], saveLeases: () => undefined },
    };
    const meters = createMeters(adapters, '1.2.3');
    onTestFinished(() => meters.process.stop());
    const settings = must(nodeSettings(configOf(self, (name) => identities.get(name)?.publicKey ?? '')));
    const node = must(
      composeNode(settings, {
        host: meters.host,
        executor: meters.executor,
        leases: meters.leases,
        clock,
        log,
        highWater,
        random: () => 0.5,
        ledger: new MemoryLedger(),
        journal: createMemoryJournal(),
        federation: (config, isCapturedHere) => {
          const seed = identities.get(self)?.seed ?? '';
          const stores = { factStore: new MemoryFactStore(), highWaterStore: highWater };
          const built = network.federation({ ...config, seed }, { log, ...stores, isCapturedHere });
          return built.ok ? built : { ok: false, error: { code: built.error.code, message: built.error.detail } };
        },
      }),
    );
    const families = nodeMetrics(node, meters);
    return { node, text: () => metricsText(families()) };
  };
  const pass = async (milliseconds: number): Promise<void> => {
    for (let left = milliseconds; left > 0; left -= 100) {
      clock.advance(100);
      for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const nodes = { onprem: compose('onprem-a'), aws: compose('aws-a') };
  await Promise.all([nodes.onprem.node.start(), nodes.aws.node.start()]);
  onTestFinished(async () => {
    const stopped = Promise.all([nodes.onprem.node.stop(), nodes.aws.node.stop()]);
    await pass(6000);
    await stopped;
  });
  await pass(6000);
  return { ...nodes, network, pass };
}

/** Of the text format: metric name, labels, value. */
const LINE = /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

function samplesOf(text: string): ReadonlyMap<string, number> {
  expect(text.endsWith('\n')).toBe(true);
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('# '));
  return new Map(
    samples.map((line) => {
      const [, name = '', labels] = LINE.exec(line) ?? expect.fail(line);
      return [labels === undefined ? name : `${name}{${labels}}`, Number(line.slice(line.lastIndexOf(' ')))];
    }),
  );
}

test('a node of a group measures its connection, its peers, its addresses and its host', async () => {
  const { onprem, aws, pass, network } = await twoNodes();
  must(
    onprem.node.orders.emit({
      type: 'routerd.client.ipv4.observed',
      address: must(parseHostAddress('10.77.60.10/32')),
      pool: undefined,
      ttl: undefined,
    }),
  );
  network.inject('facts', { subject: 'sam.v1.g.facts.onprem-a.p.10-77-60-11', id: 'x', text: 'nonsense' });
  await pass(3000);
  const [atOnprem, atAws] = [samplesOf(onprem.text()), samplesOf(aws.text())];
  const own = 'routerd_federation_facts_recorded_total{type="routerd.client.ipv4.observed"}';
  const others = 'routerd_federation_facts_accepted_total{type="routerd.client.ipv4.observed"}';
  expect([atOnprem.get(own), atOnprem.get(others), atAws.get(own), atAws.get(others)]).toEqual([1, 0, 0, 1]);
  expect(Object.fromEntries(atAws)).toMatchObject({
    routerd_federation_connected: 1,
    routerd_federation_connections_total: 1,
    routerd_federation_outbox_facts: 0,
    'routerd_federation_refused_total{reason="fact.malformed"}': 1,
    'routerd_federation_refused_total{reason="fact.bad-signature"}': 0,
    'routerd_federation_peer_alive{peer="onprem-a"}': 1,
    'routerd_federation_peer_facts_behind{peer="onprem-a"}': 0,
    'routerd_mobility_leases{pool="p",status="active"}': 1,
    'routerd_mobility_leases{pool="p",status="frozen"}': 0,
    'routerd_mobility_lease_moves_total{pool="p"}': 0,
    routerd_dataplane_settled: 1,
    [`routerd_process_build_info{version="1.2.3",node_version="${process.version}"}`]: 1,
  });
  expect(atAws.get('routerd_dataplane_readings_total')).toBeGreaterThan(0);
  network.partition('aws-a' as Parameters<typeof network.partition>[0]);
  await pass(1000);
  network.heal('aws-a' as Parameters<typeof network.heal>[0]);
  await pass(1000);
  const again = samplesOf(aws.text());
  expect(again.get('routerd_federation_connections_total')).toBe(2);
  expect(again.get('routerd_federation_error')).toBe(0);
  expect(again.get('routerd_federation_last_error_timestamp_seconds')).toBeGreaterThan(1_790_000_000);
});

test('what is told is what the catalogue says: names, kinds, labels, each once, in its order', async () => {
  const { aws } = await twoNodes();
  const text = aws.text();
  const told = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, kind]) => `${name} ${kind}`);
  expect(told).toEqual(METRICS.map(({ name, kind }) => `${name} ${kind}`));
  for (const { name, kind, labels } of METRICS) {
    const lines = [...samplesOf(text).keys()].filter((key) => key.replace(/\{.*/, '').startsWith(name));
    const foreign = lines
      .filter((key) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`].includes(key.replace(/\{.*/, '')))
      .flatMap((key) => [...key.matchAll(/([a-z_]+)="/g)].map(([, label]) => label ?? ''))
      .filter((label) => ![...labels, ...(kind === 'histogram' ? ['le'] : [])].includes(label));
    expect(foreign, name).toEqual([]);
    expect(name).toMatch(kind === 'counter' ? /_total$/ : /^routerd_(?!.*_total$)/);
  }
  expect(text).not.toMatch(/\d+\.\d+\.\d+\.\d+\/32/);
});

test('buckets of a distribution grow, and the last is the number of all', () => {
  const times = new Stopwatch<'step'>([{ step: 'apply' }]);
  for (const milliseconds of [0.5, 1, 20, 200_000]) times.add({ step: 'apply' }, milliseconds);
  const [told] = times.distributions();
  expect(told?.buckets.slice(0, 4).map(({ count }) => count)).toEqual([2, 2, 2, 3]);
  expect(told).toMatchObject({ count: 4 });
  expect(told?.buckets.at(-1)?.count).toBe(3);
  const metric = METRICS.find(({ name }) => name === 'routerd_dataplane_pass_duration_seconds') ?? expect.fail('none');
  const text = metricsText([{ metric, distributions: times.distributions() }]);
  expect(text).toContain('routerd_dataplane_pass_duration_seconds_bucket{step="apply",le="+Inf"} 4\n');
  expect(text).toContain('routerd_dataplane_pass_duration_seconds_bucket{step="apply",le="0.001"} 2\n');
});

test('text of labels and of help is escaped as the format wants it', () => {
  const metric = { name: 'a_total', kind: 'counter', help: 'one\\two\nthree "four"', labels: ['why'] } as const;
  expect(metricsText([{ metric, samples: [{ labels: { why: 'say "so"\\\n' }, value: 1 }] }])).toBe(
    String.raw`# HELP a_total one\\two\nthree "four"` +
      '\n# TYPE a_total counter\n' +
      String.raw`a_total{why="say \"so\"\\\n"} 1` +
      '\n',
  );
});

test('every reason of a refusal is explained in the reference of facts', () => {
  const reference = readFileSync(new URL('../../../docs/reference/facts.md', import.meta.url), 'utf8');
  expect(REFUSAL_REASONS.filter((reason) => !reference.includes(`\`${reason}\``))).toEqual([]);
});

test('the reference of metrics is up to date (else run this test with --update)', async () => {
  const code = (word: string): string => `\`${word}\``;
  const rows = METRICS.map(({ name, kind, labels, help }) => [code(name), kind, labels.map(code).join(', '), help]);
  const text = [
    '# Metrics',
    '',
    'What a node measures, in the text format of Prometheus. The socket of the daemon answers it, to whoever may open the socket (mode 0600):',
    '',
    '```sh',
    'routerctl metrics                     # all; --only federation shows a part',
    'curl --unix-socket /run/routerd/routerd.sock http://routerd/metrics',
    'socat TCP-LISTEN:9099,bind=127.0.0.1,fork,reuseaddr UNIX-CONNECT:/run/routerd/routerd.sock   # where a scraper wants a port',
    '```',
    '',
    'There is no listener of its own: behind the same socket stand orders, so the last line opens those to every user of the machine as well; let',
    'socat ask as a user of its own, or write the text for the `textfile` collector of the node exporter instead. Counters begin at zero with each start',
    'of the daemon. Labels come from configured names and closed lists, never from addresses. This table is written by the test that compares it.',
    '',
    ...tableOf([['name', 'kind', 'labels', 'meaning'], ...rows]),
    '',
  ].join('\n');
  await expect(text).toMatchFileSnapshot('../../../docs/reference/metrics.md');
});

/** Lined up, as the formatter of the repository wants tables. */
function tableOf(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const [head = '', ...body] = rows.map((row) => line(row.map((cell, column) => cell.padEnd(widths[column] ?? 0))));
  return [head, line(widths.map((width) => '-'.repeat(width))), ...body];
}
