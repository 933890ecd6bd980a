/** The last bytes of a text, for the sentence that says why a process ended. What it costs to add to it does not depend on how much there is. */
export class TextTail {
  readonly #bytesMax: number;
  readonly #bytes: Buffer;
  #length = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#bytes = Buffer.alloc(2 * bytesMax);
  }

  push(chunk: Uint8Array): void {
    const last = chunk.subarray(Math.max(0, chunk.length - this.#bytesMax));
    if (this.#length + last.length > this.#bytes.length) {
      this.#bytes.copyWithin(0, this.#length - this.#bytesMax, this.#length);
      this.#length = this.#bytesMax;
    }
    this.#bytes.set(last, this.#length);
    this.#length += last.length;
  }

  text(): string {
    return this.#bytes
      .subarray(Math.max(0, this.#length - this.#bytesMax), this.#length)
      .toString('utf8')
      .trim();
  }
}
