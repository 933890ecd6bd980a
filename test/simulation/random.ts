/** All chance of a simulation: one seed, and a stream of its own for each part that draws, so that one part drawing more moves no other. */

export class SeededRandom {
  readonly #seed: number;
  #state: number;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.#state = this.#seed;
  }

  /** Evenly between 0 and 1, 1 excluded (mulberry32, T. Ettinger). */
  readonly fraction = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    const state = this.#state;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };

  /** A stream that depends on the seed and the name alone, not on what was drawn before. */
  fork(name: string): SeededRandom {
    let hash = 0x811c9dc5 ^ this.#seed;
    for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
    hash ^= hash >>> 15;
    return new SeededRandom(Math.imul(hash, 0x2c1b3c6d) ^ (hash >>> 12));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** An integer, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.fraction() * (most - least + 1));
  }

  /** Like {@link between}, small values far more often: evenly on a logarithmic scale. */
  betweenMostlySmall(least: number, most: number): number {
    return Math.min(most, Math.floor(least * (most / least + 1 / least) ** this.fraction()));
  }

  pick<T>(from: readonly T[]): T {
    const chosen = from[Math.floor(this.fraction() * from.length)];
    if (chosen === undefined) throw new Error('nothing to pick from');
    return chosen;
  }

  /** One of the keys, as often as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries<number>(weights).map(([key, weight]) => [key, weight] as const);
    const total = entries.reduce((sum, [, weight]) => sum + weight, 0);
    let left = this.fraction() * total;
    for (const [key, weight] of entries) {
      left -= weight;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.entries forgets the type of its keys
      if (left < 0) return key as K;
    }
    throw new Error('no weight is positive');
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.between(0, 255));
  }
}
