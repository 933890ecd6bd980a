/** What every store of parts must do. An adapter's test file is one call to this. */
import { instant, parseResource, type Resource } from '@routerd/resources';
import { describe, expect, test } from 'vitest';
import { isDamaged, partDigest } from '../dynamic-config-part.ts';
import { GENERATIONS_KEPT, type OfferedPart, type PartStore } from '../part-store.ts';

export interface PartStoreRig {
  readonly store: PartStore;
  /** Opens what `store` wrote again, as after a restart; undefined for what forgets. */
  readonly reopen: (() => PartStore) | undefined;
  /** Changes the stored content of the newest part of a source behind the store's back. @returns the store to ask then */
  readonly damage: (source: string) => PartStore;
}

function route(name: string, destination: string): Resource {
  const parsed = parseResource({
    apiVersion: 'net.routerd.net/v1alpha1',
    kind: 'IPv4Route',
    metadata: { name },
    spec: { destination, device: 'eth0' },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

const NET = route('net', '192.0.2.0/25');
const OTHER = route('other', '192.0.2.128/25');

const offer = (source: string, changes: Partial<OfferedPart> = {}): OfferedPart => ({
  source,
  observedAt: instant(1_800_000_000_123),
  expiresAt: instant(1_800_000_600_456),
  resources: [NET],
  directives: [
    { op: 'mask', target: { apiVersion: 'net.routerd.net/v1alpha1', kind: 'Interface', name: 'a' }, reason: 'gone' },
  ],
  actionPlans: [],
  ...changes,
});

const stamps = (store: PartStore): readonly string[] =>
  store.list().map(({ source, generation }) => `${source}@${generation}`);

/** @param open gets an empty store; what it needs to clean up it registers itself */
export function partStoreContract(name: string, open: () => PartStoreRig): void {
  describe(`${name}: parts`, () => {
    test('a part comes back with its times to the millisecond and the digest of its content', () => {
      const { store } = open();
      const put = store.put(offer('Plugin/a'));
      expect(put).toEqual({ ...offer('Plugin/a'), generation: 1, digest: partDigest(offer('Plugin/a')) });
      expect(store.list()).toEqual([put]);
      expect(store.newest('Plugin/a')).toEqual(put);
      expect(store.newest('Plugin/b')).toBeUndefined();
    });

    test('other content is the next generation, and the newest generations are kept', () => {
      const { store } = open();
      for (let count = 1; count <= GENERATIONS_KEPT + 2; count++)
        store.put(offer('a', { resources: count % 2 === 0 ? [NET] : [OTHER] }));
      store.put(offer('b'));
      expect(stamps(store)).toEqual(['a@5', 'a@4', 'a@3', 'b@1']);
    });

    test('the same content again keeps its generation and its identity, and gets the new times', () => {
      const { store } = open();
      const first = store.put(offer('a'));
      const renewed = store.put(offer('a', { resources: [NET], expiresAt: instant(1_800_000_900_000) }));
      expect(renewed).toEqual({ ...first, expiresAt: 1_800_000_900_000 });
      expect(renewed.resources).toBe(first.resources);
      expect(store.list()).toEqual([renewed]);
    });

    test('an unchanged part is the same value at every listing', () => {
      const { store } = open();
      store.put(offer('a'));
      const [before] = store.list();
      store.put(offer('b'));
      expect(store.list()[0]).toBe(before);
    });

    test('a source that withdraws leaves nothing, and the others stay', () => {
      const { store } = open();
      store.put(offer('a'));
      store.put(offer('a', { resources: [] }));
      store.put(offer('b'));
      expect(store.withdraw('a')).toBe(true);
      expect(store.withdraw('a')).toBe(false);
      expect(stamps(store)).toEqual(['b@1']);
    });

    test('what expired before an instant is pruned, what expires at it is not', () => {
      const { store } = open();
      store.put(offer('a', { expiresAt: instant(99) }));
      store.put(offer('b', { expiresAt: instant(100) }));
      expect(store.prune(instant(100))).toBe(1);
      expect(store.prune(instant(100))).toBe(0);
      expect(stamps(store)).toEqual(['b@1']);
    });

    test('listeners hear of each change once, until they unsubscribe', () => {
      const { store } = open();
      let heard = 0;
      const unsubscribe = store.onChange(() => (heard += store.list().length));
      store.put(offer('a'));
      store.put(offer('b'));
      store.withdraw('c');
      store.prune(instant(0));
      expect(heard).toBe(1 + 2);
      unsubscribe();
      store.withdraw('a');
      expect(heard).toBe(1 + 2);
    });

    test('a restart changes nothing', () => {
      const { store, reopen } = open();
      store.put(offer('a'));
      store.put(offer('a', { resources: [OTHER] }));
      store.put(offer('b', { actionPlans: [PLAN] }));
      const before = store.list();
      const after = reopen === undefined ? store : reopen();
      expect(after.list()).toEqual(before);
      expect(after.put(offer('a', { resources: [OTHER] })).generation).toBe(2);
    });

    test('content that was changed behind its back is damaged, alone, and never falls back to an older one', () => {
      const { store, damage } = open();
      store.put(offer('a'));
      store.put(offer('a', { resources: [OTHER] }));
      store.put(offer('b'));
      const damaged = damage('a');
      const [newest, older, other] = damaged.list();
      expect(newest).toMatchObject({ source: 'a', generation: 2, observedAt: 1_800_000_000_123 });
      expect(newest !== undefined && isDamaged(newest)).toBe(true);
      expect([older, other].map((part) => part !== undefined && isDamaged(part))).toEqual([false, false]);
      expect(damaged.put(offer('a', { resources: [OTHER] })).generation).toBe(3);
    });
  });
}

const PLAN: OfferedPart['actionPlans'][number] = {
  name: 'assign',
  provider: 'oci',
  providerRef: 'oci-main',
  action: 'assign-secondary-ip',
  target: { nicRef: 'ocid1.vnic.a', address: '10.77.60.10/32' },
  parameters: {},
  description: 'put the address on the NIC',
  riskLevel: 'medium',
  idempotencyKey: 'oci:ocid1.vnic.a:assign-secondary-ip:10.77.60.10/32',
  expectedEffects: ['10.77.60.10/32 arrives at the NIC'],
  undo: { action: 'unassign-secondary-ip', parameters: {} },
};
