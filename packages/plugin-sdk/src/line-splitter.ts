/** Cuts a byte stream into lines of bounded length. Knows nothing of where the bytes come from. */
import { GrowingBytes } from './growing-bytes.ts';

export type LineEvent =
  /** Without its line feed. */
  | { readonly kind: 'line'; readonly text: string }
  /** Told once per line, as soon as the bound is passed; the rest of that line is thrown away. */
  | { readonly kind: 'too-long'; readonly bytesMax: number };

export class LineSplitter {
  readonly #bytesMax: number;
  readonly #held = new GrowingBytes();
  #isDiscarding = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** @returns what the chunk completes, in order; empty lines are left out */
  push(chunk: Uint8Array): readonly LineEvent[] {
    const events: LineEvent[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(10, start);
      this.#hold(chunk.subarray(start, end === -1 ? chunk.length : end), events);
      if (end === -1) return events;
      this.#complete(events);
      start = end + 1;
    }
  }

  /** The last line when the stream ends without a line feed. */
  end(): readonly LineEvent[] {
    const events: LineEvent[] = [];
    this.#complete(events);
    return events;
  }

  #hold(bytes: Uint8Array, events: LineEvent[]): void {
    if (this.#isDiscarding || bytes.length === 0) return;
    if (this.#held.length + bytes.length <= this.#bytesMax) {
      this.#held.push(bytes);
      return;
    }
    this.#isDiscarding = true;
    this.#held.take();
    events.push({ kind: 'too-long', bytesMax: this.#bytesMax });
  }

  #complete(events: LineEvent[]): void {
    const text = this.#held.take().toString('utf8').trim();
    this.#isDiscarding = false;
    if (text !== '') events.push({ kind: 'line', text });
  }
}
