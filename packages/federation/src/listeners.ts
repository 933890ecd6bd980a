/** Tells listeners one thing after another, also when a listener causes the next one. */
export class Listeners<T> {
  readonly #listeners = new Set<(news: T) => void>();
  readonly #queue: { readonly news: T }[] = [];
  #telling = false;

  /** @returns stops telling */
  add(listener: (news: T) => void): () => void {
    // Wrapped, so that one function added twice is told twice and removed once.
    const entry = (news: T): void => listener(news);
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  /** Told at once, or after what is being told now. */
  tell(news: T): void {
    this.#queue.push({ news });
    if (this.#telling) return;
    this.#telling = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        for (const listener of this.#listeners) listener(next.news);
      }
    } finally {
      this.#telling = false;
    }
  }
}
