/** An ordered log in memory with the rules of a stream: last messages per subject, and one message per id. */
import type { LogMessage, OutgoingMessage } from '../../transport.ts';
import { encodeWire } from '../../wire/bounded-json.ts';

export class MemoryLog {
  readonly #perSubjectMax: number;
  readonly #bySubject = new Map<string, LogMessage[]>();
  readonly #byId = new Map<string, number>();
  #last = 0;

  constructor(perSubjectMax: number) {
    this.#perSubjectMax = perSubjectMax;
  }

  /** Sequence of the last message ever stored; 0 when there was none. */
  last(): number {
    return this.#last;
  }

  /** In the order in which they were stored. */
  messages(): readonly LogMessage[] {
    return [...this.#bySubject.values()].flat().toSorted((a, b) => a.sequence - b.sequence);
  }

  /** @returns the stored message, or only its sequence when its id was stored before */
  append({ subject, id, text }: OutgoingMessage): { readonly sequence: number; readonly stored?: LogMessage } {
    const known = this.#byId.get(id);
    if (known !== undefined) return { sequence: known };
    this.#last += 1;
    const stored: LogMessage = { sequence: this.#last, subject, data: encodeWire(text) };
    this.#byId.set(id, stored.sequence);
    const alike = [...(this.#bySubject.get(subject) ?? []), stored].slice(-this.#perSubjectMax);
    this.#bySubject.set(subject, alike);
    return { sequence: stored.sequence, stored };
  }

  /** A hub whose disk is gone. */
  wipe(): void {
    this.#bySubject.clear();
    this.#byId.clear();
    this.#last = 0;
  }
}
