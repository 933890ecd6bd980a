/** Two pools whose routers share a NIC: what one of them must know of the other. */
import type { ActionRow } from '@routerd/actions';
import {
  captureKeyOf,
  poolContexts,
  type CaptureDomain,
  type CaptureEpoch,
  type CaptureRecord,
  type ClaimId,
  type PoolContext,
  type Revision,
} from '@routerd/mobility';
import {
  instant,
  parseHostAddress,
  parseNodeName,
  parseResource,
  type HostAddress,
  type Result,
} from '@routerd/resources';
import { expect, test } from 'vitest';
import { PoolState } from '../src/pool-state.ts';
import { surroundingsOf } from '../src/pool-surroundings.ts';
import { RefusalBook } from '../src/refusal-book.ts';

function must<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

const address = (quad: string): HostAddress => must(parseHostAddress(`${quad}/32`));

function document(group: string, kind: string, name: string, spec: unknown): unknown {
  return { apiVersion: `${group}.routerd.net/v1alpha1`, kind, metadata: { name }, spec };
}

function member(nodeRef: string, nicRef: string): unknown {
  const capture = { type: 'provider-secondary-ip', providerRef: 'aws', providerMode: 'x', nicRef };
  return { nodeRef, site: 'aws', role: 'cloud', capture, placement: { group: 'aws' } };
}

/** Pools `first` and `second` share the NICs of both routers; `third` has NICs of its own. */
function pools(): readonly PoolState[] {
  const pool = (name: string, prefix: string, suffix = ''): unknown =>
    document('mobility', 'MobilityPool', name, {
      prefix,
      groupRef: 'g',
      members: [member('aws-a', `nic-a${suffix}`), member('aws-b', `nic-b${suffix}`)],
    });
  const raw = [
    document('federation', 'EventGroup', 'g', {
      nodeName: 'aws-a',
      servers: ['nats://127.0.0.1:4222'],
      identity: { seedFile: '/x' },
    }),
    document('hybrid', 'CloudProviderProfile', 'aws', { provider: 'aws', capabilities: ['x'] }),
    pool('first', '10.1.0.0/24'),
    pool('second', '10.2.0.0/24'),
    pool('third', '10.3.0.0/24', '-other'),
  ];
  const contexts: readonly PoolContext[] = must(poolContexts(raw.map((each) => must(parseResource(each)))));
  return contexts.map((context) => new PoolState(context, []));
}

function held(pool: PoolState, of: HostAddress, holder: string): CaptureRecord {
  const domain: CaptureDomain | undefined = pool.context.selfMember?.domain;
  if (domain === undefined) throw new Error('the node is a member');
  const node = must(parseNodeName(holder));
  return {
    key: captureKeyOf(pool.context.name, of, domain),
    pool: pool.context.name,
    address: of,
    domain,
    revision: 1 as Revision,
    epoch: 1 as CaptureEpoch,
    holder: node,
    phase: 'held',
    previous: undefined,
    writer: node,
    claim: 'c' as ClaimId,
    since: instant(0),
    reason: '',
  };
}

test('what another pool captures through a NIC counts for it, and what it captures through others does not', () => {
  const [first, second, third] = pools();
  if (first === undefined || second === undefined || third === undefined) throw new Error('three pools are declared');
  const all = [first, second, third];
  for (const [pool, quad, holder] of [
    [second, '10.2.0.1', 'aws-a'],
    [second, '10.2.0.2', 'aws-b'],
    [second, '10.2.0.3', 'aws-b'],
    [third, '10.3.0.1', 'aws-a'],
  ] as const) {
    const record = held(pool, address(quad), holder);
    pool.acceptRecord(record.key, record);
  }
  const around = surroundingsOf(first, all);
  expect(around.heldForOtherPools).toBe(1);
  expect([...(around.loadOfOtherPools ?? [])]).toEqual([
    ['aws-a', 1],
    ['aws-b', 2],
  ]);
  expect(surroundingsOf(second, all).heldForOtherPools, 'nothing of the first is held').toBe(0);
  expect(surroundingsOf(first, [first])).toEqual({ heldForOtherPools: 0, ownedForOtherPools: 0 });
});

test('what a provider refused is told once, and forgotten when the capture is decided', () => {
  const [first] = pools();
  if (first === undefined) throw new Error('a pool is declared');
  const record = held(first, address('10.1.0.1'), 'aws-a');
  const row = (epoch: number): ActionRow => {
    const proposal = {
      captureKey: record.key,
      captureEpoch: epoch,
      seize: { from: 'aws-b' },
      pool: record.pool,
      address: record.address,
    };
    return { proposal } as unknown as ActionRow;
  };
  const book = new RefusalBook();
  expect(book.note([row(1)])).toEqual([{ pool: record.pool, address: record.address }]);
  expect(book.note([row(1), row(2)]), 'only the second is new').toHaveLength(1);
  expect(book.of(record.key).map(({ epoch }) => epoch)).toEqual([1, 2]);
  book.settle(record.key, { ...record, phase: 'acquiring' });
  expect(book.of(record.key)).toHaveLength(2);
  book.settle(record.key, record);
  expect(book.of(record.key)).toEqual([]);
});
