/** What an operator may have to act on, for status: by area, until the same thing works again. */
import type { Instant } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';

/** Tells what is wrong with one area, in words; `undefined` says that it works. */
export type Trouble = (detail: string | undefined) => void;

export class Troubles {
  readonly #clock: Clock;
  readonly #onChange: () => void;
  /** By area, the latest last. */
  readonly #standing = new Map<string, string>();
  #lastAt: Instant | undefined;

  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  of(area: string): Trouble {
    return (detail) => {
      const had = this.#standing.delete(area);
      if (detail !== undefined) {
        this.#standing.set(area, detail);
        this.#lastAt = this.#clock.now();
      } else if (!had) return;
      this.#onChange();
    };
  }

  /** The latest of what still stands. */
  get last(): string | undefined {
    return [...this.#standing.values()].at(-1);
  }

  /** When something was last told of, whether it still stands or not. */
  get lastAt(): Instant | undefined {
    return this.#lastAt;
  }
}
