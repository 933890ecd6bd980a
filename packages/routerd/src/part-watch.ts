/** The stored parts as the reconciler sees them: marked when one arrives or ends, never looked at by the clock's tick. */
import type { PartStore, StoredPart } from '@routerd/config';
import { instant, type Instant } from '@routerd/resources';
import { Alarm, type Clock, type Log } from '@routerd/runtime';

export interface PartWatchPorts {
  readonly store: Pick<PartStore, 'list' | 'onChange' | 'prune'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long a part that has expired can still be shown. */
const EXPIRED_KEPT_MS = 24 * 3_600_000;

export class PartWatch {
  readonly #ports: PartWatchPorts;
  readonly #onDue: () => void;
  readonly #nextExpiry: Alarm;
  #unsubscribe: (() => void) | undefined;
  #changed = false;

  /** @param onDue told when the parts must be merged again */
  constructor(ports: PartWatchPorts, onDue: () => void) {
    this.#ports = ports;
    this.#onDue = onDue;
    this.#nextExpiry = new Alarm(ports.clock, () => {
      this.#prune();
      this.#mark();
    });
  }

  start(): void {
    this.#prune();
    this.#unsubscribe = this.#ports.store.onChange(() => this.#mark());
  }

  stop(): void {
    this.#unsubscribe?.();
    this.#nextExpiry.setInstant(undefined);
  }

  list(): readonly StoredPart[] {
    return this.#ports.store.list();
  }

  /** @returns whether parts came, went or ended since the last call */
  takeChange(): boolean {
    const changed = this.#changed;
    this.#changed = false;
    return changed;
  }

  /** @param nextExpiry when the merge that was just made ends to be right */
  merged(nextExpiry: Instant | undefined): void {
    this.#nextExpiry.setInstant(nextExpiry);
  }

  #mark(): void {
    this.#changed = true;
    this.#onDue();
  }

  #prune(): void {
    const { store, clock, log } = this.#ports;
    try {
      store.prune(instant(clock.now() - EXPIRED_KEPT_MS));
    } catch (cause) {
      log.warn('expired parts could not be forgotten', { event: 'config.parts.not-pruned', cause: String(cause) });
    }
  }
}
