import { describe, expect, it } from 'vitest';
import type { CaptureEpoch } from '@routerd/mobility';
import type { HighWaterStore } from '../ports.ts';
import { address, keyOf } from './federation-rig.ts';

/** A store that can be opened again, as after a restart; the disk stays. */
export interface HighWaterStoreRig {
  /** Closes what was open before. */
  open(): HighWaterStore;
  close(): void;
}

export function highWaterStoreContract(name: string, openRig: () => HighWaterStoreRig): void {
  const assertWithRig = (body: (rig: HighWaterStoreRig) => void): void => {
    const rig = openRig();
    try {
      body(rig);
    } finally {
      rig.close();
    }
  };
  const withRig = (behaviour: string, body: (rig: HighWaterStoreRig) => void): void => {
    // oxlint-disable-next-line vitest/valid-title -- the cases bring their titles
    it(behaviour, () => assertWithRig(body));
  };
  const mark = (last: number, epoch: number): { key: ReturnType<typeof keyOf>; epoch: CaptureEpoch } => ({
    key: keyOf(address(last)),
    epoch: epoch as CaptureEpoch,
  });

  describe(`high-water store: ${name}`, () => {
    withRig('knows nothing at first', (rig) => {
      expect(rig.open().all()).toEqual(new Map());
    });

    withRig('keeps the highest epoch of each key over a restart', (rig) => {
      rig.open().raise([mark(10, 3), mark(11, 1)]);
      const again = rig.open();
      again.raise([mark(11, 2)]);
      expect(rig.open().all()).toEqual(new Map([mark(10, 3), mark(11, 2)].map(({ key, epoch }) => [key, epoch])));
    });

    withRig('never goes down, whatever the order within and between batches', (rig) => {
      const store = rig.open();
      store.raise([mark(10, 5), mark(10, 4)]);
      store.raise([mark(10, 2)]);
      store.raise([]);
      expect(store.all().get(keyOf(address(10)))).toBe(5);
      expect(store.epochOf(keyOf(address(10)))).toBe(5);
      expect(store.epochOf(keyOf(address(11)))).toBeUndefined();
    });

    withRig('what it gave out does not change with it', (rig) => {
      const store = rig.open();
      const before = store.all();
      store.raise([mark(10, 5)]);
      expect(before.size).toBe(0);
    });
  });
}
