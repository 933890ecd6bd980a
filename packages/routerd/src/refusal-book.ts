/** What providers refused this node because another NIC holds the address: remembered for as long as the capture is not decided. */
import type { ActionRow } from '@routerd/actions';
import type { CaptureEpoch, CaptureKey, CaptureRecord, SeizeRefusal } from '@routerd/mobility';
import type { HostAddress, PoolName } from '@routerd/resources';

export class RefusalBook {
  readonly #byKey = new Map<CaptureKey, Map<CaptureEpoch, SeizeRefusal>>();

  /** @param rows that wait after such a refusal. @returns what was not known yet */
  note(rows: readonly ActionRow[]): readonly { readonly pool: PoolName; readonly address: HostAddress }[] {
    return rows.flatMap(({ proposal: { captureKey, captureEpoch, seize, pool, address } }) => {
      const known = this.#byKey.get(captureKey) ?? new Map<CaptureEpoch, SeizeRefusal>();
      if (known.has(captureEpoch)) return [];
      this.#byKey.set(captureKey, known.set(captureEpoch, { epoch: captureEpoch, from: seize?.from }));
      return [{ pool, address }];
    });
  }

  /** A capture that is held, released or forgotten has found its address. */
  settle(key: CaptureKey, record: CaptureRecord | undefined): void {
    if (record?.phase !== 'acquiring' && record?.phase !== 'confirmed') this.#byKey.delete(key);
  }

  of(key: CaptureKey): readonly SeizeRefusal[] {
    return [...(this.#byKey.get(key)?.values() ?? [])];
  }
}
