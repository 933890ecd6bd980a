/** Every request that an emulated cloud got, in the order of arrival, for tests and scenarios to count. */
import type { Clock } from '@routerd/runtime';
import type { JournalEntry, JournalOutcome } from './control-messages.ts';

export class RequestJournal {
  readonly #clock: Clock;
  /** By sequence number, in that order. */
  readonly #entries = new Map<number, JournalEntry>();
  /** Never starts again, also not by {@link reset}: a reader's `since` stays meaningful. */
  #sequence = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns what tells its outcome, once */
  open(request: Omit<JournalEntry, 'sequence' | 'at' | 'outcome'>): (outcome: JournalOutcome) => void {
    const entry = { sequence: ++this.#sequence, at: this.#clock.now(), ...request };
    this.#entries.set(entry.sequence, entry);
    return (outcome) => {
      // An entry that was reset away while its request ran stays away.
      if (this.#entries.has(entry.sequence)) this.#entries.set(entry.sequence, { ...entry, outcome });
    };
  }

  since(sequence: number): readonly JournalEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.sequence > sequence);
  }

  reset(): void {
    this.#entries.clear();
  }
}
