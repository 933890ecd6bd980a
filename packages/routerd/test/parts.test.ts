/** A node without a federation: what stored parts add to its host, and leave out of it. */
import { createMemoryExecutor, createMemoryJournal } from '@routerd/actions';
import { createMemoryPartStore, type OfferedPart, type PartStore } from '@routerd/config';
import { createMemoryHost, MemoryLedger, type MemoryHost } from '@routerd/dataplane';
import { MemoryHighWaterStore } from '@routerd/federation';
import { instant, parseResource, type Resource } from '@routerd/resources';
import { ManualClock, RecordingLog } from '@routerd/runtime';
import { expect, onTestFinished, test } from 'vitest';
import { composeNode, nodeSettings, type RoutingNode } from '../src/index.ts';
import { resourceViews } from '../src/views/resource-view.ts';

const START = 1_800_000_000_000;

function resource(group: string, kind: string, name: string, spec: object): Resource {
  const parsed = parseResource({ apiVersion: `${group}.routerd.net/v1alpha1`, kind, metadata: { name }, spec });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

const route = (name: string, destination: string): Resource =>
  resource('net', 'IPv4Route', name, { destination, device: 'lan0' });

const OLD = { apiVersion: 'net.routerd.net/v1alpha1', kind: 'IPv4Route', name: 'old' };
const STARTUP = [
  route('old', '192.0.2.0/25'),
  resource('config', 'DynamicOverridePolicy', 'p', {
    allow: [{ source: 'Plugin/x', operations: ['mask'], targets: [OLD] }],
  }),
];
const MASK = { op: 'mask' as const, target: OLD, reason: 'replaced by what was found' };

class Rig {
  readonly clock = new ManualClock(instant(START));
  readonly log = new RecordingLog();
  readonly host: MemoryHost = createMemoryHost({ links: [{ name: 'lan0' }] });
  readonly ledger = new MemoryLedger();
  readonly parts: PartStore = createMemoryPartStore();
  #node: RoutingNode | undefined;

  async start(): Promise<RoutingNode> {
    const settings = nodeSettings(STARTUP);
    if (!settings.ok) throw new Error(settings.error.message);
    const { clock, log, host, ledger, parts } = this;
    const node = composeNode(settings.value, {
      clock,
      log,
      host,
      ledger,
      parts,
      random: () => 0.5,
      executor: createMemoryExecutor(clock),
      journal: createMemoryJournal(),
      leases: { loadLeases: () => [], saveLeases: () => undefined },
      highWater: new MemoryHighWaterStore(),
      federation: () => ({ ok: false, error: { code: 'none', message: 'there is no group' } }),
    });
    if (!node.ok) throw new Error(node.error.message);
    this.#node = node.value;
    await node.value.start();
    await this.rest();
    return node.value;
  }

  node(): RoutingNode {
    if (this.#node === undefined) throw new Error('the node does not run');
    return this.#node;
  }

  async stop(): Promise<void> {
    const stopped = this.#node?.stop();
    this.#node = undefined;
    await this.rest();
    await stopped;
  }

  /** Time passes, and what it starts comes to its end. */
  async rest(milliseconds = 0): Promise<void> {
    this.clock.advance(milliseconds);
    for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  }

  put(offered: Partial<OfferedPart> & Pick<OfferedPart, 'source'>, lastsMs = 60_000): void {
    const observedAt = this.clock.now();
    const expiresAt = instant(observedAt + lastsMs);
    this.parts.put({ observedAt, expiresAt, resources: [], directives: [], actionPlans: [], ...offered });
  }

  routes(): readonly string[] {
    return this.host
      .shown()
      .routes.map(({ destination }) => destination)
      .toSorted();
  }
}

async function started(): Promise<Rig> {
  const rig = new Rig();
  onTestFinished(async () => rig.stop());
  await rig.start();
  return rig;
}

test('a part is on the host when it arrives, and off it at the instant at which it ends', async () => {
  const rig = await started();
  expect(rig.routes()).toEqual(['192.0.2.0/25']);
  rig.put({ source: 'Plugin/x', resources: [route('new', '192.0.2.128/25')] });
  await rig.rest();
  expect(rig.routes()).toEqual(['192.0.2.0/25', '192.0.2.128/25']);
  await rig.rest(59_999);
  expect(rig.routes()).toEqual(['192.0.2.0/25', '192.0.2.128/25']);
  await rig.rest(1);
  expect(rig.routes()).toEqual(['192.0.2.0/25']);
});

test('what is masked is shown as suppressed, with who, until when and why', async () => {
  const rig = await started();
  const shown = () =>
    resourceViews(rig.node().view, { kind: 'ipv4route' }).map(({ metadata, status }) => [metadata.name, status]);
  rig.put({ source: 'Plugin/x', directives: [MASK] });
  await rig.rest();
  expect(shown()).toEqual([
    [
      'old',
      {
        phase: 'Suppressed',
        summary: 'masked by DynamicConfigPart/Plugin/x until 2027-01-15T08:01:00.000Z: replaced by what was found',
        maskedBy: ['DynamicConfigPart/Plugin/x'],
        maskedUntil: '2027-01-15T08:01:00.000Z',
        reason: 'replaced by what was found',
      },
    ],
  ]);
  await rig.rest(60_000);
  expect(shown()).toEqual([['old', expect.objectContaining({ phase: 'Installed' })]]);
});

test('what a part masks leaves the host, and comes back when the part ends or is withdrawn', async () => {
  const rig = await started();
  rig.put({ source: 'Plugin/x', directives: [MASK], resources: [route('new', '192.0.2.128/25')] });
  await rig.rest();
  expect(rig.routes()).toEqual(['192.0.2.128/25']);
  rig.parts.withdraw('Plugin/x');
  await rig.rest();
  expect(rig.routes()).toEqual(['192.0.2.0/25']);
});

test('a part that is renewed in time changes nothing on the host', async () => {
  const rig = await started();
  rig.put({ source: 'Plugin/x', directives: [MASK] });
  await rig.rest(30_000);
  const before = rig.host.applied.length;
  rig.put({ source: 'Plugin/x', directives: [MASK] });
  await rig.rest(45_000);
  expect(rig.routes()).toEqual([]);
  expect(rig.host.applied).toHaveLength(before);
});

test('a restart keeps what parts say, and an expiry while the node was down is seen at the start', async () => {
  const rig = await started();
  rig.put({ source: 'Plugin/x', directives: [MASK] });
  await rig.rest();
  await rig.stop();
  await rig.start();
  expect(rig.routes()).toEqual([]);
  await rig.stop();
  rig.clock.advance(60_000);
  await rig.start();
  expect(rig.routes()).toEqual(['192.0.2.0/25']);
});

test('a mask that nobody granted costs its part, is said once, and the others stand', async () => {
  const rig = await started();
  rig.put({ source: 'Plugin/y', directives: [MASK] });
  rig.put({ source: 'Plugin/z', resources: [route('new', '192.0.2.128/25')] });
  await rig.rest();
  rig.put({ source: 'Plugin/z', resources: [route('newer', '198.51.100.0/24')] });
  await rig.rest();
  expect(rig.routes()).toEqual(['192.0.2.0/25', '198.51.100.0/24']);
  const quarantined = rig.log.lines.filter(({ fields }) => fields['event'] === 'config.quarantined');
  expect(quarantined).toEqual([
    expect.objectContaining({
      fields: expect.objectContaining({
        subject: 'Plugin/y',
        reason:
          'dynamic mask not allowed by DynamicOverridePolicy: no policy grants Plugin/y the mask of IPv4Route/old.',
      }),
    }),
  ]);
});

test('what expired a day ago is forgotten, what expired since can still be shown', async () => {
  const rig = await started();
  rig.put({ source: 'Plugin/x', resources: [route('new', '192.0.2.128/25')] });
  await rig.rest(60_000);
  expect(rig.parts.list()).toHaveLength(1);
  await rig.stop();
  rig.clock.advance(86_400_001);
  await rig.start();
  expect(rig.parts.list()).toEqual([]);
});
