/** Operators' orders as they come in through the API of one node, and what becomes of them in the fleet. */
import { orderRoutes, type Route } from '@routerd/routerd';
import { expect, test } from 'vitest';
import { Fleet } from './fleet.ts';

const A = '10.77.60.10';

async function fleetWithOneAddress(): Promise<Fleet> {
  const fleet = new Fleet();
  await fleet.start();
  fleet.emit('onprem-router-a', A);
  await fleet.advance(5000);
  expect(await fleet.capturers('aws', A)).toEqual(['aws-router-a']);
  return fleet;
}

function routesOf(fleet: Fleet, name: string): readonly Route[] {
  const { view, federation, reconciler } = fleet.node(name);
  return orderRoutes({
    node: view,
    registry: federation.orders,
    onChange: (listener) => reconciler.onChange(listener),
    within: (milliseconds) => {
      const stop = new AbortController();
      const until = fleet.clock.monotonic() + milliseconds;
      void fleet.clock.sleepUntil(until as never, stop.signal).then(() => stop.abort());
      return stop.signal;
    },
  });
}

/** Asks as the API would, while virtual time passes. */
async function ask(
  fleet: Fleet,
  name: string,
  [method, pattern]: readonly ['GET' | 'POST', string],
  { body, node = '', wait = '0' }: { readonly body?: unknown; readonly node?: string; readonly wait?: string } = {},
) {
  const route = routesOf(fleet, name).find((each) => each.method === method && each.pattern === pattern);
  if (route === undefined) throw new Error(`${method} ${pattern}`);
  const progress = { isDone: false };
  const answer = Promise.resolve(
    route.handle({ params: { node }, query: new URLSearchParams({ wait }), body }),
  ).finally(() => {
    progress.isDone = true;
  });
  for (let steps = 0; steps < 1000 && !progress.isDone; steps += 1) await fleet.advance(50);
  return answer;
}

const DRAIN = { verb: 'drain', node: 'aws-router-a', who: 'alice', why: 'kernel update' };

test('a drained router gives everything away, may be switched off, and takes it back when the drain ends', async () => {
  const fleet = await fleetWithOneAddress();
  const ordered = await ask(fleet, 'oci-router-b', ['POST', '/v1/orders'], { body: DRAIN });
  expect(ordered).toMatchObject({ status: 200, body: { verb: 'drain', who: 'alice', why: 'kernel update' } });
  const state = await ask(fleet, 'azure-router-a', ['GET', '/v1/drains/:node'], { node: 'aws-router-a', wait: '20' });
  expect(state).toMatchObject({ status: 200, body: { draining: true, held: [] } });
  await fleet.advance(3000);
  expect(await fleet.capturers('aws', A)).toEqual(['aws-router-b']);
  const undrain = { verb: 'undrain', node: 'aws-router-a', who: 'alice', why: '' };
  await ask(fleet, 'aws-router-a', ['POST', '/v1/orders'], { body: undrain });
  await fleet.advance(5000);
  expect(await fleet.capturers('aws', A)).toEqual(['aws-router-a']);
  await fleet.stopAll();
});

/** The NIC that the cloud's emulation gives a router. */
const forwards = (fleet: Fleet, name: string): boolean => fleet.clouds.get('aws')?.forwarding(`nic-${name}`) ?? false;

test('nobody delivers through a router that does not forward yet, and a drained one stops forwarding when it has given all away', async () => {
  const fleet = await fleetWithOneAddress();
  fleet.emit('aws-router-a', '10.77.60.11');
  await fleet.advance(5000);
  expect(forwards(fleet, 'aws-router-b')).toBe(true);
  const deliveries = new Set<string>();
  const look = (): void => {
    for (const name of ['onprem-router-a', 'azure-router-a', 'oci-router-a']) {
      const [, via = ''] = /dev wg-(aws-[ab])/.exec(fleet.routeTo(name, '10.77.60.11') ?? '') ?? [];
      deliveries.add(`${via} ${forwards(fleet, via.replace('aws-', 'aws-router-')) ? 'forwards' : 'drops'}`);
    }
  };
  look();
  await ask(fleet, 'oci-router-b', ['POST', '/v1/orders'], { body: DRAIN });
  for (let steps = 0; steps < 100; steps += 1) {
    look();
    await fleet.advance(50);
  }
  expect([...deliveries].toSorted()).toEqual(['aws-a forwards', 'aws-b forwards']);
  expect(await fleet.capturers('aws', A)).toEqual(['aws-router-b']);
  expect(forwards(fleet, 'aws-router-a')).toBe(false);
  fleet.clouds.get('aws')?.setLatency(500);
  const undrain = { verb: 'undrain', node: 'aws-router-a', who: 'alice', why: '' };
  await ask(fleet, 'aws-router-a', ['POST', '/v1/orders'], { body: undrain });
  for (let steps = 0; steps < 100; steps += 1) {
    look();
    await fleet.advance(50);
  }
  expect([...deliveries].toSorted()).toEqual(['aws-a forwards', 'aws-b forwards']);
  expect(await fleet.capturers('aws', A)).toEqual(['aws-router-a']);
  await fleet.stopAll();
});

test('a router may be switched off when the provider carries everything elsewhere, not when that was decided', async () => {
  const fleet = await fleetWithOneAddress();
  fleet.clouds.get('aws')?.setLatency(3000);
  await ask(fleet, 'oci-router-b', ['POST', '/v1/orders'], { body: DRAIN });
  await fleet.advance(1000);
  const early = await ask(fleet, 'azure-router-a', ['GET', '/v1/drains/:node'], { node: 'aws-router-a' });
  expect(early).toMatchObject({ status: 200, body: { draining: true, held: [`${A}/32`] } });
  const state = await ask(fleet, 'azure-router-a', ['GET', '/v1/drains/:node'], { node: 'aws-router-a', wait: '20' });
  expect(state).toMatchObject({ status: 200, body: { held: [] } });
  expect(await fleet.capturers('aws', A)).toEqual(['aws-router-b']);
  await fleet.stopAll();
});

test('a drain stands over a restart of every node', async () => {
  const fleet = await fleetWithOneAddress();
  await ask(fleet, 'oci-router-b', ['POST', '/v1/orders'], { body: DRAIN });
  await fleet.advance(5000);
  await fleet.stopAll();
  await fleet.start();
  expect(await fleet.capturers('aws', A)).toEqual(['aws-router-b']);
  await fleet.stopAll();
});

test('a router that starts again sends nothing another way before it has read who captures', async () => {
  const fleet = await fleetWithOneAddress();
  fleet.emit('aws-router-a', '10.77.60.11');
  await fleet.advance(2000);
  await ask(fleet, 'oci-router-b', ['POST', '/v1/orders'], { body: DRAIN });
  await fleet.advance(5000);
  const way = (): string =>
    /dev (wg-aws-[ab])/.exec(fleet.routeTo('azure-router-a', '10.77.60.11') ?? '')?.[1] ?? 'none';
  expect(way()).toBe('wg-aws-b');
  await fleet.stop('azure-router-a');
  await fleet.boot('azure-router-a');
  const ways = new Set<string>();
  for (let steps = 0; steps < 200; steps += 1) {
    ways.add(way());
    await fleet.advance(50);
  }
  expect([...ways]).toEqual(['wg-aws-b']);
  await fleet.stopAll();
});

test('a drain that nobody could take over from is refused; when it is forced the router keeps what it has until somebody can', async () => {
  const fleet = await fleetWithOneAddress();
  await fleet.stop('aws-router-b');
  await fleet.advance(10_000);
  const refused = await ask(fleet, 'oci-router-a', ['POST', '/v1/orders'], { body: DRAIN });
  expect(refused).toMatchObject({ status: 409, fault: { code: 'order.no-successor' } });
  expect(await fleet.capturers('aws', A)).toEqual(['aws-router-a']);
  await ask(fleet, 'oci-router-a', ['POST', '/v1/orders'], { body: { ...DRAIN, force: true } });
  await fleet.advance(5000);
  expect(await fleet.capturers('aws', A)).toEqual(['aws-router-a']);
  await fleet.boot('aws-router-b');
  await fleet.advance(20_000);
  expect(await fleet.capturers('aws', A)).toEqual(['aws-router-b']);
  await fleet.stopAll();
});

test.each([
  [{ ...DRAIN, node: 'aws-router-z' }, 'order.unknown-node'],
  [{ ...DRAIN, node: undefined }, 'order.malformed'],
  [{ verb: 'hand-over', address: A, site: 'mars', who: 'alice', why: '' }, 'order.unknown-site'],
  [{ verb: 'hand-over', address: A, who: 'alice', why: '' }, 'order.unknown-site'],
  [{ verb: 'freeze', address: '192.0.2.1', who: 'alice', why: '' }, 'address.outside-pools'],
  [{ verb: 'release', address: 'ten', who: 'alice', why: '' }, 'address.malformed'],
])('%j is refused with a remedy, and orders nothing', async (body, code) => {
  const fleet = await fleetWithOneAddress();
  expect(await ask(fleet, 'aws-router-a', ['POST', '/v1/orders'], { body })).toMatchObject({ fault: { code } });
  expect(await ask(fleet, 'aws-router-a', ['GET', '/v1/orders'])).toMatchObject({ body: { items: [] } });
  await fleet.stopAll();
});
