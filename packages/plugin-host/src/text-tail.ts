/** The last bytes of a text, for the sentence that says why a process ended. */
export class TextTail {
  readonly #bytesMax: number;
  #bytes = Buffer.alloc(0);

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  push(chunk: Uint8Array): void {
    const joined = Buffer.concat([this.#bytes, chunk]);
    this.#bytes = joined.subarray(Math.max(0, joined.length - this.#bytesMax));
  }

  text(): string {
    return this.#bytes.toString('utf8').trim();
  }
}
