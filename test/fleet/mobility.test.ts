/** Mobility end to end over the whole fleet: orders, hand-overs, freezing, what-if and explanations, by the daemon's own code. */
import type { Order } from '@routerd/mobility';
import { parseSiteName } from '@routerd/resources';
import { explainView, mobilityRoutes } from '@routerd/routerd';
import { afterEach, expect, test } from 'vitest';
import { addressOf, Fleet, must, NODES, SITES, type FleetOptions, type Site } from './fleet.ts';

let fleet: Fleet | undefined;

afterEach(async () => {
  await fleet?.stopAll();
  fleet = undefined;
});

async function startFleet(options: FleetOptions = {}): Promise<Fleet> {
  const started = new Fleet(options);
  fleet = started;
  await started.start();
  return started;
}

const MOVING = '10.77.60.10';
const kim = { who: 'kim', why: 'test' };

async function order(running: Fleet, at: string, what: Order): Promise<void> {
  const asked = running.node(at).federation.orders.append(what, kim, new AbortController().signal);
  await running.advance(100);
  expect((await asked).kind).toBe('won');
}

function leaseAt(running: Fleet, name: string, quad = MOVING) {
  return running.node(name).view.pools[0]?.plan(addressOf(quad))?.lease;
}

async function capturersEverywhere(
  running: Fleet,
  quad = MOVING,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const entries: (readonly [Site, readonly string[]])[] = [];
  for (const site of SITES) entries.push([site, await running.capturers(site, quad)]);
  return Object.fromEntries(entries);
}

async function ask(running: Fleet, at: string, path: string, body?: unknown): Promise<unknown> {
  const route = mobilityRoutes(running.node(at).view).find(({ pattern }) => pattern === path);
  const answer = await route?.handle({ params: {}, query: new URLSearchParams(), body });
  return answer === undefined || !('body' in answer) ? answer : answer.body;
}

test('a drain is ordered at any node, obeyed by all, and undone', async () => {
  const running = await startFleet();
  must(running.emit('onprem-router-a', MOVING));
  await running.advance(2000);
  const node = running.machine('aws-router-a').name;
  await order(running, 'oci-router-b', { verb: 'drain', node });
  await running.advance(3000);
  expect((await capturersEverywhere(running))['aws']).toEqual(['aws-router-b']);
  await order(running, 'onprem-router-a', { verb: 'undrain', node });
  await running.advance(3000);
  expect((await capturersEverywhere(running))['aws']).toEqual(['aws-router-a']);
});

test('an address that moves to and fro is frozen at one place by everybody, until it is released', async () => {
  const running = await startFleet();
  const homes = ['onprem-router-a', 'aws-router-a'] as const;
  must(running.emit(homes[0], MOVING));
  await running.advance(2000);
  for (let move = 1; move <= 6; move += 1) {
    const [from, to] = move % 2 === 1 ? homes : homes.toReversed();
    must(running.emit(from ?? '', MOVING, 'routerd.client.ipv4.expired'));
    await running.advance(4000);
    // Frozen at AWS: the LAN captures it, and its routers may not say that it lives there.
    const said = running.emit(to ?? '', MOVING);
    if (move < 6) must(said);
    await running.advance(2000);
  }
  const told = (): readonly string[] => [
    ...new Set(NODES.map((name) => leaseAt(running, name)).map((lease) => `${lease?.status} ${lease?.site}`)),
  ];
  expect(told()).toEqual(['frozen aws']);
  const [pool] = running.node('oci-router-a').view.pools;
  if (pool === undefined) throw new Error('the fleet has a pool');
  await order(running, 'oci-router-a', { verb: 'release', pool: pool.context.name, address: addressOf(MOVING) });
  await running.advance(3000);
  expect(told().map((each) => each.split(' ')[0])).not.toContain('frozen');
});

test('a hand-over that the pool declares goes through, and so does its rollback', async () => {
  const owned = { 'onprem-router-a': [`${MOVING}/32`] };
  const running = await startFleet({ owned });
  await running.advance(3000);
  expect(await capturersEverywhere(running)).toEqual({
    onprem: [],
    aws: ['aws-router-a'],
    azure: ['azure-router-a'],
    oci: ['oci-router-a'],
  });
  const handOvers = [{ address: `${MOVING}/32`, fromNodeRef: 'onprem-router-a', toNodeRef: 'aws-router-a' }];
  await redeployAll(running, { owned, handOvers });
  expect(NODES.map((name) => leaseAt(running, name)?.site)).toEqual(NODES.map(() => 'aws'));
  expect(await capturersEverywhere(running)).toEqual({
    onprem: ['onprem-router-a'],
    aws: [],
    azure: ['azure-router-a'],
    oci: ['oci-router-a'],
  });
  await redeployAll(running, { owned });
  expect(NODES.map((name) => leaseAt(running, name)?.site)).toEqual(NODES.map(() => 'onprem'));
  expect((await capturersEverywhere(running))['onprem']).toEqual([]);
  expect((await capturersEverywhere(running))['aws']).toEqual(['aws-router-a']);
});

async function redeployAll(running: Fleet, options: FleetOptions): Promise<void> {
  running.redeploy(options);
  for (const name of NODES) {
    await running.stop(name);
    await running.boot(name);
    await running.advance(1000);
  }
  await running.advance(30_000);
}

test('a site that an operator hands an address to gives its capture up before the address comes', async () => {
  const running = await startFleet();
  must(running.emit('onprem-router-a', MOVING));
  await running.advance(3000);
  const [pool] = running.node('oci-router-a').view.pools;
  if (pool === undefined) throw new Error('the fleet has a pool');
  const site = must(parseSiteName('aws'));
  await order(running, 'oci-router-a', {
    verb: 'hand-over',
    pool: pool.context.name,
    address: addressOf(MOVING),
    site,
  });
  await running.advance(2000);
  expect(await capturersEverywhere(running)).toEqual({
    onprem: [],
    aws: [],
    azure: ['azure-router-a'],
    oci: ['oci-router-a'],
  });
  must(running.emit('aws-router-a', MOVING));
  await running.advance(3000);
  expect(NODES.map((name) => leaseAt(running, name)?.site)).toEqual(NODES.map(() => 'aws'));
  expect((await capturersEverywhere(running))['onprem']).toEqual(['onprem-router-a']);
});

async function handOver(running: Fleet, to: Site): Promise<void> {
  const [pool] = running.node('oci-router-a').view.pools;
  if (pool === undefined) throw new Error('the fleet has a pool');
  const what = { pool: pool.context.name, address: addressOf(MOVING), site: must(parseSiteName(to)) };
  await order(running, 'oci-router-a', { verb: 'hand-over', ...what });
  await running.advance(2000);
}

test('an address that is handed back stays where it is until it is seen there again, as often as it is handed over', async () => {
  const running = await startFleet();
  const owners = (): readonly string[] => [...new Set(NODES.map((name) => String(leaseAt(running, name)?.site)))];
  // Both routers of the LAN see the machine, and neither is asked to take back what it said.
  const seenOnLan = (): void => {
    for (const name of ['onprem-router-a', 'onprem-router-b']) must(running.emit(name, MOVING));
  };
  seenOnLan();
  await running.advance(3000);
  for (const round of [1, 2]) {
    await handOver(running, 'aws');
    expect(owners(), `round ${round}: ordered to aws`).toEqual(['onprem']);
    must(running.emit('aws-router-a', MOVING));
    await running.advance(3000);
    expect(owners(), `round ${round}: seen at aws`).toEqual(['aws']);
    expect(leaseAt(running, 'oci-router-a')?.status).toBe('active');
    await handOver(running, 'onprem');
    expect(owners(), `round ${round}: ordered back`).toEqual(['aws']);
    seenOnLan();
    await running.advance(3000);
    expect(owners(), `round ${round}: seen on the LAN`).toEqual(['onprem']);
    expect(leaseAt(running, 'oci-router-a')?.status).toBe('active');
  }
});

test('what-if tells on the live fleet what then happens', async () => {
  const running = await startFleet();
  for (const quad of [MOVING, '10.77.60.11']) must(running.emit('onprem-router-a', quad));
  await running.advance(3000);
  const answer = await ask(running, 'oci-router-a', '/v1/what-if', { kind: 'fail', node: 'aws-router-a' });
  expect(answer).toMatchObject({
    items: [
      {
        pool: 'p',
        settled: true,
        unheld: [],
        calls: {},
        moves: [MOVING, '10.77.60.11'].map((quad) => ({
          address: `${quad}/32`,
          domain: 'provider:aws-main:placement:aws-routers',
          from: 'aws-router-a',
          to: 'aws-router-b',
        })),
      },
    ],
  });
  await running.stop('aws-router-a');
  await running.advance(20_000);
  expect((await capturersEverywhere(running))['aws']).toEqual(['aws-router-b']);
  const second = await ask(running, 'oci-router-a', '/v1/what-if', { kind: 'fail', node: 'aws-router-b' });
  expect(second).toMatchObject({
    items: [
      {
        unheld: [
          { site: 'aws', isNew: true },
          { site: 'aws', isNew: true },
        ],
      },
    ],
  });
});

test('what-if of a configuration is what a deployment of it then does', async () => {
  const running = await startFleet();
  must(running.emit('onprem-router-a', MOVING));
  await running.advance(3000);
  const text = running.configText('oci-router-a', { draining: ['aws-router-a'] });
  const question = { kind: 'apply', sources: [{ file: 'router.yaml', text }] };
  expect(await ask(running, 'oci-router-a', '/v1/what-if', question)).toMatchObject({
    items: [{ unheld: [], moves: [{ address: `${MOVING}/32`, from: 'aws-router-a', to: 'aws-router-b' }] }],
  });
  await redeployAll(running, { draining: ['aws-router-a'] });
  expect((await capturersEverywhere(running))['aws']).toEqual(['aws-router-b']);
});

test('a question about what nobody knows is refused with what is known', async () => {
  const running = await startFleet();
  for (const question of [
    { kind: 'fail', node: 'mars' },
    { kind: 'fact', address: '10.77.60.9', site: 'mars' },
    { kind: 'fact', address: '192.0.2.1', site: 'aws' },
    { kind: 'sing' },
    { kind: 'apply', sources: [{ file: 'x.yaml', text: 'kind: Nothing' }] },
  ])
    expect(await ask(running, 'aws-router-a', '/v1/what-if', question)).toMatchObject({
      fault: { message: expect.any(String) },
    });
});

test('leases, captures and pools are listed, and an explanation says what would change it and what comes next', async () => {
  const running = await startFleet();
  must(running.emit('onprem-router-a', MOVING));
  await running.advance(3000);
  expect(await ask(running, 'aws-router-a', '/v1/mobility/leases')).toMatchObject({
    items: [{ address: `${MOVING}/32`, status: 'active', site: 'onprem' }],
  });
  expect(await ask(running, 'aws-router-a', '/v1/mobility/captures')).toMatchObject({
    items: [
      {
        domain: 'provider:aws-main:placement:aws-routers',
        holder: 'aws-router-a',
        phase: 'held',
        isOpen: true,
        lastAction: { status: 'succeeded' },
      },
      { domain: 'provider:azure-main:placement:azure-routers' },
      { domain: 'provider:oci-main:placement:oci-routers' },
    ],
  });
  expect(await ask(running, 'aws-router-a', '/v1/mobility/pools')).toMatchObject({
    items: [{ name: 'p', leases: { active: 1 }, noRoom: [] }],
  });
  const [told] = explainView(running.node('aws-router-a').view, addressOf(MOVING));
  const text = told?.lines.join('\n') ?? '';
  expect(text).toContain('heard 3s ago, stands for 57s');
  expect(text).toContain('not chosen here:\n  aws-router-b: lower-priority');
  expect(text).toContain(
    'deliver (done) → claim (done) → confirm (done) → forward (done) → attract (done) → verify (done) → hold (done)',
  );
  expect(text).toContain('if aws-router-a fails or drains: aws-router-b captures here');
  expect(text).toContain('if onprem-router-a says that it is gone: nobody owns it any more');

  const [excluded] = explainView(running.node('aws-router-a').view, addressOf('10.77.60.1'));
  expect(excluded?.lines).toEqual(
    expect.arrayContaining([
      '  none: nobody has reported this address',
      '  the pool excludes 10.77.60.0/29: addresses in it never move',
    ]),
  );
});
