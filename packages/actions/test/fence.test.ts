import { fenceAction, type CaptureEpoch } from '@routerd/mobility';
import { expect, test } from 'vitest';
import { confirmFence, STALE_MESSAGE } from '../src/fence.ts';
import { address, assign, DOMAIN, keyOf, OTHER, POOL, proposal, SELF } from './engine-rig.ts';
import { MemoryRegistry } from '../src/contract/memory-registry.ts';

const signal = new AbortController().signal;
const fields = (host: number) => ({ pool: POOL, address: address(host), domain: DOMAIN });

function registryWith(...hosts: readonly number[]): MemoryRegistry {
  const registry = new MemoryRegistry(SELF);
  for (const host of hosts) registry.seize(keyOf(host), SELF, fields(host));
  return registry;
}

test('the words of a fenced action are those of the predicate', () => {
  const verdict = fenceAction(assign(10), undefined);
  expect(verdict).toMatchObject({ ok: false, error: { message: STALE_MESSAGE } });
});

test('what is won is admitted, with one record per address and one append for all', async () => {
  const registry = registryWith(10, 11);
  const verdicts = await confirmFence(registry, SELF, [assign(10), assign(11)], signal);
  expect(verdicts).toMatchObject([
    { kind: 'admitted', record: { address: address(10), phase: 'confirmed', epoch: 1, revision: 2, holder: SELF } },
    { kind: 'admitted', record: { address: address(11), phase: 'confirmed' } },
  ]);
  expect(registry.appends).toHaveLength(1);
});

test('a capture that is held stays held, one that is confirmed stays confirmed', async () => {
  const registry = registryWith(10);
  const { revision: _, writer: __, claim: ___, since: ____, ...record } = registry.records().get(keyOf(10)) ?? {};
  for (const phase of ['confirmed', 'held'] as const) {
    registry.write({ ...(record as Parameters<MemoryRegistry['write']>[0]), phase }, SELF);
    expect(await confirmFence(registry, SELF, [assign(10)], signal)).toMatchObject([{ record: { phase } }]);
  }
});

test('an unknown key, an older epoch and another holder are stale without a write', async () => {
  const registry = registryWith(10, 11);
  registry.seize(keyOf(11), OTHER, fields(11));
  const verdicts = await confirmFence(
    registry,
    SELF,
    [assign(12), assign(11, 1), assign(11, 2), assign(10, 1, { captureHolder: OTHER })],
    signal,
  );
  expect(verdicts.map(({ kind }) => kind)).toEqual(['stale', 'stale', 'stale', 'stale']);
  expect(registry.appends).toEqual([]);
});

test('a stale address does not keep the others of its batch back', async () => {
  const registry = registryWith(10);
  expect(await confirmFence(registry, SELF, [assign(11), assign(10)], signal)).toMatchObject([
    { kind: 'stale' },
    { kind: 'admitted' },
  ]);
});

test('a release after the address has moved on is witnessed by an unchanged record', async () => {
  const registry = registryWith(10);
  registry.seize(keyOf(10), OTHER, fields(10));
  const release = proposal('unassign-secondary-ip', 10, 2);
  expect(await confirmFence(registry, SELF, [release], signal)).toMatchObject([
    { kind: 'admitted', record: { holder: OTHER, phase: 'acquiring', epoch: 2, revision: 3 } },
  ]);
});

test('the release of a live capture is stale', async () => {
  const registry = registryWith(10);
  expect(await confirmFence(registry, SELF, [proposal('unassign-secondary-ip', 10, 1)], signal)).toMatchObject([
    { kind: 'stale' },
  ]);
});

test('losing to a record of the same tenure is tried once more', async () => {
  const registry = registryWith(10);
  registry.beforeAppend = () => {
    registry.beforeAppend = undefined;
    const current = registry.records().get(keyOf(10));
    if (current !== undefined) registry.write({ ...current, phase: 'confirmed' }, SELF);
  };
  expect(await confirmFence(registry, SELF, [assign(10)], signal)).toMatchObject([
    { kind: 'admitted', record: { revision: 3 } },
  ]);
  expect(registry.appends).toHaveLength(2);
});

test('losing to another holder is stale', async () => {
  const registry = registryWith(10);
  registry.beforeAppend = () => {
    registry.beforeAppend = undefined;
    registry.seize(keyOf(10), OTHER, fields(10));
  };
  expect(await confirmFence(registry, SELF, [assign(10)], signal)).toMatchObject([
    { kind: 'stale', current: { holder: OTHER, epoch: 2 as CaptureEpoch } },
  ]);
});

test('losing again and again is neither admitted nor stale', async () => {
  const registry = registryWith(10);
  registry.beforeAppend = () => {
    const current = registry.records().get(keyOf(10));
    if (current !== undefined) registry.write(current, OTHER);
  };
  expect(await confirmFence(registry, SELF, [assign(10)], signal)).toMatchObject([{ kind: 'later' }]);
  expect(registry.appends).toHaveLength(2);
});

test('a registry without a quorum admits nothing, and is not asked twice', async () => {
  const registry = registryWith(10);
  registry.isReachable = false;
  expect(await confirmFence(registry, SELF, [assign(10)], signal)).toMatchObject([
    { kind: 'later', detail: 'no quorum' },
  ]);
  expect(registry.appends).toHaveLength(1);
});
