import type { AddressLease } from '@routerd/mobility';
import { instant, type HostAddress, type NodeName, type PoolName, type SiteName } from '@routerd/resources';
import { expect, test } from 'vitest';
import { opened, temporaryFile } from './store-rig.ts';

const lease = (host: number, changes: Partial<AddressLease> = {}): AddressLease => ({
  pool: 'cloudedge' as PoolName,
  address: `10.77.60.${host}/32` as HostAddress,
  status: 'active',
  site: 'onprem' as SiteName,
  ownerNode: 'onprem-router-a' as NodeName,
  role: 'onprem',
  leaseEpoch: 1,
  since: instant(1_800_000_000_123),
  expiresAt: undefined,
  challenger: undefined,
  ...changes,
});

test('leases come back as they were, to the millisecond', () => {
  const file = temporaryFile();
  const store = opened(file);
  const challenger = {
    site: 'aws' as SiteName,
    node: 'aws-router-a' as NodeName,
    firstAcceptedAt: instant(1_800_000_000_456),
  };
  const leases = [lease(10), lease(11, { status: 'conflict', challenger, expiresAt: instant(1_800_000_300_789) })];
  store.leases.saveLeases([...leases, lease(12)], []);
  store.leases.saveLeases([], [lease(12)]);
  store.close();
  expect(opened(file).leases.loadLeases()).toEqual(leases);
});

test('a status is written only where its meaning changed', () => {
  const store = opened(temporaryFile());
  expect(store.objects.save('a/B/c', { phase: 'Ready', sub: { x: 1, y: [1, 2] } }, instant(1))).toBe(true);
  expect(store.objects.save('a/B/c', { sub: { y: [1, 2], x: 1 }, phase: 'Ready' }, instant(2))).toBe(false);
  expect(store.objects.get('a/B/c')?.updatedAt).toBe(1);
  expect(store.objects.save('a/B/c', { phase: 'Ready', sub: { x: 1, y: [2, 1] } }, instant(3))).toBe(true);
  expect(store.objects.all()).toEqual([
    { identity: 'a/B/c', status: { phase: 'Ready', sub: { x: 1, y: [2, 1] } }, updatedAt: 3 },
  ]);
  store.objects.remove(['a/B/c']);
  expect(store.objects.all()).toEqual([]);
});

test('the ledger keeps the value that was there before we came', () => {
  const file = temporaryFile();
  const store = opened(file);
  store.ledger.record([
    { key: 'sysctl:net/ipv4/ip_forward', priorValue: '0' },
    { key: 'proxy-neighbor:lan0/10.77.60.11/32', priorValue: undefined },
  ]);
  store.ledger.record([{ key: 'sysctl:net/ipv4/ip_forward', priorValue: '1' }]);
  store.close();
  const again = opened(file);
  expect(again.ledger.entries()).toEqual([
    { key: 'proxy-neighbor:lan0/10.77.60.11/32', priorValue: undefined },
    { key: 'sysctl:net/ipv4/ip_forward', priorValue: '0' },
  ]);
  again.ledger.forget(['sysctl:net/ipv4/ip_forward', 'unknown']);
  expect(again.ledger.entries()).toHaveLength(1);
});

test('starts are counted over restarts', () => {
  const file = temporaryFile();
  for (const start of [1, 2, 3]) {
    const store = opened(file);
    expect(store.meta.recordStart()).toBe(start);
    store.close();
  }
});
