/** One log of the simulated hub: everything ever stored, of which readers see what a stream with a limit per subject keeps. */
import type { LogMessage, OutgoingMessage } from '@routerd/federation/internal';

/** Two messages of one id within this time are stored once (JetStream's default). */
const DUPLICATE_WINDOW_MS = 120_000;

export class HubLog {
  readonly #perSubjectMax: number;
  readonly #stored: (LogMessage & { readonly id: string })[] = [];
  readonly #ids = new Map<string, { readonly sequence: number; readonly at: number }>();

  constructor(perSubjectMax: number) {
    this.#perSubjectMax = perSubjectMax;
  }

  /** Sequence of the last message; 0 when there is none. */
  last(): number {
    return this.#stored.at(-1)?.sequence ?? 0;
  }

  append(
    { subject, id, text }: OutgoingMessage,
    now: number,
  ): { readonly sequence: number; readonly stored?: LogMessage } {
    const known = this.#ids.get(id);
    if (known !== undefined && now - known.at < DUPLICATE_WINDOW_MS) return { sequence: known.sequence };
    const stored = { sequence: this.last() + 1, subject, data: new TextEncoder().encode(text), id };
    this.#stored.push(stored);
    this.#ids.set(id, { sequence: stored.sequence, at: now });
    return { sequence: stored.sequence, stored };
  }

  /** What a reader is given, as it stood `behind` messages ago. */
  retained(behind = 0): readonly LogMessage[] {
    const perSubject = new Map<string, number>();
    const kept: LogMessage[] = [];
    for (const message of this.#stored.slice(0, this.#stored.length - behind).toReversed()) {
      const count = (perSubject.get(message.subject) ?? 0) + 1;
      perSubject.set(message.subject, count);
      if (count <= this.#perSubjectMax) kept.push(message);
    }
    return kept.toReversed();
  }

  /** The last messages were acknowledged and are gone: a disk that had not synced, a leader that was no leader any more. */
  rollBack(count: number): void {
    for (const { id } of this.#stored.splice(Math.max(0, this.#stored.length - count))) this.#ids.delete(id);
  }

  wipe(): void {
    this.rollBack(this.#stored.length);
  }
}
