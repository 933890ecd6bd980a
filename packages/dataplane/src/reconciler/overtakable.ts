/** Work, one piece at a time, that somebody waits for and may stop waiting for: it goes on to its end, for nobody. It must not reject. */
export class Overtakable<T> {
  #last: Promise<unknown> = Promise.resolve();
  #overtake: (() => void) | undefined;

  /** Begins when what was overtaken before has ended. @returns undefined when it was overtaken itself */
  async run(work: () => Promise<T>): Promise<T | undefined> {
    const { promise: overtaken, resolve } = Promise.withResolvers<undefined>();
    this.#overtake = () => resolve(undefined);
    const done = this.#last.then(work);
    this.#last = done;
    const outcome = await Promise.race([done, overtaken]);
    this.#overtake = undefined;
    return outcome;
  }

  get isAwaited(): boolean {
    return this.#overtake !== undefined;
  }

  /** Whoever waits goes on at once. */
  overtake(): void {
    this.#overtake?.();
  }
}
