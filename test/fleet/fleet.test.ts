import { durationMs } from '@routerd/resources';
import { afterEach, expect, test } from 'vitest';
import { addressOf, Fleet, must, NODES, SITES, siteOf, type FleetOptions, type Site } from './fleet.ts';

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

/** Captured exactly once at every other site, by that site's preferred router; delivered by all of their routers; never at home. */
async function expectServed(
  running: Fleet,
  quad: string,
  home: Site,
  letterAt: (site: Site) => string = () => 'a',
): Promise<void> {
  for (const site of SITES) {
    const expected = site === home ? [] : [`${site}-router-${letterAt(site)}`];
    expect(await running.capturers(site, quad), `capturers of ${quad} at ${site}`).toEqual(expected);
  }
  for (const name of running.running()) {
    const route = running.routeTo(name, quad);
    if (siteOf(name) === home) expect(route, `${name} is at home`).toBeUndefined();
    else expect(route, `${name} delivers`).toContain(`wg-${home}-${letterAt(home)}`);
  }
}

test('one fact about an address on the LAN makes every other site capture and deliver it', async () => {
  const running = await startFleet();
  must(running.emit('onprem-router-a', '10.77.60.10'));
  await running.advance(2000);
  await expectServed(running, '10.77.60.10', 'onprem');
});

test('an address in a cloud is answered on the LAN by one router, and announced', async () => {
  const running = await startFleet();
  must(running.emit('aws-router-a', '10.77.60.11'));
  await running.advance(2000);
  await expectServed(running, '10.77.60.11', 'aws');
  expect(running.machine('onprem-router-a').host.announced).toEqual([addressOf('10.77.60.11')]);
  expect(running.machine('onprem-router-b').host.announced).toEqual([]);
});

test('every node comes to the same leases', async () => {
  const running = await startFleet();
  for (const [index, site] of SITES.entries()) must(running.emit(`${site}-router-a`, `10.77.60.${10 + index}`));
  await running.advance(3000);
  for (const [index, site] of SITES.entries()) await expectServed(running, `10.77.60.${10 + index}`, site);
  const leases = NODES.map((name) =>
    running
      .node(name)
      .reconciler.pools.flatMap((pool) =>
        [...pool.plans()].map(({ lease }) => `${lease?.address} ${lease?.site} ${lease?.leaseEpoch}`),
      )
      .toSorted(),
  );
  for (const of of leases) expect(of).toEqual(leases[0]);
});

test('a machine that is gone is released everywhere, and the NICs are left as they were', async () => {
  const running = await startFleet();
  must(running.emit('onprem-router-a', '10.77.60.10'));
  await running.advance(2000);
  must(running.emit('onprem-router-a', '10.77.60.10', 'routerd.client.ipv4.expired'));
  await running.advance(5000);
  for (const site of SITES) expect(await running.capturers(site, '10.77.60.10')).toEqual([]);
  for (const name of NODES) expect(running.routeTo(name, '10.77.60.10')).toBeUndefined();
  for (const [site, cloud] of running.clouds) expect(cloud.forwarding(`nic-${site}-router-a`), site).toBe(false);
});

test('a restart of every daemon changes nothing in any kernel and calls no provider to change anything', async () => {
  const running = await startFleet();
  must(running.emit('onprem-router-a', '10.77.60.10'));
  must(running.emit('aws-router-a', '10.77.60.11'));
  await running.advance(3000);
  const before = new Map(
    NODES.map((name) => [
      name,
      { kernel: running.machine(name).host.render(), batches: running.machine(name).host.applied.length },
    ]),
  );
  const mutations = [...running.clouds.values()].map((cloud) => cloud.mutations.length);
  for (const name of NODES) {
    await running.stop(name);
    await running.boot(name);
  }
  await running.advance(12_000);
  for (const name of NODES) {
    expect(running.machine(name).host.render(), name).toEqual(before.get(name)?.kernel);
    expect(running.machine(name).host.applied.length, `${name} applied something`).toBe(before.get(name)?.batches);
  }
  expect([...running.clouds.values()].map((cloud) => cloud.mutations.length)).toEqual(mutations);
});

test('a daemon that starts while the hub is out of reach keeps what stands and captures nothing new', async () => {
  const running = await startFleet();
  must(running.emit('aws-router-a', '10.77.60.11'));
  await running.advance(3000);
  const kernel = running.machine('onprem-router-a').host.render();
  await running.stop('onprem-router-a');
  running.network.partition(running.machine('onprem-router-a').name);
  await running.boot('onprem-router-a');
  await running.advance(12_000);
  expect(running.machine('onprem-router-a').host.render()).toEqual(kernel);
});

test('when a holder dies its partner takes over in the next epoch; when it returns it takes its priority back', async () => {
  const running = await startFleet();
  must(running.emit('onprem-router-a', '10.77.60.10'));
  must(running.emit('azure-router-a', '10.77.60.12'));
  await running.advance(3000);
  await running.stop('aws-router-a');
  await running.advance(12_000);
  await expectServed(running, '10.77.60.10', 'onprem', (site) => (site === 'aws' ? 'b' : 'a'));
  await running.boot('aws-router-a');
  await running.advance(10_000);
  await expectServed(running, '10.77.60.10', 'onprem');
  const epochs = running.clouds
    .get('aws')
    ?.mutations.filter(({ address, verb }) => address === addressOf('10.77.60.10') && verb === 'assign-secondary-ip')
    .map(({ captureEpoch }) => captureEpoch);
  expect(epochs).toEqual([1, 2, 3]);
});

test('a cut-off node keeps forwarding, and what it saw meanwhile arrives when the cut heals', async () => {
  const running = await startFleet();
  must(running.emit('aws-router-a', '10.77.60.11'));
  await running.advance(3000);
  const kernel = running.machine('onprem-router-a').host.render();
  for (const name of ['onprem-router-a', 'onprem-router-b']) running.network.partition(running.machine(name).name);
  must(running.emit('onprem-router-a', '10.77.60.10'));
  await running.advance(20_000);
  expect(running.machine('onprem-router-a').host.render()).toEqual(kernel);
  expect(await running.capturers('aws', '10.77.60.10')).toEqual([]);
  for (const name of ['onprem-router-a', 'onprem-router-b']) running.network.heal(running.machine(name).name);
  await running.advance(8000);
  await expectServed(running, '10.77.60.10', 'onprem');
  await expectServed(running, '10.77.60.11', 'aws');
});

test('a fact about an address that this site captures is refused where it would be recorded', async () => {
  const running = await startFleet();
  must(running.emit('onprem-router-a', '10.77.60.10'));
  await running.advance(3000);
  expect(running.emit('aws-router-b', '10.77.60.10')).toMatchObject({
    ok: false,
    error: { code: 'fact.self-capture' },
  });
});

test('two sites asserting one address is a conflict that moves nobody’s traffic', async () => {
  const running = await startFleet();
  must(running.emit('onprem-router-a', '10.77.60.50'));
  await running.advance(3000);
  // A machine with a duplicate address: its site's routers capture, so only a fact from elsewhere than them could claim it.
  expect(running.emit('oci-router-a', '10.77.60.50').ok).toBe(false);
  await running.advance(10_000);
  await expectServed(running, '10.77.60.50', 'onprem');
});

test('the first and the last address of a network are no machine', async () => {
  const running = await startFleet();
  expect(running.emit('onprem-router-a', '10.77.60.255')).toMatchObject({ error: { code: 'fact.no-machine' } });
  must(running.emit('onprem-router-a', '10.77.60.254'));
});

test('an address that the pool excludes is neither recorded nor leased', async () => {
  const running = await startFleet();
  expect(running.emit('onprem-router-a', '10.77.60.1')).toMatchObject({ ok: false, error: { code: 'fact.excluded' } });
  const { facts } = running.node('onprem-router-a').federation;
  const [context] = running.node('onprem-router-a').reconciler.pools;
  // A node of another version, without the exclusion, may still say so.
  must(
    facts.record({
      type: 'routerd.client.ipv4.observed',
      address: addressOf('10.77.60.1'),
      pool: context!.context.name,
      site: context!.context.selfMember!.site,
      ttl: durationMs(60_000),
      origin: 'test',
    }),
  );
  await running.advance(3000);
  for (const site of SITES) expect(await running.capturers(site, '10.77.60.1')).toEqual([]);
});
