/** Who has which key, said by many small maps and a few large ones. Large ones are looked into, not copied. */

const LARGE = 256;

export class Holders {
  readonly #small = new Map<string, string>();
  readonly #large: ReadonlyMap<string, string>[] = [];

  get isEmpty(): boolean {
    return this.#small.size === 0 && this.#large.length === 0;
  }

  /** Keys are new. Cost: linear in a small map, constant for a large one. */
  add(holderOf: ReadonlyMap<string, string>): void {
    if (holderOf.size >= LARGE) this.#large.push(holderOf);
    else for (const [key, holder] of holderOf) this.#small.set(key, holder);
  }

  holderOf(key: string): string | undefined {
    const holder = this.#small.get(key);
    if (holder !== undefined) return holder;
    for (const large of this.#large) if (large.has(key)) return large.get(key);
    return undefined;
  }
}
