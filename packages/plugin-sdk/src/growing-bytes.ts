/** Bytes that come in pieces, kept in one piece: who writes them byte by byte takes no more memory than who writes them at once. */

const FIRST_BYTES = 4096;

export class GrowingBytes {
  #bytes = new Uint8Array(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Copies: the stream may use its buffer again. */
  push(chunk: Uint8Array): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(FIRST_BYTES, needed, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(chunk, this.#length);
    this.#length = needed;
  }

  /** What is there; it is empty afterwards, and what was taken is good until the next push. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.buffer, 0, this.#length);
    this.#length = 0;
    if (this.#bytes.length > FIRST_BYTES) this.#bytes = new Uint8Array(0);
    return taken;
  }
}
