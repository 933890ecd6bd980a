import { orderSubjectOf, type Order } from '@routerd/mobility';
import { instant, parseNodeName, type Result } from '@routerd/resources';
import { ManualClock } from '@routerd/runtime';
import { expect, test } from 'vitest';
import { createMemoryOrders } from '../src/adapters/memory/memory-orders.ts';
import { noOrders } from '../src/order-registry.ts';

function must<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

const [a, b] = [must(parseNodeName('a')), must(parseNodeName('b'))];
const drain: Order = { verb: 'drain', node: a };
const kim = { who: 'kim', why: 'maintenance' };
const signal = new AbortController().signal;

test('an order stands at every node, and the next about the same subject takes its place', async () => {
  const log = createMemoryOrders(new ManualClock(instant(0)));
  const [at, elsewhere] = [log.of(a), log.of(b)];
  const told: unknown[] = [];
  elsewhere.onChange((subjects) => told.push(subjects));
  expect(await at.append(drain, kim, signal)).toMatchObject({ kind: 'won', order: { version: 1, writer: a, ...kim } });
  expect(elsewhere.orders().get(orderSubjectOf(drain))).toMatchObject({ order: drain });
  expect(await elsewhere.append({ verb: 'undrain', node: a }, kim, signal)).toMatchObject({ order: { version: 2 } });
  expect(at.orders().get(orderSubjectOf(drain))?.order.verb).toBe('undrain');
  expect(told).toEqual([['node/a'], ['node/a']]);
});

test('who is cut off neither orders nor hears, and catches up', async () => {
  const log = createMemoryOrders(new ManualClock(instant(0)));
  const [at, elsewhere] = [log.of(a), log.of(b)];
  log.partition(b);
  await at.append(drain, kim, signal);
  expect(elsewhere.orders().size).toBe(0);
  expect((await elsewhere.append(drain, kim, signal)).kind).toBe('unreachable');
  log.heal(b);
  expect(elsewhere.orders().size).toBe(1);
});

test('a newcomer reads what stands', async () => {
  const log = createMemoryOrders(new ManualClock(instant(0)));
  await log.of(a).append(drain, kim, signal);
  expect(log.of(b).orders().size).toBe(1);
});

test('without a registry nothing is ordered, and nobody waits for it', async () => {
  expect(noOrders.orders().size).toBe(0);
  expect((await noOrders.append(drain, kim, signal)).kind).toBe('unreachable');
});
